import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError, Secret } from "../../../../src/index.ts";
import type { Provider, Vault, VaultOptions } from "../../../../src/index.ts";
import type { StandinOptions } from "../../../../src/standin/index.ts";
import { accepts } from "../../../support/accepts.ts";
import { testVault, outcomes, until } from "../../../support/test-vault.ts";
import type { TestVault } from "../../../support/test-vault.ts";

const email = "ada@example.com";
const dead = (error: unknown): boolean =>
  isOnbehalfError(error, "reauthorization_required") && error.details.reason === "invalid_grant";

interface Family extends TestVault {
  readonly vault: Vault;
  /** Opens one more vault, as another process would. */
  again(options?: Partial<VaultOptions>): Promise<Vault>;
  /** A code of the second client, with consent. */
  secondCode(): string;
}

/** Two clients of one project, as an app's production and staging: `google` and `second`. */
async function family(t: TestContext, settings: StandinOptions = {}, clientId?: string): Promise<Family> {
  const fixture = await testVault(t, settings);
  const { standin, provider } = fixture;
  const other = standin.client({ loopback: true, ...(clientId === undefined ? {} : { clientId }) });
  const client = { clientId: other.clientId, clientSecret: new Secret(other.clientSecret ?? "") };
  const second: Provider = { ...provider, name: "second", client };
  const again = (options: Partial<VaultOptions> = {}): Promise<Vault> =>
    fixture.open({ providers: [provider, second], ...options });
  return {
    ...fixture,
    vault: await again(),
    again,
    secondCode: () => standin.code({ email, clientId: other.clientId, azp: other.clientId, force: true }),
  };
}

describe("what Google ends together with a revoked grant", () => {
  test("a sibling that Google ends with a revoked grant is named, and nothing of it is served any more, in any process", async (t) => {
    const { vault, again, standin, events, secondCode } = await family(t);
    const one = await vault.exchangeCode({ provider: "google", code: standin.code({ email }) });
    const two = await vault.exchangeCode({ provider: "second", code: secondCode() });
    const elsewhere = await again();
    for (const each of [vault, elsewhere]) await each.getAccessToken(two.grantId);

    await vault.revoke(one);
    const { grantId } = one;
    assert.deepEqual(events.at(-1), { type: "revoked", grantId, provider: "google", siblings: [two.grantId] });
    assert.equal((await vault.grant(two.grantId)).state, "suspect");
    await assert.rejects(vault.getAccessToken(two.grantId), dead);
    await until(() => elsewhere.peekAccessToken(two.grantId) === undefined);
    await assert.rejects(elsewhere.getAccessToken(two.grantId), dead);
    assert.deepEqual(
      events.filter(({ type }) => type === "lapsed").map((event) => "grantId" in event && event.grantId),
      [two.grantId],
    );
  });

  test("a sibling of a revoked grant that lives on is not blamed: one refresh, and it is as before", async (t) => {
    const { vault, standin, events, newRequests, secondCode } = await family(t, { revocationEnds: "family" });
    const one = await vault.exchangeCode({ provider: "google", code: standin.code({ email }) });
    const { grantId } = await vault.exchangeCode({ provider: "second", code: secondCode() });
    await vault.revoke(one);
    newRequests();
    assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
    assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
    assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
    assert.equal((await vault.grant(grantId)).state, "active");
    assert.ok(!events.some(({ type }) => type === "lapsed"));
  });

  test("revoking a grant does not end one of another project", async (t) => {
    const { vault, standin, events, secondCode } = await family(t, {}, "42-other.apps.googleusercontent.com");
    const one = await vault.exchangeCode({ provider: "google", code: standin.code({ email }) });
    const two = await vault.exchangeCode({ provider: "second", code: secondCode() });
    const { token } = await vault.getAccessToken(two.grantId);
    await vault.revoke(one);
    assert.deepEqual((events.at(-1) as { siblings?: unknown }).siblings, []);
    assert.equal((await vault.grant(two.grantId)).state, "active");
    assert.equal((await vault.getAccessToken(two.grantId)).token, token);
  });

  test("a sibling of a revoked grant while the provider is away: no dead token is served, and nothing is blamed", async (t) => {
    const { vault, standin, secondCode } = await family(t);
    const one = await vault.exchangeCode({ provider: "google", code: standin.code({ email }) });
    const two = await vault.exchangeCode({ provider: "second", code: secondCode() });
    await vault.revoke(one);
    standin.fault("POST", "/token", { times: "always", status: 503 });
    const away = (error: unknown): boolean => isOnbehalfError(error, "provider_unavailable");
    await assert.rejects(vault.getAccessToken(two.grantId), away);
    assert.equal((await vault.grant(two.grantId)).state, "suspect");
  });

  test("a sibling of a revoked grant that nobody uses is looked at in the background", async (t) => {
    const { vault, again, standin, events, secondCode } = await family(t);
    const one = await vault.exchangeCode({ provider: "google", code: standin.code({ email }) });
    const two = await vault.exchangeCode({ provider: "second", code: secondCode() });
    await vault.revoke(one);
    await vault.close();
    await again();
    await until(() => events.some((event) => event.type === "lapsed" && event.grantId === two.grantId));
  });

  for (const [when, answerMs, confirmationMs] of [
    ["after the provider has confirmed", 400, 0],
    ["while the provider confirms", 150, 400],
  ] as const) {
    test(`a sibling of a revoked grant is found out where its refresh was answered before, and is stored ${when}`, async (t) => {
      const { vault, standin, clock, secondCode } = await family(t);
      const one = await vault.exchangeCode({ provider: "google", code: standin.code({ email }) });
      const two = await vault.exchangeCode({ provider: "second", code: secondCode() });
      clock.advance(3_700_000);
      standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: answerMs });
      const asked = vault.getAccessToken(two.grantId).catch((error: unknown) => assert.ok(dead(error)));
      await until(() => standin.log().counts["refreshed"] === 1);
      clock.advance(50);
      standin.fault("POST", "/revoke", { times: 1, after: "answer", delayMs: confirmationMs });
      await vault.revoke(one);
      await asked;
      await assert.rejects(vault.getAccessToken(two.grantId), dead);
    });
  }

  test("a sibling of a revoked grant is found out where its code was exchanged before and stored after", async (t) => {
    const { vault, standin, clock, secondCode } = await family(t);
    const one = await vault.exchangeCode({ provider: "google", code: standin.code({ email }) });
    standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 300 });
    const exchanging = vault.exchangeCode({ provider: "second", code: secondCode() });
    await until(() => standin.log().counts["exchanged"] === 2);
    clock.advance(50);
    await vault.revoke(one);
    const two = await exchanging;
    assert.equal(two.state, "suspect");
    await assert.rejects(vault.getAccessToken(two.grantId), dead);
  });
});

