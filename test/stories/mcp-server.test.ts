import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { fixedClock, generateMasterKey, keyringFromKeys, mcpServer, openVault, serverStatus } from "../../src/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { challengeOf, verifier } from "../standin/oauth2/talk.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const redirectUri = "http://127.0.0.1:8787/connect/callback";

test("an MCP server is found from its URL alone: registered, connected, called by the SDK's client, refreshed and revoked", async (t) => {
  const clock = fixedClock("2026-11-26T00:00:00Z");
  await using standin = await startStandin({ kind: "mcp", clock });
  const provider = mcpServer({ name: "tools", server: standin.server, clientName: "Notes", redirectUri });
  const options = {
    providers: [provider],
    store: sqlite(`${await temporaryFolder(t)}/grants.db`),
    keyring: keyringFromKeys(generateMasterKey()),
    clock,
  };
  assert.equal((await serverStatus(provider)).registers, true);
  await using vault = await openVault(options);
  const signIn = { redirectUri, codeVerifier: verifier, externalId: "user-1", source: "web-redirect" } as const;
  // Nobody knows the client before it is needed for the first time.
  await assert.rejects(vault.exchangeCode({ ...signIn, code: "never-issued" }), { code: "code_rejected" });
  const [{ clientId } = { clientId: "" }] = vault.providers;
  const codeOf = (email: string): string =>
    standin.code({ email, clientId, redirectUri, codeChallenge: challengeOf(verifier), resource: standin.server });
  const grant = await vault.exchangeCode({ ...signIn, code: codeOf("ada@example.com") });
  assert.deepEqual([grant.provider, grant.externalId, grant.offline], ["tools", "user-1", true]);

  const client = new Client({ name: "notes", version: "1.0.0" });
  const byVault = (url: string | URL, init?: RequestInit): Promise<Response> => vault.fetch(grant, url, init);
  await client.connect(new StreamableHTTPClientTransport(new URL(standin.server), { fetch: byVault }));
  assert.deepEqual((await client.callTool({ name: "whoami" })).structuredContent, {
    id: 583_231,
    login: "ada",
    email: "ada@example.com",
    client_id: clientId,
    scope: "mcp:whoami mcp:add",
  });
  clock.advance(3_700_000);
  const sum = await client.callTool({ name: "add", arguments: { a: 2, b: 40 } });
  assert.deepEqual(sum.structuredContent, { sum: 42 });
  await client.close();

  // With a token of the vault's in hand, too, and for somebody else, through the same client.
  const other = await vault.exchangeCode({ ...signIn, externalId: "user-2", code: codeOf("carl@example.com") });
  const { token } = await vault.getAccessToken(other);
  const second = new Client({ name: "notes", version: "1.0.0" });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await second.connect(new StreamableHTTPClientTransport(new URL(standin.server), { requestInit }));
  const who = (await second.callTool({ name: "whoami" })).structuredContent as { login: string };
  assert.equal(who.login, "carl");
  await second.close();

  assert.equal((await vault.revoke(grant)).state, "revoked");
  assert.equal((await vault.grant(other)).state, "active");
  const { counts } = standin.log();
  const seen = standin.log().entries.filter(({ path }) => path === "/register").length;
  assert.deepEqual([seen, counts["refreshed"], counts["revoked"]], [1, 1, 1]);
});
