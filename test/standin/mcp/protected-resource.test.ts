import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asClient, exchange, lastOutcome, refresh, verifier } from "../oauth2/talk.ts";
import { json } from "../talk.ts";
import { granted, headersOf, mcp, rpc } from "./talk.ts";

const both = "mcp:whoami mcp:add";

describe("the MCP server of the kind mcp", () => {
  test("a client finds the authorization server from the server's URL, by RFC 9728 and RFC 8414", async () => {
    await using standin = await mcp();
    const bare = await fetch(standin.server, { method: "POST" });
    const metadata = `${standin.url}/.well-known/oauth-protected-resource/mcp`;
    assert.equal(bare.status, 401);
    assert.equal(bare.headers.get("www-authenticate"), `Bearer resource_metadata="${metadata}"`);
    const { body: resource } = await json(await fetch(metadata));
    assert.deepEqual([resource["resource"], resource["authorization_servers"]], [standin.server, [standin.url]]);
    const { body: server } = await json(await fetch(`${standin.url}/.well-known/oauth-authorization-server`));
    assert.deepEqual(
      [server["issuer"], server["registration_endpoint"], server["client_id_metadata_document_supported"]],
      [standin.url, `${standin.url}/register`, true],
    );
    assert.equal(server["authorization_response_iss_parameter_supported"], true);
    assert.equal((await fetch(`${standin.url}/.well-known/oauth-protected-resource`)).status, 404);
  });

  test("a token for another resource, without one, expired, revoked or unknown is an invalid token", async () => {
    await using standin = await mcp({ otherResources: ["https://other.example/mcp"] });
    const other = await granted(standin, both, "https://other.example/mcp");
    const old = await granted(standin, both);
    const dead = await granted(standin, both);
    await asClient(standin, "/revoke", { token: String(dead["access_token"]) }).catch(() => undefined);
    standin.settings({ resource: "optional" });
    const code = standin.code({ email: "ada@example.com", resource: [] });
    const bare = (await exchange(standin, code)).body;
    assert.equal(typeof bare["access_token"], "string");
    for (const [bearer, outcome] of [
      [other["access_token"], "wrong_audience"],
      [bare["access_token"], "wrong_audience"],
      [dead["access_token"], "unauthorized"],
      [old["refresh_token"], "unauthorized"],
      ["at-x", "unauthorized"],
    ] as const) {
      const response = await rpc(standin, bearer, "ping");
      assert.equal(response.status, 401);
      assert.match(
        response.headers.get("www-authenticate") ?? "",
        /^Bearer error="invalid_token", .*resource_metadata="/,
      );
      assert.equal(lastOutcome(standin), outcome);
    }
    assert.equal((await rpc(standin, old["access_token"], "ping")).status, 200);
    standin.advance(3_601_000);
    assert.equal((await rpc(standin, old["access_token"], "ping")).status, 401);
    const inQuery = await fetch(`${standin.server}?access_token=${String(old["access_token"])}`, { method: "POST" });
    assert.equal(inQuery.status, 401);
  });

  test("a tool whose scope a token lacks is answered with 403, and names the scopes of a token that would do", async () => {
    await using standin = await mcp();
    const { access_token: bearer } = await granted(standin, "mcp:whoami");
    const refused = await rpc(standin, bearer, "tools/call", { name: "add", arguments: { a: 1, b: 1 } });
    assert.equal(refused.status, 403);
    const challenge = refused.headers.get("www-authenticate") ?? "";
    assert.match(challenge, /^Bearer error="insufficient_scope", .*scope="mcp:whoami mcp:add", resource_metadata="/);
    assert.equal((await rpc(standin, bearer, "tools/call", { name: "whoami" })).status, 200);
  });

  test("a token request must name the resource of the code, at the exchange and at each refresh", async () => {
    await using standin = await mcp({ otherResources: ["https://other.example/mcp"] });
    const { server } = standin;
    const spec = { email: "ada@example.com", resource: server };
    const rows: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
      [{}, "invalid_target"],
      [{ resource: "https://other.example/mcp" }, "invalid_target"],
      [{ resource: `${server}/` }, "invalid_target"],
      [{ resource: standin.url }, "invalid_target"],
    ];
    for (const [more, error] of rows) {
      assert.deepEqual([more, (await exchange(standin, standin.code(spec), more)).body["error"]], [more, error]);
    }
    const { body } = await exchange(standin, standin.code(spec), { resource: server });
    assert.equal((await refresh(standin, body["refresh_token"])).body["error"], "invalid_target");
    const next = await refresh(standin, body["refresh_token"], { resource: server });
    assert.equal((await rpc(standin, next.body["access_token"], "ping")).status, 200);
    const verified = await exchange(standin, standin.code(spec), { resource: server, code_verifier: verifier });
    assert.equal(verified.body["error"], "invalid_grant");
  });

  test("an authorization request without PKCE or without the resource is refused at the redirect URI, with iss", async () => {
    await using standin = await mcp();
    const parameters = {
      client_id: standin.clientId,
      redirect_uri: "http://127.0.0.1:8787/callback",
      response_type: "code",
      state: "s-1",
    };
    const challenge = { code_challenge: "a".repeat(43), code_challenge_method: "S256" };
    for (const [more, error] of [
      [{ resource: standin.server }, "invalid_request"],
      [challenge, "invalid_target"],
      [{ ...challenge, resource: "https://other.example/mcp" }, "invalid_target"],
    ] as const) {
      const query = new URLSearchParams({ ...parameters, ...more });
      const response = await fetch(`${standin.url}/authorize?${query.toString()}`, { redirect: "manual" });
      const answer = new URL(response.headers.get("location") ?? "").searchParams;
      assert.deepEqual([answer.get("error"), answer.get("state"), answer.get("iss")], [error, "s-1", standin.url]);
    }
  });
});