describe("a person who connects again in the very moment of a disconnect", () => {
  for (const [ends, what] of [
    ["account", "Google has ended with it: said so at the next use"],
    ["family", "lives on: served, and not blamed"],
  ] as const) {
    for (const when of ["while the provider is told", "before, and is stored when all is over"] as const) {
      test(`a person who connects again during a disconnect: ${when}: what ${what}`, async (t) => {
        const { open, standin, clock, code } = await testVault(t, { revocationEnds: ends });
        const vault = await open();
        const { grantId } = await vault.exchangeCode({ code: code(email) });
        const isLate = when !== "while the provider is told";
        const again = standin.code({ email, force: true });
        let revoking: Promise<unknown> | undefined;
        if (isLate) standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 300 });
        else {
          // On its way to the provider while the new consent is stored.
          standin.fault("POST", "/revoke", { times: 1, delayMs: 300 });
          revoking = vault.revoke(grantId);
          await until(async () => (await vault.grant(grantId)).state === "revoking");
        }
        const connecting = vault.exchangeCode({ code: again });
        if (isLate) {
          await until(() => standin.log().counts["exchanged"] === 2);
          clock.advance(50);
          assert.equal((await vault.revoke(grantId)).state, "revoked");
        }
        await Promise.all([connecting, revoking]);
        assert.equal((await vault.grant(grantId)).state, "suspect");
        if (ends === "account") await assert.rejects(vault.getAccessToken(grantId), dead);
        else {
          assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
          assert.equal((await vault.grant(grantId)).state, "active");
        }
      });
    }
  }
});

/** What is served for a grant now; undefined where the person must consent again. */
async function served(vault: Vault, grantId: string): Promise<string | undefined> {
  try {
    return (await vault.getAccessToken(grantId)).token;
  } catch (error) {
    assert.ok(dead(error), String(error));
    return undefined;
  }
}

describe("an answer that was given before a revocation, and stored after it", () => {
  test("does not clear a grant that was suspect already and is suspected again: no dead token is served", async (t) => {
    const { vault, standin, clock, secondCode } = await family(t, { revocationEnds: "family" });
    const one = await vault.exchangeCode({ provider: "google", code: standin.code({ email }) });
    const two = await vault.exchangeCode({ provider: "second", code: secondCode() });
    await vault.revoke(one);
    assert.equal((await vault.grant(two.grantId)).state, "suspect");
    clock.advance(1_000);
    const oneAgain = await vault.exchangeCode({ provider: "google", code: standin.code({ email, force: true }) });
    clock.advance(1_000);
    standin.settings({ revocationEnds: "account" });
    standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 400 });
    const before = standin.log().counts["refreshed"] ?? 0;
    const asked = served(vault, two.grantId);
    await until(() => standin.log().counts["refreshed"] === before + 1);
    clock.advance(50);
    await vault.revoke(oneAgain);
    await asked;
    const token = await served(vault, two.grantId);
    assert.ok(token === undefined || (await accepts(standin, token)), "a dead token is served");
  });

  test("does not revive a grant that has lapsed by the revocation meanwhile", async (t) => {
    const { vault, again, standin, clock, secondCode } = await family(t);
    const one = await vault.exchangeCode({ provider: "google", code: standin.code({ email }) });
    const two = await vault.exchangeCode({ provider: "second", code: secondCode() });
    const elsewhere = await again();
    clock.advance(3_700_000);
    standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 1_500 });
    const before = standin.log().counts["refreshed"] ?? 0;
    const asked = served(vault, two.grantId);
    await until(() => standin.log().counts["refreshed"] === before + 1);
    clock.advance(50);
    await elsewhere.revoke(one);
    // The other process takes the attempt over, is refused, and ends the grant.
    clock.advance(31_000);
    assert.equal(await served(elsewhere, two.grantId), undefined);
    await asked;
    const token = await served(vault, two.grantId);
    assert.ok(token === undefined || (await accepts(standin, token)), "a dead token is served");
  });
});
