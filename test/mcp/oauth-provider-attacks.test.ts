import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import { mcpOAuthProvider } from "../../src/mcp/index.ts";
import type { McpOAuthProvider, McpOAuthProviderOptions, McpTokens } from "../../src/mcp/index.ts";
import { agree } from "../standin/mcp/app.ts";
import { testMcpServer, verifier } from "../support/mcp-server.ts";
import type { TestMcpServer } from "../support/mcp-server.ts";
import { mcpFixture, redirectUri, refusing } from "./connected-person.ts";
import { sdks } from "./sdks.ts";

const ref = { provider: "tools", externalId: "user-1" };

function personAt(
  vault: Vault,
  more: Partial<McpOAuthProviderOptions> = {},
): { readonly provider: McpOAuthProvider; readonly sentTo: URL[] } {
  const sentTo: URL[] = [];
  const onRedirect = (url: URL): void => void sentTo.push(url);
  return { provider: mcpOAuthProvider(vault, { ...ref, redirectUrl: redirectUri, onRedirect, ...more }), sentTo };
}

for (const [version, sdk] of sdks) {
  describe(`what goes wrong with mcpOAuthProvider in SDK ${version}`, () => {
    test("while the provider fails nobody is sent away: the vault's error comes, and the next call goes through", async (t) => {
      const fixture = await mcpFixture(t);
      await fixture.connect("user-1");
      const { provider, sentTo } = personAt(fixture.vault);
      const refusal = refusing();
      const client = sdk(fixture.standin.server, provider, refusal.fetch);
      await client.connect();
      refusal.begin((await fixture.vault.getAccessToken(ref)).token);
      fixture.standin.fault("POST", "/token", { status: 503, times: 1 });
      await assert.rejects(client.call("whoami"), (error) => isOnbehalfError(error, "provider_unavailable"));
      assert.equal(sentTo.length, 0);
      fixture.clock.advance(60_000);
      assert.ok(await client.call("whoami"));
      await client.close();
    });

    test("a fetch that reads no data: URLs sends nobody away, and says what is wrong with it", async (t) => {
      const fixture = await mcpFixture(t);
      await fixture.connect("user-1");
      const { provider, sentTo } = personAt(fixture.vault);
      const refusal = refusing();
      const guarded: typeof fetch = async (input, init) => {
        const { protocol } = new URL(input instanceof Request ? input.url : input);
        if (!protocol.startsWith("http")) throw new TypeError("only http here");
        return refusal.fetch(input, init);
      };
      const client = sdk(fixture.standin.server, provider, guarded);
      await client.connect();
      refusal.begin((await fixture.vault.getAccessToken(ref)).token);
      await assert.rejects(client.call("whoami"), /cannot read data: URLs/);
      assert.equal(sentTo.length, 0);
      // The vault has another token by now.
      assert.ok(await client.call("whoami"));
      await client.close();
    });

    test("without a way to send people away the tokens of a connect link are used and replaced, and its end is told", async (t) => {
      const fixture = await mcpFixture(t);
      await fixture.connect("user-1");
      const provider = mcpOAuthProvider(fixture.vault, ref);
      const refusal = refusing();
      const client = sdk(fixture.standin.server, provider, refusal.fetch);
      await client.connect();
      refusal.begin((await fixture.vault.getAccessToken(ref)).token);
      assert.deepEqual(await client.call("add", { a: 1, b: 2 }), { sum: 3 });
      await fixture.vault.revoke(ref);
      await assert.rejects(client.call("whoami"), (error: Error) => {
        assert.match(error.name, /Unauthorized/);
        return isOnbehalfError(error.cause, "reauthorization_required");
      });
      await client.close();
    });

    test("a transport for another server gets no sign-in with this one's client", async (t) => {
      const fixture = await mcpFixture(t);
      const other = await testMcpServer(t);
      const { provider, sentTo } = personAt(fixture.vault);
      await assert.rejects(sdk(other.server, provider).connect(), /not that of tools/);
      assert.equal(sentTo.length, 0);
      assert.equal(other.clients.size, 0);
    });

    test("a server that names another authorization server or another resource later is followed by nobody", async (t) => {
      const [server, evil] = [await testMcpServer(t), await testMcpServer(t)];
      const fixture = await mcpFixture(t, {}, server.server);
      const { provider, sentTo } = personAt(fixture.vault);
      await assert.rejects(sdk(server.server, provider).connect(), /[Uu]nauthorized/);
      const resourcePath = "/.well-known/oauth-protected-resource/mcp";
      server.answers.set(resourcePath, server.resource({ authorization_servers: [evil.issuer] }));
      // A grant hangs on what was found first.
      const state = sentTo[0]?.searchParams.get("state") ?? "";
      const code = server.codeFor(sentTo[0] ?? new URL(server.server));
      const answer = new URLSearchParams({ code, state, iss: server.issuer });
      await sdk(server.server, provider).finishAuth(answer);
      await fixture.vault.getAccessToken(ref);
      provider.invalidateCredentials("all");
      server.revokeAll();
      await assert.rejects(sdk(server.server, provider).connect(), /[Uu]nauthorized/);
      assert.equal(sentTo.at(-1)?.origin, new URL(server.issuer).origin);
      server.answers.set(resourcePath, server.resource({ resource: evil.server }));
      const fresh = personAt(fixture.vault);
      await assert.rejects(sdk(server.server, fresh.provider).connect());
      assert.equal(fresh.sentTo.length, 0);
      assert.deepEqual(evil.asked, []);
    });

    test("a code with the state of another user's sign-in, or of none, is not used", async (t) => {
      const fixture = await mcpFixture(t);
      const [mine, theirs] = [personAt(fixture.vault), personAt(fixture.vault, { externalId: "user-2" })];
      await assert.rejects(sdk(fixture.standin.server, theirs.provider).connect(), /[Uu]nauthorized/);
      const answer = await agree(theirs.sentTo[0]);
      for (const state of [answer.get("state") ?? "", fixture.vault.signIns.newState(), "s-1"]) {
        const { provider } = personAt(fixture.vault, { state });
        await assert.rejects(sdk(fixture.standin.server, provider).finishAuth(answer), { code: "invalid_request" });
      }
      await assert.rejects(sdk(fixture.standin.server, mine.provider).finishAuth(answer), { code: "invalid_request" });
      const tokens = fixture.standin.log().entries.filter(({ path, status }) => path === "/token" && status === 200);
      assert.equal(tokens.length, 0);
      // Nor is a code of somebody else's that is brought to a sign-in of one's own.
      await assert.rejects(sdk(fixture.standin.server, mine.provider).connect(), /[Uu]nauthorized/);
      await assert.rejects(sdk(fixture.standin.server, mine.provider).finishAuth(answer), { code: "code_rejected" });
      await assert.rejects(fixture.vault.grant(ref), { code: "grant_not_found" });
    });

    test("a browser that sends the same answer twice, to two processes, has one sign-in", async (t) => {
      const fixture = await mcpFixture(t);
      const first = personAt(fixture.vault);
      await assert.rejects(sdk(fixture.standin.server, first.provider).connect(), /[Uu]nauthorized/);
      const answer = await agree(first.sentTo[0]);
      const state = answer.get("state") ?? "";
      const vaults = [fixture.vault, await fixture.another()];
      const both = vaults.map((vault) => sdk(fixture.standin.server, personAt(vault, { state }).provider));
      await Promise.all(both.map((client) => client.finishAuth(answer)));
      await sdk(fixture.standin.server, personAt(fixture.vault, { state }).provider).finishAuth(answer);
      const tokens = fixture.standin.log().entries.filter(({ path }) => path === "/token");
      assert.deepEqual([tokens.length, (await fixture.vault.grant(ref)).state], [1, "active"]);
    });

    test("two accounts of one user stay apart, and without a label the SDK is told that there are several", async (t) => {
      const fixture = await mcpFixture(t);
      for (const account of ["work", "home"]) {
        const person = personAt(fixture.vault, { account });
        await assert.rejects(sdk(fixture.standin.server, person.provider).connect(), /[Uu]nauthorized/);
        const email = account === "work" ? "ada@example.com" : "carl@example.com";
        await sdk(fixture.standin.server, person.provider).finishAuth(await agree(person.sentTo[0], [], email));
        const client = sdk(fixture.standin.server, person.provider);
        await client.connect();
        assert.equal(((await client.call("whoami")) as { email: string }).email, email);
        await client.close();
      }
      await assert.rejects(sdk(fixture.standin.server, personAt(fixture.vault).provider).connect(), (error) =>
        isOnbehalfError(error, "ambiguous_grant"),
      );
    });

    test("a server that asks for more scopes gets a sign-in that asks for them and for all that the grant covers", async (t) => {
      const fixture = await mcpFixture(t);
      const first = personAt(fixture.vault);
      await assert.rejects(sdk(fixture.standin.server, first.provider).connect(), /[Uu]nauthorized/);
      await sdk(fixture.standin.server, first.provider).finishAuth(await agree(first.sentTo[0], ["mcp:add"]));
      // The server names what is missing alone, as the specification lets it.
      const missing: typeof fetch = async (input, init) => {
        const response = await fetch(input, init);
        if (response.status !== 403) return response;
        const headers = { "www-authenticate": 'Bearer error="insufficient_scope", scope="mcp:add"' };
        return new Response(null, { status: 403, headers });
      };
      const client = sdk(fixture.standin.server, first.provider, missing);
      await client.connect();
      if (version === "1") first.provider.invalidateCredentials("tokens");
      await assert.rejects(client.call("add", { a: 1, b: 1 }), /[Uu]nauthorized/);
      const asked = first.sentTo.at(-1)?.searchParams.get("scope")?.split(" ") ?? [];
      assert.deepEqual(new Set(asked).isSupersetOf(new Set(["mcp:add", "mcp:whoami"])), true);
      await client.finishAuth(await agree(first.sentTo.at(-1)));
      const again = sdk(fixture.standin.server, first.provider);
      await again.connect();
      assert.deepEqual(await again.call("add", { a: 1, b: 1 }), { sum: 2 });
      await Promise.all([client.close(), again.close()]);
    });
  });
}