describe("a client in a page at the kind mcp", () => {
  const preflight = (url: string, origin: string): Promise<Response> =>
    fetch(url, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });

  test("a page of this machine may call the server and read why it was refused, and a web site may not", async () => {
    await using standin = await mcp();
    const [page, site] = ["http://localhost:6274", "https://evil.example"];
    for (const path of ["/mcp", "/token", "/register", "/revoke", "/.well-known/oauth-authorization-server"]) {
      const asked = await preflight(standin.url + path, page);
      assert.deepEqual([path, asked.status, asked.headers.get("access-control-allow-origin")], [path, 204, page]);
      assert.match(asked.headers.get("access-control-allow-headers") ?? "", /authorization.*mcp-protocol-version/);
      assert.equal((await preflight(standin.url + path, site)).headers.get("access-control-allow-origin"), null);
    }
    const refused = await fetch(standin.server, { method: "POST", headers: { origin: page } });
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get("access-control-expose-headers"), "www-authenticate");
    for (const path of ["/authorize", "/signin/consent"]) {
      const asked = await preflight(standin.url + path, page);
      assert.deepEqual([path, asked.headers.get("access-control-allow-origin")], [path, null]);
    }
  });
});

interface Call {
  readonly title: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly status: number;
  readonly code?: number;
}

const request = (method: string, params: object = {}): object => ({ jsonrpc: "2.0", id: 1, method, params });
const meta = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};
const modern = (method: string): Record<string, string> => ({
  "mcp-protocol-version": "2026-07-28",
  "mcp-method": method,
});

