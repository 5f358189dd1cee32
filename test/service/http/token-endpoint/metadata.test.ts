import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import * as oauth from "oauth4webapi";
import { OAuthMetadataSchema } from "@modelcontextprotocol/sdk/shared/auth.js";
import { toNode } from "../../../../src/node/index.ts";
import { service } from "../../../../src/service/index.ts";
import { startServer } from "../../../../src/service/index.ts";
import { testVault } from "../../../support/test-vault.ts";

const wellKnown = "/.well-known/oauth-authorization-server";

describe("the metadata of the token endpoint", () => {
  test("the metadata names issuer and endpoint by the public URL, as oauth4webapi and the MCP SDK read it", async (t) => {
    const vault = await (await testVault(t)).open();
    const issuer = new URL("https://vault.example");
    const handle = service(vault, { publicUrl: "https://vault.example/" });
    const response = await handle(new Request(`https://vault.example${wellKnown}`));
    assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
    const parsed = OAuthMetadataSchema.parse(await response.clone().json());
    assert.deepEqual(parsed.response_types_supported, []);
    const server = await oauth.processDiscoveryResponse(new URL("https://vault.example"), response);
    assert.equal(server.token_endpoint, "https://vault.example/oauth/token");
    assert.deepEqual(server.token_endpoint_auth_methods_supported, ["client_secret_basic", "client_secret_post"]);
    assert.deepEqual(server.grant_types_supported, [
      "refresh_token",
      "urn:ietf:params:oauth:grant-type:token-exchange",
    ]);
    assert.equal(server.issuer, issuer.origin);
    const begun = await handle(new Request(`${server.authorization_endpoint}?response_type=code&client_id=x`));
    assert.equal(begun.status, 400);
    assert.equal(((await begun.json()) as { error: string }).error, "unsupported_response_type");
  });

  test("beneath a path the metadata stands behind the well-known path, as RFC 8414 has it, and beneath the path itself", async (t) => {
    const vault = await (await testVault(t)).open();
    const publicUrl = "https://app.example/vault";
    const handle = service(vault, { publicUrl });
    for (const url of [`https://app.example${wellKnown}/vault`, `${publicUrl}${wellKnown}`]) {
      const server = await oauth.processDiscoveryResponse(new URL(publicUrl), await handle(new Request(url)));
      assert.equal(server.token_endpoint, `${publicUrl}/oauth/token`);
    }
    assert.equal((await handle(new Request(`https://app.example${wellKnown}/other`))).status, 404);
  });

  test("mounted in a server of the app's own, the metadata names the address that it is mounted at", async (t) => {
    const vault = await (await testVault(t)).open();
    const listener = toNode(service(vault));
    const server = createServer((incoming, outgoing) => {
      incoming.url = (incoming.url ?? "").replace(/^\/vault/, "");
      Object.assign(incoming, { baseUrl: "/vault", originalUrl: `/vault${incoming.url}` });
      listener(incoming, outgoing);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    t.after(() => server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/vault`;
    const body = (await (await fetch(`${base}${wellKnown}`)).json()) as Record<string, string>;
    assert.equal(body["issuer"], base);
    assert.equal(body["token_endpoint"], `${base}/oauth/token`);
  });

  test("a server without a public URL names the address that it listens at, and a handler none that strangers choose", async (t) => {
    const vault = await (await testVault(t)).open();
    const server = await startServer(vault, { port: 0 });
    t.after(() => server.close());
    const body = (await (await fetch(`${server.url}${wellKnown}`)).json()) as Record<string, string>;
    assert.equal(body["issuer"], server.url);
    const handle = service(vault);
    assert.equal((await handle(new Request(`https://evil.example${wellKnown}`))).status, 500);
    assert.equal((await handle(new Request(`http://localhost:8787${wellKnown}`))).status, 200);
  });
});
