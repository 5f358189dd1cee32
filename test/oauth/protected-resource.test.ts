import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError } from "../../src/index.ts";
import {
  firstAuthorizationServer,
  readAuthorizationServer,
  serverMetadataUrls,
} from "../../src/oauth/authorization-server.ts";
import { boundedFetchDefaults } from "../../src/oauth/bounded-fetch.ts";
import type { BoundedFetch } from "../../src/oauth/bounded-fetch.ts";
import { challengeIn, readProtectedResource, resourceMetadataUrls } from "../../src/oauth/protected-resource.ts";
import { outboundFetch } from "../../src/outbound/outbound-fetch.ts";
import { publicOnly } from "../../src/outbound/public-only.ts";
import { testMcpServer } from "../support/mcp-server.ts";
import type { TestMcpServer } from "../support/mcp-server.ts";

const http: BoundedFetch = { ...boundedFetchDefaults, fetch: outboundFetch({}), timeoutMs: 20_000 };

/** What was thrown, as a code and its message. */
async function failureOf(work: Promise<unknown>): Promise<readonly [code: string, message: string, hint: string]> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(isOnbehalfError(error), `it should have failed, and gave ${String(error)}`);
  return [error.code, error.message, error.hint];
}

test("a resource's metadata is looked for with its path inserted, then at the root", () => {
  const known = "https://mcp.example/.well-known/oauth-protected-resource";
  assert.deepEqual(resourceMetadataUrls("https://mcp.example/a/mcp"), [`${known}/a/mcp`, known]);
  assert.deepEqual(resourceMetadataUrls("https://mcp.example/a/mcp/"), [`${known}/a/mcp/`, known]);
  assert.deepEqual(resourceMetadataUrls("https://mcp.example"), [known]);
  assert.deepEqual(resourceMetadataUrls("https://mcp.example/"), [known]);
});

test("an authorization server's document is looked for in the order of the MCP specification", () => {
  const known = "https://id.example/.well-known";
  assert.deepEqual(serverMetadataUrls("https://id.example"), [
    `${known}/oauth-authorization-server`,
    `${known}/openid-configuration`,
  ]);
  assert.deepEqual(serverMetadataUrls("https://id.example/t1"), [
    `${known}/oauth-authorization-server/t1`,
    `${known}/openid-configuration/t1`,
    "https://id.example/t1/.well-known/openid-configuration",
  ]);
});

for (const [header, expected] of [
  ['Bearer resource_metadata="https://m.example/x"', { metadataUrl: "https://m.example/x" }],
  [
    'Bearer realm="a, b", resource_metadata="https://m.example/x", scope="files:read files:write"',
    { metadataUrl: "https://m.example/x", scopes: ["files:read", "files:write"] },
  ],
  [
    "Basic realm=x, Bearer scope=one, resource_metadata=https://m.example/x",
    { metadataUrl: "https://m.example/x", scopes: ["one"] },
  ],
  ['Bearer error_description="no scope=\\"x\\" here"', {}],
  ['Bearer x_resource_metadata="https://m.example/x"', {}],
  ['Bearer resource_metadata="not a url"', {}],
  ["", {}],
] as const) {
  test(`of the challenge ${JSON.stringify(header)} the address and the scopes are read`, () => {
    assert.deepEqual(challengeIn(header), expected);
  });
}

const underPath = "/.well-known/oauth-protected-resource/mcp";
const atRoot = "/.well-known/oauth-protected-resource";
const gone = { status: 404, body: "<p>not here</p>" };

test("the address that the refusal names is read, and its scopes come before those of the document", async (t) => {
  const mcp = await testMcpServer(t);
  const url = `${mcp.origin}/about-me`;
  mcp.answers.set("/mcp", {
    status: 401,
    headers: { "www-authenticate": `Bearer resource_metadata="${url}", scope="one two"` },
  });
  mcp.answers.set("/about-me", mcp.resource({}));
  const found = await readProtectedResource(mcp.server, "tools", http);
  assert.deepEqual(found, { resource: mcp.server, authorizationServers: [mcp.issuer], scopes: ["one", "two"], url });
  assert.deepEqual(
    mcp.asked.map(({ path }) => path),
    ["/mcp", "/about-me"],
  );
  mcp.answers.set("/about-me", gone);
  const [code, message] = await failureOf(readProtectedResource(mcp.server, "tools", http));
  assert.deepEqual([code, message.includes(`${url} (http_404)`)], ["provider_unavailable", true]);
});