const calls: readonly Call[] = [
  { title: "that is no JSON", body: "{", status: 400, code: -32_700 },
  { title: "that is a batch", body: [request("ping")], status: 400, code: -32_600 },
  { title: "without jsonrpc", body: { id: 1, method: "ping" }, status: 400, code: -32_600 },
  { title: "whose id is null", body: { ...request("ping"), id: null }, status: 400, code: -32_600 },
  { title: "whose params are a list", body: { ...request("ping"), params: [] }, status: 400, code: -32_602 },
  { title: "of a method that there is not", body: request("prompts/list"), status: 200, code: -32_601 },
  { title: "of a tool that there is not", body: request("tools/call", { name: "rm" }), status: 200, code: -32_602 },
  {
    title: "of a tool whose name is no text",
    body: request("tools/call", { name: { toString: 1 } }),
    status: 200,
    code: -32_602,
  },
  {
    title: "with arguments that are none",
    body: request("tools/call", { name: "add", arguments: { a: "1", b: 2 } }),
    status: 200,
    code: -32_602,
  },
  { title: "that accepts no stream", headers: { accept: "application/json" }, body: request("ping"), status: 406 },
  { title: "that is a form", headers: { "content-type": "text/plain" }, body: request("ping"), status: 415 },
  {
    title: "of a web site",
    headers: { origin: "https://evil.example" },
    body: request("ping"),
    status: 403,
  },
  {
    title: "of a revision that there is not",
    headers: { "mcp-protocol-version": "1999-01-01" },
    body: request("ping"),
    status: 400,
    code: -32_022,
  },
  {
    title: "of 2026-07-28 without its members",
    headers: modern("server/discover"),
    body: request("server/discover"),
    status: 400,
    code: -32_602,
  },
  {
    title: "of 2026-07-28 whose header names another method",
    headers: { ...modern("tools/list"), "mcp-name": "whoami" },
    body: request("tools/call", { name: "whoami", _meta: meta }),
    status: 400,
    code: -32_020,
  },
  {
    title: "of 2026-07-28 without the name of the tool in a header",
    headers: modern("tools/call"),
    body: request("tools/call", { name: "whoami", _meta: meta }),
    status: 400,
    code: -32_020,
  },
  {
    title: "of 2026-07-28 without the header of the revision",
    headers: { "mcp-method": "tools/list" },
    body: request("tools/list", { _meta: meta }),
    status: 400,
    code: -32_020,
  },
  {
    title: "of 2026-07-28 that begins as the older ones do",
    headers: modern("initialize"),
    body: request("initialize", { _meta: meta }),
    status: 404,
    code: -32_601,
  },
];

describe("the MCP server of the kind mcp refuses a message", () => {
  for (const { title, headers = {}, body, status, code } of calls) {
    test(`the MCP server of the kind mcp refuses a message ${title}`, async () => {
      await using standin = await mcp();
      const { access_token: bearer } = await granted(standin, both);
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const init = { method: "POST", headers: headersOf(bearer, headers), body: text };
      const answer = await json(await fetch(standin.server, init));
      const error = answer.body["error"] as { code?: number } | undefined;
      assert.deepEqual([answer.status, typeof error === "object" ? error.code : undefined], [status, code]);
    });
  }

  test("the MCP server of the kind mcp takes notifications without an answer, and has neither streams nor sessions", async () => {
    await using standin = await mcp();
    const { access_token: bearer } = await granted(standin, both);
    const headers = headersOf(bearer);
    const body = JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" });
    const response = await fetch(standin.server, { method: "POST", headers, body });
    assert.deepEqual([response.status, await response.text()], [202, ""]);
    for (const method of ["GET", "DELETE"]) {
      const other = await fetch(standin.server, { method, headers });
      assert.deepEqual([other.status, other.headers.get("allow")], [405, "POST"]);
    }
  });

  test("initialize agrees on the client's revision where the server speaks it, else on its own newest", async () => {
    await using standin = await mcp();
    const { access_token: bearer } = await granted(standin, both);
    for (const [asked, agreed] of [
      ["2025-03-26", "2025-03-26"],
      ["2025-11-25", "2025-11-25"],
      ["1999-01-01", "2025-11-25"],
    ]) {
      const { body } = await json(await rpc(standin, bearer, "initialize", { protocolVersion: asked }));
      assert.equal((body["result"] as { protocolVersion: string }).protocolVersion, agreed);
    }
  });
});
