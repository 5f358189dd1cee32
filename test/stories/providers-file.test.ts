import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { movableClock, oauth2 } from "../../src/index.ts";
import { startServiceProcess } from "../faults/service-process.ts";
import { bentProvider } from "../support/bent-provider.ts";
import { testMcpServer, verifier } from "../support/mcp-server.ts";
import { testVault } from "../support/test-vault.ts";

const planted = "planted-secret-of-wiki";

test("a service with a file of providers serves Google's people and theirs; who serves never has their secrets", async (t) => {
  const wiki = await bentProvider(
    t,
    {},
    {
      record: (url) =>
        oauth2({
          name: "unused",
          authorizationEndpoint: `${url}/authorize`,
          tokenEndpoint: `${url}/token`,
          clientId: "cid",
          identity: { userinfo: `${url}/userinfo`, subject: "id" },
        }),
    },
  );
  const fixture = await testVault(t, { clock: movableClock() });
  const vault = await fixture.open();
  const { key } = await vault.callers.create("app", { allow: ["grants:create", "grants:read", "token"] });
  await vault.close();
  const path = `${fixture.path}.providers.json`;
  const common = {
    type: "oauth2",
    authorization_endpoint: `${wiki.url}/authorize`,
    token_endpoint: `${wiki.url}/token`,
    client_id: "cid",
    identity: { userinfo: `${wiki.url}/userinfo`, subject: "id" },
  };
  writeFileSync(
    path,
    JSON.stringify({
      providers: [
        { ...common, name: "wiki", client_secret_env: "WIKI", client_authentication: "client_secret_basic" },
        { ...common, name: "notes", client_secret: "in-the-file", identity: "none" },
      ],
    }),
  );
  const service = await startServiceProcess(t, fixture, { ONBEHALF_PROVIDERS_FILE: path, WIKI: planted });
  const ask = async (method: string, address: string, body?: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${service.url}${address}`, {
      method,
      headers: { authorization: `Bearer ${key.expose()}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, ...((await response.json()) as object) };
  };
  const redirect = { redirect_uri: "https://app.example/cb" };

  const one = await ask("POST", "/v1/grants", { code: "ada/1", provider: "wiki", external_id: "u1", ...redirect });
  assert.deepEqual([one["status"], one["sub"]], [200, "ada"], JSON.stringify(one));
  const token = await ask("GET", "/v1/grants/ext:u1/token?provider=wiki");
  assert.equal(token["access_token"], "at-1");
  const { headers } = wiki.requests.find((request) => request.path === "/token") ?? assert.fail();
  assert.equal(headers.authorization, `Basic ${btoa(`cid:${planted}`)}`);

  const unnamed = await ask("POST", "/v1/grants", { code: "c/2", provider: "notes", ...redirect });
  assert.deepEqual([unnamed["status"], unnamed["error"]], [400, "invalid_request"]);
  const two = await ask("POST", "/v1/grants", { code: "c/2", provider: "notes", external_id: "u1", ...redirect });
  assert.equal(two["sub"], "notes:u1", JSON.stringify(two));

  const code = fixture.code("ada@example.com");
  const three = await ask("POST", "/v1/grants", { code, provider: "google", external_id: "u1" });
  assert.equal(three["email"], "ada@example.com", JSON.stringify(three));
  const ambiguous = await ask("GET", "/v1/grants/ext:u1/token");
  assert.equal(ambiguous["error"], "ambiguous_grant");

  if (process.platform === "linux") {
    assert.ok(!readFileSync(`/proc/${service.pid}/environ`, "utf8").includes(planted));
  }
});

test("a service with an MCP server in its file registers a client there once, which the process that serves learns of", async (t) => {
  const mcp = await testMcpServer(t);
  const fixture = await testVault(t, { clock: movableClock() });
  const vault = await fixture.open();
  const { key } = await vault.callers.create("app", { allow: ["grants:create", "token", "proxy"] });
  await vault.close();
  const path = `${fixture.path}.providers.json`;
  const members = { name: "tools", type: "mcp", server: mcp.server, client_name: "Notes" };
  writeFileSync(path, JSON.stringify({ providers: [members] }));
  const settings = { ONBEHALF_PROVIDERS_FILE: path, ONBEHALF_PUBLIC_URL: "https://vault.example" };
  const service = await startServiceProcess(t, fixture, settings);
  const ask = async (method: string, address: string, body?: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${service.url}${address}`, {
      method,
      headers: { authorization: `Bearer ${key.expose()}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, ...((await response.json()) as object) };
  };
  const document = await ask("GET", "/oauth/client/tools.json");
  assert.deepEqual(
    [document["client_id"], document["redirect_uris"]],
    ["https://vault.example/oauth/client/tools.json", ["https://vault.example/connect/callback"]],
  );
  assert.equal((await ask("GET", "/oauth/client/google.json"))["status"], 404);
  const signIn = {
    provider: "tools",
    external_id: "u1",
    redirect_uri: "https://vault.example/connect/callback",
    code_verifier: verifier,
  };
  // Two at once, before anybody knows the client.
  await Promise.all(["a", "b"].map((code) => ask("POST", "/v1/grants", { ...signIn, code })));
  const [[clientId, registered] = assert.fail(), ...others] = [...mcp.clients];
  assert.deepEqual(others, []);
  const made = await ask("POST", "/v1/grants", { ...signIn, code: mcp.code(clientId, verifier) });
  assert.equal(made["status"], 200, JSON.stringify(made));
  const token = await ask("GET", "/v1/grants/ext:u1/token?provider=tools");
  assert.match(String(token["access_token"]), /^at-/);
  if (process.platform === "linux") {
    assert.ok(!readFileSync(`/proc/${service.pid}/environ`, "utf8").includes(registered.secret ?? assert.fail()));
  }
});
