import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import type { AuthProvider } from "@modelcontextprotocol/client";
import { isOnbehalfError } from "../../src/index.ts";
import { openRemoteVault } from "../../src/client/index.ts";
import { mcpAuthProvider } from "../../src/mcp/index.ts";
import type { TokenVault } from "../../src/mcp/index.ts";
import { service } from "../../src/service/index.ts";
import { mcpFixture, named, refusing } from "./connected-person.ts";

const ref = { provider: "tools", externalId: "user-1" };
const parallel = Array.from({ length: 20 }, (_, index) => index);

async function clientOf(server: string, vault: TokenVault, by: typeof fetch = fetch): Promise<Client> {
  const authProvider: AuthProvider = mcpAuthProvider(vault, ref);
  const client = new Client(named);
  await client.connect(new StreamableHTTPClientTransport(new URL(server), { authProvider, fetch: by }));
  return client;
}

async function sums(client: Client): Promise<unknown[]> {
  const calls = parallel.map((a) => client.callTool({ name: "add", arguments: { a, b: 1 } }));
  return (await Promise.all(calls)).map(({ structuredContent }) => structuredContent);
}

const expected = parallel.map((a) => ({ sum: a + 1 }));

describe("mcpAuthProvider", () => {
  test("calls of a client of SDK 2 go through when the access token has expired, by one refresh for all of two vaults", async (t) => {
    const fixture = await mcpFixture(t);
    await fixture.connect("user-1");
    const clients = [
      await clientOf(fixture.standin.server, fixture.vault),
      await clientOf(fixture.standin.server, await fixture.another()),
    ];
    fixture.clock.advance(3_700_000);
    assert.deepEqual(await Promise.all(clients.map(sums)), [expected, expected]);
    assert.equal(fixture.standin.log().counts["refreshed"], 1);
    for (const client of clients) await client.close();
  });

  test("a remote vault gives the tokens, too, and another one for a token that the server refuses", async (t) => {
    const fixture = await mcpFixture(t);
    await fixture.connect("user-1");
    const handle = service(fixture.vault, { publicUrl: "http://127.0.0.1:8787" });
    const key = (await fixture.vault.callers.create("agent", { allow: ["token"] })).key;
    await using vault = await openRemoteVault({
      url: "http://127.0.0.1:8787",
      key,
      clock: fixture.clock,
      fetch: async (input, init) => handle(new Request(input, init)),
    });
    const refusal = refusing();
    const client = await clientOf(fixture.standin.server, vault, refusal.fetch);
    refusal.begin((await fixture.vault.getAccessToken(ref)).token);
    assert.deepEqual(await sums(client), expected);
    assert.equal(fixture.standin.log().counts["refreshed"], 1);
    await fixture.vault.revoke(ref);
    await client.close();
    const provider = mcpAuthProvider(vault, { ...ref, externalId: "user-2" });
    await assert.rejects(provider.token(), (error) => {
      return error instanceof UnauthorizedError && isOnbehalfError(error.cause, "grant_not_found");
    });
  });

  test("twenty calls that the server refuses with the same token are sent again after one refresh", async (t) => {
    const fixture = await mcpFixture(t);
    await fixture.connect("user-1");
    const refusal = refusing();
    const client = await clientOf(fixture.standin.server, fixture.vault, refusal.fetch);
    refusal.begin((await fixture.vault.getAccessToken(ref)).token);
    assert.deepEqual(await sums(client), expected);
    assert.equal(refusal.count, parallel.length);
    assert.equal(fixture.standin.log().counts["refreshed"], 1);
    await client.close();
  });

  test("a person who has not connected is told apart: the SDK's UnauthorizedError, with the vault's error as its cause", async (t) => {
    const fixture = await mcpFixture(t);
    await assert.rejects(clientOf(fixture.standin.server, fixture.vault), (error) => {
      assert.ok(error instanceof UnauthorizedError);
      return isOnbehalfError(error.cause, "grant_not_found");
    });
    await fixture.connect("user-1");
    const client = await clientOf(fixture.standin.server, fixture.vault);
    await fixture.vault.revoke(ref);
    await assert.rejects(client.callTool({ name: "whoami" }), (error) => {
      assert.ok(error instanceof UnauthorizedError);
      return isOnbehalfError(error.cause, "reauthorization_required");
    });
    await client.close();
  });

  test("a store that does not answer is no reason to ask the person: the vault's own error comes", async (t) => {
    const fixture = await mcpFixture(t);
    await fixture.connect("user-1");
    const provider = mcpAuthProvider(fixture.vault, ref);
    await fixture.vault.close();
    await assert.rejects(provider.token(), (error) => isOnbehalfError(error, "store_unavailable"));
  });

  test("what is no vault or no grant is refused before the SDK meets it", async (t) => {
    const { vault } = await mcpFixture(t);
    for (const [first, second] of [
      [undefined, ref],
      [{}, ref],
      [vault, undefined],
      [vault, ""],
    ]) {
      assert.throws(() => mcpAuthProvider(first as never, second as never), { code: "invalid_request" });
    }
  });
});
