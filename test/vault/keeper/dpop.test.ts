import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { google, isOnbehalfError } from "../../../src/index.ts";
import type { Provider, Vault } from "../../../src/index.ts";
import { BoundToken, Secret } from "../../../src/core/secret.ts";
import { fromJournal, journalText } from "../../../src/oauth/token-set.ts";
import { testVault, usualScope } from "../../support/test-vault.ts";
import type { TestVault } from "../../support/test-vault.ts";

interface Scene {
  readonly fixture: TestVault;
  /** Google with refresh tokens that are bound, or not. */
  readonly google: (dpop: boolean) => Provider;
  /** Each request to the token endpoint, with its proof and the refresh token of its answer. */
  readonly sent: { readonly proof: string | null; readonly refreshToken: string | undefined }[];
  open(dpop: boolean): Promise<Vault>;
  edit(sql: string): void;
}

async function scene(t: TestContext): Promise<Scene> {
  const fixture = await testVault(t);
  const { clientId, clientSecret, url: baseUrl } = fixture.standin;
  const sent: Scene["sent"] = [];
  const watched: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (new Request(input).url !== `${baseUrl}/token`) return response;
    const { refresh_token: refreshToken } = (await response.clone().json()) as { readonly refresh_token?: string };
    sent.push({ proof: new Headers(init?.headers).get("dpop"), refreshToken });
    return response;
  };
  const provider = (dpop: boolean): Provider => google({ clientId, clientSecret, baseUrl, dpop });
  return {
    fixture,
    google: provider,
    sent,
    open: (dpop) => fixture.open({ provider: provider(dpop), fetch: watched }),
    edit(sql) {
      const database = new DatabaseSync(fixture.path);
      database.exec(sql);
      database.close();
    },
  };
}

/** What the stand-in says to a refresh token that somebody stole. */
async function stolen({ fixture: { standin } }: Scene, refreshToken: string, proof?: string): Promise<string> {
  const { clientId: client_id, clientSecret: client_secret, url } = standin;
  const body = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    client_id,
    client_secret,
  });
  const headers: Record<string, string> = proof === undefined ? {} : { dpop: proof };
  const answer = await fetch(`${url}/token`, { method: "POST", body, headers });
  return answer.status === 200 ? "tokens" : ((await answer.json()) as { readonly error: string }).error;
}

const hour = 3_700_000;
const lost = (error: unknown): boolean =>
  isOnbehalfError(error, "client_misconfigured") &&
  error.details.providerError === "dpop_key_lost" &&
  error.hint.includes("client_keys");
