import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Vault } from "../../src/index.ts";
import { mcpOAuthProvider } from "../../src/mcp/index.ts";
import type { McpOAuthProvider } from "../../src/mcp/index.ts";
import { agree } from "../standin/mcp/app.ts";
import { mcpFixture, redirectUri, refusing } from "./connected-person.ts";
import type { McpFixture } from "./connected-person.ts";
import { sdks } from "./sdks.ts";
import type { Sdk, SdkClient } from "./sdks.ts";

const ref = { provider: "tools", externalId: "user-1" };
const parallel = Array.from({ length: 20 }, (_, index) => index);
const expected = parallel.map((a) => ({ sum: a + 1 }));

interface Person {
  readonly provider: McpOAuthProvider;
  readonly sentTo: URL[];
}

function personAt(vault: Vault, more: { readonly state?: string } = {}): Person {
  const sentTo: URL[] = [];
  const onRedirect = (url: URL): void => {
    sentTo.push(url);
  };
  return { provider: mcpOAuthProvider(vault, { ...ref, redirectUrl: redirectUri, onRedirect, ...more }), sentTo };
}

/** Signs in as the SDK's documentation says: once to be told to ask the person, and again with what came back. */
async function signedIn(sdk: Sdk, { standin }: McpFixture, { provider, sentTo }: Person): Promise<SdkClient> {
  const first = sdk(standin.server, provider);
  await assert.rejects(first.connect(), /[Uu]nauthorized/);
  await first.finishAuth(await agree(sentTo.at(-1)));
  const client = sdk(standin.server, provider);
  await client.connect();
  return client;
}

const sums = async (client: SdkClient): Promise<unknown[]> =>
  Promise.all(parallel.map((a) => client.call("add", { a, b: 1 })));

for (const [version, sdk] of sdks) {
  describe(`mcpOAuthProvider in SDK ${version}`, () => {
    test("the SDK signs a person in, and calls tools with the vault's tokens", async (t) => {
      const fixture = await mcpFixture(t);
      const person = personAt(fixture.vault);
      const client = await signedIn(sdk, fixture, person);
      const who = (await client.call("whoami")) as { login: string; client_id: string };
      assert.equal(who.login, "ada");
      const grant = await fixture.vault.grant(ref);
      assert.deepEqual(
        [grant.state, grant.offline, grant.clientId, grant.scopes.slice(0, 2)],
        ["active", true, who.client_id, ["mcp:whoami", "mcp:add"]],
      );
      assert.equal(person.sentTo.length, 1);
      assert.equal(fixture.standin.log().entries.filter(({ path }) => path === "/register").length, 1);
      await client.close();
    });

    test("calls go through when the access token has expired, by one refresh for all of two vaults", async (t) => {
      const fixture = await mcpFixture(t);
      const clients = [await signedIn(sdk, fixture, personAt(fixture.vault))];
      const second = sdk(fixture.standin.server, personAt(await fixture.another()).provider);
      await second.connect();
      clients.push(second);
      fixture.clock.advance(3_700_000);
      assert.deepEqual(await Promise.all(clients.map(sums)), [expected, expected]);
      assert.equal(fixture.standin.log().counts["refreshed"], 1);
      for (const client of clients) await client.close();
    });

    test("twenty clients that the server refuses with the same token go on after one refresh", async (t) => {
      const fixture = await mcpFixture(t);
      const person = personAt(fixture.vault);
      await (await signedIn(sdk, fixture, person)).close();
      const refusal = refusing();
      const clients = parallel.map(() => sdk(fixture.standin.server, person.provider, refusal.fetch));
      await Promise.all(clients.map((client) => client.connect()));
      refusal.begin((await fixture.vault.getAccessToken(ref)).token);
      const found = await Promise.all(clients.map((client, a) => client.call("add", { a, b: 1 })));
      assert.deepEqual(found, expected);
      assert.equal(refusal.count, parallel.length);
      assert.equal(fixture.standin.log().counts["refreshed"], 1);
      assert.equal(person.sentTo.length, 1);
      await Promise.all(clients.map((client) => client.close()));
    });

    test("a person who has ended it at the provider is sent away once for twenty calls, and the same client goes on then", async (t) => {
      const fixture = await mcpFixture(t);
      const person = personAt(fixture.vault);
      const client = await signedIn(sdk, fixture, person);
      fixture.standin.revoke("ada@example.com");
      const refused = await Promise.allSettled(parallel.map((a) => client.call("add", { a, b: 1 })));
      for (const each of refused) {
        assert.ok(each.status === "rejected" && /[Uu]nauthorized/.test(String(each.reason)), JSON.stringify(each));
      }
      assert.equal(person.sentTo.length, 2);
      await client.finishAuth(await agree(person.sentTo.at(-1)));
      assert.deepEqual(await sums(client), expected);
      assert.equal((await fixture.vault.grant(ref)).state, "active");
      await client.close();
    });

    test("another process takes the code in, for the state that came back", async (t) => {
      const fixture = await mcpFixture(t);
      const first = personAt(fixture.vault);
      await assert.rejects(sdk(fixture.standin.server, first.provider).connect(), /[Uu]nauthorized/);
      const newer = personAt(fixture.vault);
      await assert.rejects(sdk(fixture.standin.server, newer.provider).connect(), /[Uu]nauthorized/);
      const vault = await fixture.another();
      await fixture.vault.close();
      const answer = await agree(first.sentTo[0]);
      const state = answer.get("state") ?? "";
      const { provider } = personAt(vault, { state });
      await sdk(fixture.standin.server, provider).finishAuth(answer);
      assert.equal((await vault.grant(ref)).state, "active");
      // The newest is found without one.
      const other = personAt(vault);
      await sdk(fixture.standin.server, other.provider).finishAuth(await agree(newer.sentTo[0]));
    });
  });
}