/** Tokens as an SDK gets them that keeps them itself. */
async function tokensOf({ clients, code, issuer, server }: TestMcpServer, clientId: string): Promise<McpTokens> {
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${clientId}:${clients.get(clientId)?.secret ?? ""}`)}` },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code: code(clientId, verifier),
      code_verifier: verifier,
      resource: server,
    }),
  });
  return (await response.json()) as McpTokens;
}

describe("mcpOAuthProvider", () => {
  test("tokens are asked for a thousand times from memory, and the provider is not asked", async (t) => {
    const fixture = await mcpFixture(t);
    await fixture.connect("user-1");
    const { provider } = personAt(fixture.vault);
    const before = fixture.standin.log().entries.length;
    const all = await Promise.all(Array.from({ length: 1000 }, () => provider.tokens()));
    assert.equal(new Set(all.map((tokens) => tokens?.access_token)).size, 1);
    assert.ok(all.every((tokens) => tokens !== undefined && !("refresh_token" in tokens)));
    assert.equal(fixture.standin.log().entries.length, before);
  });

  test("tokens of a store that is left behind are deposited, and only the vault refreshes them from then on", async (t) => {
    const server = await testMcpServer(t);
    const fixture = await mcpFixture(t, {}, server.server);
    const { clientId, issuer } = await fixture.vault.signIns.authorization("tools");
    const tokens = await tokensOf(server, clientId);
    const { provider } = personAt(fixture.vault);
    await assert.rejects(provider.saveTokens({ ...tokens, issuer: "https://other.example" }), {
      code: "configuration_invalid",
    });
    await provider.saveTokens({ ...tokens, issuer });
    assert.notEqual((await provider.tokens())?.access_token, tokens.access_token);
    const { refresh_token: _, ...withoutRefresh } = tokens;
    await assert.rejects(provider.saveTokens({ ...withoutRefresh, access_token: "at-other" }), {
      code: "invalid_request",
    });
  });

  test("options that cannot work are refused at once", async (t) => {
    const { vault } = await mcpFixture(t);
    const onRedirect = (): void => undefined;
    for (const [options, code] of [
      [undefined, "invalid_request"],
      [{ provider: "tools" }, "invalid_request"],
      [{ ...ref, externalId: "" }, "invalid_request"],
      [{ ...ref, provider: "other" }, "invalid_request"],
      [{ ...ref, redirectUrl: redirectUri }, "invalid_request"],
      [{ ...ref, onRedirect }, "invalid_request"],
      [{ ...ref, redirectUrl: "https://other.example/callback", onRedirect }, "configuration_invalid"],
      [{ ...ref, redirectUri }, "invalid_request"],
    ] as const) {
      assert.throws(() => mcpOAuthProvider(vault, options as never), { code });
    }
    assert.throws(() => mcpOAuthProvider({ getAccessToken: vault.getAccessToken } as never, ref), {
      code: "invalid_request",
    });
  });

  test("a version of the SDK that cannot be answered in place uses up neither code nor refresh token", async (t) => {
    const fixture = await mcpFixture(t);
    await fixture.connect("user-1");
    const { provider } = personAt(fixture.vault);
    const before = fixture.standin.log().entries.length;
    for (const url of ["https://mcp.example/token", new URL("https://mcp.example/")]) {
      const parameters = new URLSearchParams({ grant_type: "refresh_token", refresh_token: "kept-in-the-vault" });
      await assert.rejects(
        provider.addClientAuthentication(new Headers(), parameters, url, {
          token_endpoint: "https://mcp.example/token",
        }),
        { code: "configuration_invalid" },
      );
    }
    assert.equal(fixture.standin.log().entries.length, before);
  });
});