const claimsOf = (proof: string | null | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from((proof ?? "").split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;

describe("a refresh token that is bound to a key of the keeper", () => {
  test("a refresh token that is bound to a key of the keeper refreshes here, and for nobody who stole it", async (t) => {
    const here = await scene(t);
    const { fixture, sent } = here;
    const vault = await here.open(true);
    const grant = await vault.exchangeCode({ code: fixture.code("ada@example.com") });
    const [{ proof: first, refreshToken = "" } = { proof: null }] = sent;
    assert.equal(await stolen(here, refreshToken), "invalid_dpop_proof");
    assert.equal(await stolen(here, refreshToken, first ?? ""), "invalid_dpop_proof", "with a proof that it saw");

    for (let n = 0; n < 3; n++) {
      fixture.clock.advance(hour);
      await vault.getAccessToken(grant);
    }
    assert.equal(sent.length, 4);
    const proofs = sent.map(({ proof }) => claimsOf(proof));
    assert.equal(new Set(proofs.map(({ jti }) => jti)).size, 4);
    for (const { htm, htu } of proofs) assert.deepEqual([htm, htu], ["POST", `${fixture.standin.url}/token`]);
    const created = fixture.events.filter(({ type }) => type === "dpop_key_created");
    assert.equal(created.length, 1);
    await vault.revoke(grant);
  });

  test("a refresh token that is bound to a key of the keeper refreshes in every process, each of which has the same key", async (t) => {
    const here = await scene(t);
    const vaults = await Promise.all([here.open(true), here.open(true), here.open(true)]);
    const [one] = vaults;
    const grant = await one.exchangeCode({ code: here.fixture.code("ada@example.com") });
    for (const vault of [...vaults, await here.open(true)]) {
      here.fixture.clock.advance(hour);
      await vault.getAccessToken(grant);
    }
    assert.equal(here.fixture.events.filter(({ type }) => type === "dpop_key_lost").length, 0);
  });

  test("a refresh token that is not bound goes on working when binding is switched on, and one that is when it is switched off", async (t) => {
    const here = await scene(t);
    const { fixture, sent } = here;
    const before = await here.open(false);
    const unbound = await before.exchangeCode({ code: fixture.code("ada@example.com") });
    await before.close();
    const on = await here.open(true);
    fixture.clock.advance(hour);
    await on.getAccessToken(unbound);
    const bound = await on.exchangeCode({ code: fixture.code("carl@example.com") });
    await on.close();

    const off = await here.open(false);
    fixture.clock.advance(hour);
    await off.getAccessToken(unbound);
    await off.getAccessToken(bound);
    await off.exchangeCode({ code: fixture.code("eve@example.com") });
    assert.deepEqual(
      sent.map(({ proof }) => proof !== null),
      [false, true, true, false, true, false],
    );
  });

  test("a refresh token that is bound stays so when the grant is refreshed, and when a sign-in brings no other", async (t) => {
    const here = await scene(t);
    const { fixture } = here;
    fixture.standin.settings({ rotation: "strict" });
    const on = await here.open(true);
    const grant = await on.exchangeCode({ code: fixture.code("ada@example.com") });
    fixture.clock.advance(hour);
    await on.getAccessToken(grant);
    await on.exchangeCode({
      code: fixture.standin.code({ kind: "native", email: "ada@example.com", scope: usualScope }),
    });
    await on.close();
    const off = await here.open(false);
    fixture.clock.advance(hour);
    await off.getAccessToken(grant);
    assert.equal((await off.grant(grant)).state, "active");
    assert.ok(here.sent.at(-1)?.proof !== null);
  });

  test("a refresh token that is bound is sent once more where the provider asks for a nonce, which is then remembered", async (t) => {
    const here = await scene(t);
    const { fixture, sent } = here;
    fixture.standin.settings({ dpopNonceSeconds: 7_200 });
    const vault = await here.open(true);
    const grant = await vault.exchangeCode({ code: fixture.code("ada@example.com") });
    assert.equal(sent.length, 2);
    fixture.clock.advance(hour);
    await vault.getAccessToken(grant);
    assert.equal(sent.length, 3, "the nonce was known");
    fixture.clock.advance(7_200_000);
    await vault.getAccessToken(grant);
    assert.equal(sent.length, 5, "and another one after that");
    assert.equal((await vault.grant(grant)).state, "active");
  });

  test("a refresh token that is bound is not sent over and over where the provider refuses every nonce", async (t) => {
    const here = await scene(t);
    const { fixture, sent } = here;
    const vault = await here.open(true);
    const grant = await vault.exchangeCode({ code: fixture.code("ada@example.com") });
    fixture.clock.advance(hour);
    fixture.standin.fault("POST", "/token", { times: 10, status: 400, body: { error: "use_dpop_nonce" } });
    await assert.rejects(vault.getAccessToken(grant), (error) => isOnbehalfError(error, "provider_unavailable"));
    assert.equal(sent.length, 2);
    fixture.standin.clearFaults();
    fixture.clock.advance(hour);
    await vault.getAccessToken(grant);
  });

  for (const [what, spoil, state] of [
    ["does not open", "UPDATE client_keys SET key_sealed = X'00'", "damaged"],
    ["was put there by hand", "UPDATE client_keys SET key_sealed = CAST('{}' AS BLOB)", "damaged"],
    ["was deleted", "DELETE FROM client_keys", "gone"],
  ] as const) {
    test(`a refresh token whose key ${what} is not sent, and its grant is not ended; the rest goes on`, async (t) => {
      const here = await scene(t);
      const { fixture, sent } = here;
      const before = await here.open(false);
      const unbound = await before.exchangeCode({ code: fixture.code("ada@example.com") });
      await before.close();
      const on = await here.open(true);
      const bound = await on.exchangeCode({ code: fixture.code("carl@example.com") });
      await on.close();
      here.edit("CREATE TABLE kept AS SELECT * FROM client_keys");
      here.edit(spoil);

      const vault = await here.open(true);
      fixture.clock.advance(hour);
      const asked = sent.length;
      await assert.rejects(vault.getAccessToken(bound), lost);
      assert.equal(sent.length, asked);
      assert.equal((await vault.grant(bound)).state, "active");
      assert.match((await vault.getAccessToken(unbound)).token, /^ya29/);
      const code = fixture.code("eve@example.com");
      if (state === "damaged") {
        await assert.rejects(vault.exchangeCode({ code }), lost);
        assert.ok(fixture.events.some(({ type }) => type === "dpop_key_lost"));
      } else {
        assert.equal(fixture.events.filter(({ type }) => type === "dpop_key_created").length, 2);
      }
      await vault.close();

      here.edit("DELETE FROM client_keys; INSERT INTO client_keys SELECT * FROM kept; DROP TABLE kept");
      const restored = await here.open(true);
      assert.equal((await restored.exchangeCode({ code })).profile.email, "eve@example.com");
      fixture.clock.advance(hour);
      assert.match((await restored.getAccessToken(bound)).token, /^ya29/);
    });
  }

  test("an answer in the journal remembers the key that its refresh tokens are bound to", () => {
    const key = "k".repeat(43);
    const refreshToken = new BoundToken("1//a", key);
    const kept = fromJournal(
      journalText({
        tokens: { refreshToken, otherRefreshTokens: [new BoundToken("1//b", key)] },
        receivedAt: 1,
      }).expose(),
    );
    for (const token of [kept?.tokens.refreshToken, kept?.tokens.otherRefreshTokens?.[0]]) {
      assert.ok(token instanceof BoundToken && token.boundTo === key);
    }
    const plain = fromJournal(journalText({ tokens: { refreshToken: new Secret("1//a") }, receivedAt: 1 }).expose());
    assert.ok(!(plain?.tokens.refreshToken instanceof BoundToken));
  });
});
