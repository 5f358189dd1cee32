/** A caller that may only call APIs gets no token to see, although the API repeats what it was sent. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { findSecret } from "../../support/secret-encodings.ts";
import { testService } from "../../support/test-service.ts";
import { sharedStandin, testVault } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

type Echo = (token: string, response: ServerResponse, request: IncomingMessage) => void;

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** What an API does with the token that it was sent. */
const echoes: Readonly<Record<string, Echo>> = {
  "in a header": (token, response) => response.setHeader("x-authorization", `Bearer ${token}`).end("ok"),
  "in several headers": (token, response) => response.setHeader("link", [`<https://x/?t=${token}>`, token]).end("ok"),
  "in the address of a redirect": (token, response) =>
    response.writeHead(302, { location: `https://other.example/?access_token=${encodeURIComponent(token)}` }).end(),
  "in its refusal": (token, response) =>
    response.writeHead(403, { "www-authenticate": `Bearer error="x", error_description="${token}"` }).end(token),
  "in a 401": (token, response) => response.writeHead(401).end(`no such token: ${token}`),
  "in the body": (token, response) => response.end(`you sent Bearer ${token}, twice ${token}`),
  "in JSON": (token, response) => response.end(JSON.stringify({ headers: { authorization: `Bearer ${token}` } })),
  "in JSON with its slashes escaped": (token, response) => response.end(`{"a":"${token.replaceAll("/", "\\/")}"}`),
  "percent-encoded": (token, response) => response.end(`t=${encodeURIComponent(token)}`),
  "in hexadecimal": (token, response) => response.end(Buffer.from(`Bearer ${token}`).toString("hex")),
  "in base64": (token, response) => response.end(base64(token)),
  "in base64, among others": (token, response) =>
    response.end([0, 1, 2, 3].map((n) => base64(`${"x".repeat(n)}Bearer ${token}yz`)).join(" ")),
  "in base64url": (token, response) => response.end(Buffer.from(`a:${token}`).toString("base64url")),
  "byte by byte": (token, response) => {
    for (const each of Buffer.from(`<<${token}>>`)) response.write(Buffer.from([each]));
    response.end();
  },
  "after something that begins like it": (token, response) => {
    response.write(token.slice(0, 9));
    response.write(token.slice(0, 12));
    response.write(token);
    response.end(token.slice(0, 3));
  },
  compressed: (token, response) => response.setHeader("content-encoding", "gzip").end(gzipSync(token.repeat(9))),
};

describe("a caller that may call APIs and see no token", () => {
  for (const [name, echo] of Object.entries(echoes)) {
    test(`a caller without the permission token sees none where an API repeats it: ${name}`, async (t) => {
      const api = createServer((request, response) =>
        echo(request.headers.authorization?.slice("Bearer ".length) ?? "", response, request),
      );
      await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
      t.after(() => {
        api.closeAllConnections();
        api.close();
      });
      const { provider } = await testVault(t, { shared });
      const apiBaseUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
      const { ask, grant, keyFor, vault } = await testService(t, {
        shared,
        vault: { provider: { ...provider, apiBaseUrl } },
      });
      const { grantId } = await grant();
      const first = (await vault.getAccessToken(grantId)).token;
      const seen = async (key: string): Promise<string> => {
        const answer = await ask(`/v1/grants/${grantId}/proxy/www.googleapis.com/echo`, {
          headers: { authorization: `Bearer ${key}`, "accept-encoding": "gzip" },
        });
        return [...answer.headers].flat().join("\n") + (await answer.text());
      };
      const [hidden, shown] = [await seen(await keyFor("proxy")), await seen(await keyFor("proxy", "token"))];
      // A 401 has made another token of it.
      const tokens = [first, (await vault.getAccessToken(grantId)).token];
      for (const token of tokens) assert.equal(findSecret(Buffer.from(hidden), token), undefined, hidden);
      assert.match(hidden, /\*{20}/);
      assert.ok(
        tokens.some((token) => findSecret(Buffer.from(shown), token) !== undefined),
        "a caller with the permission gets the answer as it is",
      );
    });
  }

  test("a caller without the permission token gets an answer's bytes as they are where there is no token", async (t) => {
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * 7) % 256));
    const api = createServer((_request, response) => response.setHeader("content-length", content.length).end(content));
    await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      api.closeAllConnections();
      api.close();
    });
    const { provider } = await testVault(t, { shared });
    const apiBaseUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
    const { ask, grant, keyFor } = await testService(t, { shared, vault: { provider: { ...provider, apiBaseUrl } } });
    const { grantId } = await grant();
    const answer = await ask(`/v1/grants/${grantId}/proxy/www.googleapis.com/x`, {
      headers: { authorization: `Bearer ${await keyFor("proxy")}` },
    });
    assert.equal(answer.headers.get("content-length"), String(content.length));
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), content);
  });

  test("a caller without the permission token gets no answer that cannot be looked through", async (t) => {
    const api = createServer((request, response) =>
      response.setHeader("content-encoding", "zstd").end(zstdCompressSync(request.headers.authorization ?? "")),
    );
    await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      api.closeAllConnections();
      api.close();
    });
    const { provider } = await testVault(t, { shared });
    const apiBaseUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
    const { ask, grant, keyFor } = await testService(t, { shared, vault: { provider: { ...provider, apiBaseUrl } } });
    const { grantId } = await grant();
    const answer = await ask(`/v1/grants/${grantId}/proxy/www.googleapis.com/x`, {
      headers: { authorization: `Bearer ${await keyFor("proxy")}`, "accept-encoding": "zstd" },
    });
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /unreadable_coding/);
  });
});
