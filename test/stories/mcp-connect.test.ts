import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock, generateMasterKey, keyringFromKeys, mcpServer, openKeeper, openVault } from "../../src/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { agree } from "../standin/mcp/app.ts";
import { ConnectBrowser, backWith, newVerifier } from "../support/connect-browser.ts";
import { testMcpServer } from "../support/mcp-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testVault } from "../support/test-vault.ts";

const baseUrl = "http://127.0.0.1:8787/connect";
const redirectUri = `${baseUrl}/callback`;
const returnUrl = "http://127.0.0.1:8787/settings";

test("a person connects an MCP server by a link, at whose beginning nobody knew a client there", async (t) => {
  const clock = fixedClock("2026-11-26T00:00:00Z");
  await using standin = await startStandin({ kind: "mcp", clock });
  await using vault = await openVault({
    providers: [mcpServer({ name: "tools", server: standin.server, clientName: "Notes", redirectUri })],
    store: sqlite(`${await temporaryFolder(t)}/grants.db`),
    keyring: keyringFromKeys(generateMasterKey()),
    clock,
  });
  const browser = new ConnectBrowser(vault.connectHandler({ baseUrl, appName: "Notes" }));
  const { codeVerifier, codeChallenge } = newVerifier();
  const { connectId, url } = await vault.beginConnect({ externalId: "user-1", returnUrl, codeChallenge });
  const { location = "" } = await browser.open(url);
  const asked = new URL(location).searchParams;
  assert.deepEqual(asked.getAll("resource"), [standin.server]);
  assert.equal(asked.get("client_id"), vault.providers[0]?.clientId);
  assert.equal(asked.get("scope"), "mcp:whoami mcp:add offline_access");
  assert.equal(asked.get("code_challenge_method"), "S256");
  const answer = Object.fromEntries(await agree(new URL(location)));
  assert.equal(answer["iss"], standin.url);
  const back = await browser.open(backWith(location, answer));
  assert.deepEqual(Object.fromEntries(new URL(back.location ?? "").searchParams), {
    connect_id: connectId,
    status: "pending",
  });
  const grant = await vault.finishConnect(connectId, { codeVerifier });
  assert.deepEqual([grant.externalId, grant.offline], ["user-1", true]);
  clock.advance(3_700_000);
  assert.ok((await vault.getAccessToken(grant)).token !== "");
});

for (const [title, iss] of [
  ["of another issuer", "https://other.example"],
  ["without an issuer, where the server announces one", undefined],
  ["whose issuer differs by a slash", "/"],
] as const) {
  test(`an answer ${title} is not used for an MCP server`, async (t) => {
    const mcp = await testMcpServer(t);
    const fixture = await testVault(t);
    const provider = mcpServer({ name: "tools", server: mcp.server, clientName: "Notes", redirectUri });
    const vault = await fixture.open({ providers: [provider] });
    const browser = new ConnectBrowser(vault.connectHandler({ baseUrl, appName: "Notes" }));
    const { connectId, url } = await vault.beginConnect({ externalId: "user-1", returnUrl, ...newChallenge() });
    const { location = "" } = await browser.open(url);
    const sent = iss === "/" ? `${mcp.issuer}/` : iss;
    await browser.open(backWith(location, { code: "a-code", ...(sent === undefined ? {} : { iss: sent }) }));
    assert.deepEqual(await vault.connectStatus(connectId), { status: "failed", error: "issuer_mismatch" });
    assert.equal(mcp.to("/token").length, 0);
  });
}

test("a link asks for the resource that the server's metadata names, where that is its whole host", async (t) => {
  const mcp = await testMcpServer(t);
  mcp.answers.set("/.well-known/oauth-protected-resource/mcp", { status: 404 });
  mcp.answers.set("/.well-known/oauth-protected-resource", mcp.resource({ resource: mcp.origin }));
  const fixture = await testVault(t);
  const provider = mcpServer({ name: "tools", server: mcp.server, clientName: "Notes", redirectUri });
  const common = { store: sqlite(fixture.path), keyring: keyringFromKeys(fixture.key), clock: fixture.clock };
  const keeper = await openKeeper({ ...common, providers: [provider] });
  // This process reads no more of the client than its id.
  const vault = await fixture.open({ providers: [provider], keeper });
  const browser = new ConnectBrowser(vault.connectHandler({ baseUrl, appName: "Notes" }));
  const { url } = await vault.beginConnect({ externalId: "user-1", returnUrl, ...newChallenge() });
  const { location = "" } = await browser.open(url);
  assert.deepEqual(new URL(location).searchParams.getAll("resource"), [mcp.origin]);
  await vault.close();
  await keeper.close();
});

function newChallenge(): { readonly codeChallenge: string } {
  return { codeChallenge: newVerifier().codeChallenge };
}