test("without an address in the refusal the well-known ones are read in turn", async (t) => {
  const mcp = await testMcpServer(t);
  assert.deepEqual((await readProtectedResource(mcp.server, "tools", http)).scopes, ["tools"]);
  mcp.answers.set(underPath, gone);
  mcp.answers.set(atRoot, mcp.resource({}));
  assert.equal((await readProtectedResource(mcp.server, "tools", http)).url, `${mcp.origin}${atRoot}`);
  mcp.answers.set(atRoot, mcp.resource({ resource: mcp.origin }));
  assert.equal((await readProtectedResource(mcp.server, "tools", http)).resource, mcp.origin);
  mcp.answers.set(atRoot, mcp.resource({ resource: `${mcp.origin}/` }));
  assert.equal((await readProtectedResource(mcp.server, "tools", http)).resource, `${mcp.origin}/`);
  mcp.answers.set(atRoot, gone);
  mcp.answers.set("/mcp", { status: 400 });
  const [code, message] = await failureOf(readProtectedResource(mcp.server, "tools", http));
  assert.equal(code, "provider_unavailable");
  assert.match(message, /oauth-protected-resource\/mcp \(http_404\), .*oauth-protected-resource \(http_404\)/);
});

test("a server that refuses and has no metadata anywhere is its own authorization server, as in the revision 2025-03-26", async (t) => {
  const mcp = await testMcpServer(t);
  for (const path of [underPath, atRoot]) mcp.answers.set(path, gone);
  const found = await readProtectedResource(mcp.server, "tools", http);
  assert.deepEqual(
    [found.resource, found.authorizationServers, found.isOld],
    [mcp.server, [mcp.origin, `${mcp.origin}/`], true],
  );
  const own = "/.well-known/oauth-authorization-server";
  const read = (): ReturnType<typeof firstAuthorizationServer> =>
    firstAuthorizationServer(found.authorizationServers, http, found.isOld);
  assert.equal((await read()).document["token_endpoint"], `${mcp.origin}/token`);
  mcp.answers.set(own, mcp.metadata({ issuer: `${mcp.origin}/oauth`, token_endpoint: `${mcp.origin}/oauth/token` }));
  assert.equal((await read()).document["token_endpoint"], `${mcp.origin}/oauth/token`);
  mcp.answers.set(own, gone);
  assert.equal((await read()).document["authorization_endpoint"], `${mcp.origin}/authorize`);
  // Somebody else's document is no missing one, and what does not announce PKCE stays refused.
  mcp.answers.set(own, mcp.metadata({ issuer: "https://other.example" }));
  assert.match((await failureOf(read()))[1], /is another's/);
  mcp.answers.set(own, mcp.metadata({ code_challenge_methods_supported: undefined }));
  assert.match((await failureOf(read()))[1], /does not announce PKCE/);
  mcp.answers.set(own, { status: 500 });
  assert.equal((await failureOf(read()))[0], "provider_unavailable");
  // A server that names its metadata has some, wherever that has gone.
  const named = { "www-authenticate": `Bearer resource_metadata="${mcp.origin}/about-me"` };
  mcp.answers.set("/mcp", { status: 401, headers: named });
  assert.match((await failureOf(readProtectedResource(mcp.server, "tools", http)))[1], /about-me \(http_404\)/);
});

test("what stands in place of the metadata is passed over, and told of", async (t) => {
  const mcp = await testMcpServer(t);
  mcp.answers.set(atRoot, gone);
  for (const [answer, why] of [
    [{ body: "<!doctype html><title>app</title>" }, "no JSON object"],
    [{ body: ["a"] }, "no JSON object"],
    [{ status: 302, headers: { location: "http://169.254.169.254/latest" } }, "a redirect, which is not followed"],
    [{ status: 403 }, "http_403"],
    [{ status: 405 }, "http_405"],
    [mcp.resource({ padding: "x".repeat(1_100_000) }), "larger than 64 KiB"],
  ] as const) {
    mcp.answers.set(underPath, answer);
    const [code, message] = await failureOf(readProtectedResource(mcp.server, "tools", http));
    assert.equal(code, "provider_unavailable");
    assert.ok(message.includes(`${underPath} (${why})`), message);
  }
  mcp.answers.set(atRoot, mcp.resource({}));
  assert.equal((await readProtectedResource(mcp.server, "tools", http)).resource, mcp.server);
});

test("a server that fails just now is no server without metadata", async (t) => {
  const mcp = await testMcpServer(t);
  for (const status of [500, 503, 429]) {
    mcp.answers.set(underPath, { status });
    const [code, message] = await failureOf(readProtectedResource(mcp.server, "tools", http));
    assert.deepEqual([code, message.includes(`http_${status}`)], ["provider_unavailable", true]);
    assert.equal(mcp.to(atRoot).length, 0);
  }
});

test("the metadata of another resource is not used", async (t) => {
  const mcp = await testMcpServer(t);
  for (const [resource, hint] of [
    [`${mcp.server}/`, /to the last slash: set server to/],
    [mcp.server.toUpperCase(), /to the last slash/],
    [`${mcp.origin}/MCP`, /to the last slash/],
    [mcp.origin, /to the last slash/],
    [`${mcp.server}/other`, /to the last slash/],
    [`${mcp.server}?x=1`, /to the last slash/],
    ["https://other.example/mcp", /is not used/],
    [undefined, /is not used/],
    [[], /is not used/],
    [null, /is not used/],
  ] as const) {
    mcp.answers.set(underPath, mcp.resource({ resource }));
    const [code, message, does] = await failureOf(readProtectedResource(mcp.server, "tools", http));
    assert.deepEqual([code, message.includes("is another resource's")], ["configuration_invalid", true], message);
    assert.match(does, hint);
  }
});

test("metadata that names no usable authorization server is told of", async (t) => {
  const mcp = await testMcpServer(t);
  for (const servers of [
    undefined,
    [],
    "https://id.example",
    ["http://id.example"],
    ["https://u:p@id.example"],
    [1],
    ["https://id.example?a=1"],
  ]) {
    mcp.answers.set(underPath, mcp.resource({ authorization_servers: servers }));
    const [code, message] = await failureOf(readProtectedResource(mcp.server, "tools", http));
    assert.deepEqual([code, message.includes("names no authorization server")], ["configuration_invalid", true]);
  }
});

const oauthDocument = "/.well-known/oauth-authorization-server/t1";
const openidInserted = "/.well-known/openid-configuration/t1";
const openidAppended = "/t1/.well-known/openid-configuration";

test("each of the addresses of an authorization server's document is tried where those before have none", async (t) => {
  const mcp = await testMcpServer(t, { issuerPath: "/t1" });
  const read = (): Promise<unknown> => readAuthorizationServer(mcp.issuer, http);
  await read();
  mcp.answers.set(oauthDocument, gone);
  mcp.answers.set(openidInserted, mcp.metadata({}));
  await read();
  mcp.answers.set(openidInserted, { body: "<p>app</p>" });
  mcp.answers.set(openidAppended, mcp.metadata({}));
  await read();
  mcp.answers.set(openidAppended, gone);
  const [code, message] = await failureOf(read());
  assert.equal(code, "provider_unavailable");
  for (const path of [oauthDocument, openidInserted, openidAppended]) assert.ok(message.includes(path), message);
});

test("the document of another issuer is not used, however little its name differs", async (t) => {
  const mcp = await testMcpServer(t, { issuerPath: "/t1" });
  for (const issuer of [`${mcp.issuer}/`, mcp.origin, `${mcp.origin}/T1`, "https://honest.example", undefined, 5]) {
    mcp.answers.set(oauthDocument, mcp.metadata({ issuer }));
    const [code, message] = await failureOf(readAuthorizationServer(mcp.issuer, http));
    assert.deepEqual([code, message.includes("is another's")], ["configuration_invalid", true], message);
  }
});

test("an authorization server that does not announce PKCE with S256 is not used", async (t) => {
  const mcp = await testMcpServer(t, { issuerPath: "/t1" });
  for (const methods of [undefined, [], ["plain"], "S256"]) {
    mcp.answers.set(oauthDocument, mcp.metadata({ code_challenge_methods_supported: methods }));
    const [code, message] = await failureOf(readAuthorizationServer(mcp.issuer, http));
    assert.deepEqual([code, message.includes("PKCE")], ["configuration_invalid", true], message);
  }
});

async function pair(t: TestContext): Promise<readonly [TestMcpServer, TestMcpServer]> {
  return [await testMcpServer(t), await testMcpServer(t)];
}

test("of several authorization servers the first that works is used, and where none does the first one is told of", async (t) => {
  const [one, two] = await pair(t);
  one.answers.set("/.well-known/oauth-authorization-server", { status: 500 });
  assert.equal((await firstAuthorizationServer([one.issuer, two.issuer], http)).issuer, two.issuer);
  two.answers.set("/.well-known/oauth-authorization-server", gone);
  const [, message] = await failureOf(firstAuthorizationServer([one.issuer, two.issuer], http));
  assert.ok(message.includes(one.issuer), message);
});

test("an address inside a network is not asked, however it is written", async () => {
  const asked: string[] = [];
  const counting: typeof fetch = async (input) => {
    asked.push(typeof input === "string" ? input : "");
    return new Response("{}");
  };
  const send = publicOnly(counting, false);
  for (const url of [
    "https://127.0.0.1/x",
    "https://localhost/x",
    "https://a.localhost/x",
    "https://[::1]/x",
    "https://10.0.0.1/x",
    "https://169.254.169.254/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://[fd00::1]/x",
    "https://2130706433/x",
    "https://0x7f.1/x",
  ]) {
    await assert.rejects(send(url), { code: "ADDRESS_NOT_PUBLIC" }, url);
  }
  assert.deepEqual(asked, []);
  await send("https://id.example/x");
  assert.deepEqual(asked, ["https://id.example/x"]);
  // Where the MCP server is on this machine, as in tests, others here may be asked, and nothing else inside a network.
  await publicOnly(counting, true)("http://127.0.0.1:1/x");
  await assert.rejects(publicOnly(counting, true)("https://10.0.0.1/x"), { code: "ADDRESS_NOT_PUBLIC" });
});
