import assert from "node:assert/strict";
import { test } from "node:test";
import { checkServer } from "../../../src/service/doctor/check-server.ts";
import { keyringFromKeys, mcpServer, oauth2, serverStatus } from "../../../src/index.ts";
import type { Provider, ServerStatus } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { testMcpServer, verifier } from "../../support/mcp-server.ts";
import type { TestMcpServer } from "../../support/mcp-server.ts";
import { testVault } from "../../support/test-vault.ts";

const redirectUri = "https://app.example/connect/callback";

function recordOf({ server }: TestMcpServer, more: Partial<Parameters<typeof mcpServer>[0]> = {}): Provider {
  return mcpServer({ name: "tools", server, clientName: "Notes", redirectUri, ...more });
}

/** What doctor says, as `status message`. */
function said(provider: Provider, status: ServerStatus, now = 0): string[] {
  return checkServer(provider, status, now).map(({ status: is, message }) => `${is} ${message}`);
}

test("the status of an MCP server names each step of the way, and registers nothing", async (t) => {
  const mcp = await testMcpServer(t);
  const provider = recordOf(mcp);
  const status = await serverStatus(provider);
  assert.deepEqual(status, {
    metadataUrl: `${mcp.origin}/.well-known/oauth-protected-resource/mcp`,
    resource: mcp.server,
    scopes: ["tools"],
    authorizationServers: [{ issuer: mcp.issuer }],
    issuer: mcp.issuer,
    registers: true,
    takesDocuments: false,
  });
  assert.deepEqual(said(provider, status), [
    `ok tools says of itself: ${status.metadataUrl}`,
    `ok tools has the authorization server ${mcp.issuer}`,
    "ok a client is registered at tools with the first sign-in",
  ]);
  assert.equal(mcp.to("/register").length, 0);
});

test("of several authorization servers each is looked at, and the first that works is said to be used", async (t) => {
  const [mcp, other] = [await testMcpServer(t), await testMcpServer(t)];
  other.answers.set("/.well-known/oauth-authorization-server", other.metadata({ issuer: "https://x.example" }));
  const servers = [other.issuer, mcp.issuer];
  const prm = "/.well-known/oauth-protected-resource/mcp";
  mcp.answers.set(prm, mcp.resource({ authorization_servers: servers }));
  const provider = recordOf(mcp);
  const [, chosen = "", broken = ""] = said(provider, await serverStatus(provider));
  assert.equal(chosen, `ok tools has the authorization server ${mcp.issuer}, the first of 2 that works`);
  assert.match(broken, /^warn tools: the document of the authorization server .* is another's/);
  mcp.answers.set(prm, mcp.resource({ authorization_servers: [other.issuer] }));
  const [, none = ""] = said(provider, await serverStatus(provider));
  assert.match(none, /^fail tools has no authorization server that works/);
});

test("the status names the client that is kept, and doctor what is wrong with it", async (t) => {
  const [mcp, next] = [await testMcpServer(t), await testMcpServer(t)];
  const fixture = await testVault(t);
  const provider = recordOf(mcp);
  const end = Math.floor(fixture.clock.now() / 1000) + 86_400;
  mcp.answers.set("/register", {
    status: 201,
    body: { client_id: "c-1", client_secret: "s", client_secret_expires_at: end },
  });
  mcp.clients.set("c-1", { secret: "s", redirectUris: [redirectUri] });
  const vault = await fixture.open({ providers: [provider] });
  const sent = { code: "no-code", redirectUri, codeVerifier: verifier, externalId: "user-1" };
  await assert.rejects(vault.exchangeCode(sent));
  await vault.close();
  const store = sqlite(fixture.path);
  await store.open({ clock: fixture.clock });
  t.after(() => store.close());
  const options = { store, keyring: keyringFromKeys(fixture.key) };
  const status = await serverStatus(provider, options);
  assert.deepEqual(status.client, {
    kind: "registered",
    clientId: "c-1",
    issuer: mcp.issuer,
    redirectUri,
    secretEndsAt: new Date(end * 1000),
  });
  const clientAt = (now: number): string => said(provider, status, now)[2] ?? "";
  assert.match(clientAt(0), /^ok tools knows us as c-1/);
  assert.match(clientAt((end - 60) * 1000), /^warn the secret of client c-1 of tools ends 2026-/);
  assert.match(clientAt(end * 1000), /^warn the secret of client c-1 of tools ended 2026-/);
  const elsewhere = recordOf(mcp, { redirectUri: "https://other.example/connect/callback" });
  assert.match(said(elsewhere, status)[2] ?? "", /^warn client c-1 of tools was registered with the redirect URI/);
  mcp.answers.set("/.well-known/oauth-protected-resource/mcp", mcp.resource({ authorization_servers: [next.issuer] }));
  const moved = said(provider, await serverStatus(provider, options))[2] ?? "";
  assert.equal(moved, `warn tools has moved from ${mcp.issuer} to ${next.issuer}`);
  assert.match(said(provider, { ...status, client: "unreadable" })[2] ?? "", /^fail .* does not open/);
});

test("doctor says how a client comes about that is not kept yet", async (t) => {
  const mcp = await testMcpServer(t);
  const status = await serverStatus(recordOf(mcp));
  const clientOf = (provider: Provider, changes: Partial<ServerStatus>): string =>
    said(provider, { ...status, ...changes })[2] ?? "";
  const document = recordOf(mcp, { clientDocumentUrl: "https://app.example/client.json" });
  assert.match(clientOf(document, { takesDocuments: true }), /^ok tools takes our document for a client: https:/);
  assert.match(clientOf(document, {}), /^ok a client is registered/);
  assert.match(clientOf(recordOf(mcp, { clientId: "c-1" }), { registers: false }), /^ok tools has the client/);
  assert.match(clientOf(recordOf(mcp), { registers: false }), /^fail tools registers no clients by itself/);
});

test("the status of what is no MCP server is refused", async () => {
  const plain = oauth2({
    name: "wiki",
    authorizationEndpoint: "https://wiki.example/a",
    tokenEndpoint: "https://wiki.example/t",
    clientId: "c",
    identity: "none",
  });
  await assert.rejects(serverStatus(plain), { code: "invalid_request" });
});
