import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import { lookAgainMs } from "../../../../src/core/second-look.ts";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import { bentProvider } from "../../../support/bent-provider.ts";
import type { BentOptions, BentProvider } from "../../../support/bent-provider.ts";
import { until } from "../../../support/test-vault.ts";

const hourMs = 3_600_000;
const expiredMs = 3_700_000;
const comeBack = (error: unknown): boolean => isOnbehalfError(error, "reauthorization_required");

/** A provider that refuses the next refreshes with these codes, in turn, and is healthy after that. */
async function refusing(
  t: Parameters<typeof bentProvider>[0],
  codes: readonly string[],
  { provider, ...more }: BentOptions = {},
): Promise<BentProvider & { readonly refreshes: () => number }> {
  const left = [...codes];
  const bent = await bentProvider(
    t,
    {
      token(_, { form }) {
        const error = form["refresh_token"] === undefined ? undefined : left.shift();
        return error === undefined ? undefined : { status: error === "away" ? 503 : 400, body: { error } };
      },
    },
    { provider: { rotation: "none", ...provider }, ...more },
  );
  return Object.assign(bent, {
    refreshes: () => bent.requests.filter(({ form }) => form["grant_type"] === "refresh_token").length,
  });
}

describe("a provider that does not rotate and refuses a token that lives", () => {
  test("once: a caller without a token waits a moment, and is served", async (t) => {
    const provider = await refusing(t, ["invalid_grant"]);
    const { grantId } = await provider.connect();
    provider.clock.advance(expiredMs);
    assert.match((await provider.vault.getAccessToken(grantId)).token, /^at-/);
    assert.ok(!provider.events.some(({ type }) => type === "lapsed"));
    assert.equal(provider.refreshes(), 2);
  });

  test("twice: the grant lapses, is not asked about for hours, and then lives again at its next use", async (t) => {
    const provider = await refusing(t, ["invalid_grant", "invalid_grant"]);
    const { clock, vault, events } = provider;
    const { grantId } = await provider.connect();
    clock.advance(expiredMs);
    await assert.rejects(vault.getAccessToken(grantId), comeBack);
    assert.equal((await vault.grant(grantId)).state, "lapsed");
    clock.advance(5 * hourMs);
    await assert.rejects(vault.getAccessToken(grantId), comeBack);
    assert.equal(provider.refreshes(), 2);
    clock.advance(19 * hourMs);
    assert.match((await vault.getAccessToken(grantId)).token, /^at-/);
    assert.equal((await vault.grant(grantId)).state, "active");
    assert.deepEqual(events.at(-1), { type: "recovered", grantId, provider: "bent" });
  });

  test("twice: the grant lives again without being used, in whichever process looks", async (t) => {
    const store = sqlite(":memory:");
    const provider = await refusing(t, ["invalid_grant", "invalid_grant"], { vault: { store } });
    const { clock, vault, events } = provider;
    const { grantId } = await provider.connect();
    clock.advance(expiredMs);
    await assert.rejects(vault.getAccessToken(grantId), comeBack);
    clock.advance(lookAgainMs.afterLapse + 1);
    // A keeper looks when it starts, and every half minute after that. An open store stays as it is.
    await provider.open({ store: { ...store, close: async () => undefined } });
    await until(() => events.some(({ type }) => type === "recovered"));
    assert.equal((await vault.grant(grantId)).state, "active");
  });

  test("twice, in a round in which time passes: the look that is hours away is not taken in that round", async (t) => {
    const store = sqlite(":memory:");
    const codes = Array.from({ length: 20 }, () => "invalid_grant");
    const provider = await refusing(t, codes, { vault: { store } });
    const { clock, vault, bend } = provider;
    const grants = [await provider.connect("a/c"), await provider.connect("b/c"), await provider.connect("c/c")];
    // Their tokens live, so that the first refusal is followed by a wait and not by the second look.
    clock.advance(3_400_000);
    for (const { grantId } of grants) await vault.getAccessToken(grantId, { minTtlSeconds: 600 });
    assert.equal(provider.refreshes(), 3);
    clock.advance(expiredMs);
    provider.bend = {
      token(answer, request) {
        clock.advance(11_000);
        return bend.token?.(answer, request);
      },
    };
    const next = await provider.open({ store: { ...store, close: async () => undefined } });
    await until(async () => {
      const states = await Promise.all(grants.map(async ({ grantId }) => next.grant(grantId)));
      return states.every(({ state }) => state === "lapsed");
    });
    // Closing waits for the round that is under way.
    await next.close();
    assert.equal(provider.refreshes(), 6);
  });

  test("for ever: the lapsed grant is looked at once more, and never again", async (t) => {
    const provider = await refusing(
      t,
      Array.from({ length: 50 }, () => "invalid_grant"),
    );
    const { clock, vault, events } = provider;
    const { grantId } = await provider.connect();
    clock.advance(expiredMs);
    const since = await vault.getAccessToken(grantId).catch((error: unknown) => error);
    assert.ok(isOnbehalfError(since, "reauthorization_required"));
    for (let day = 0; day < 5; day++) {
      clock.advance(24 * hourMs);
      await assert.rejects(vault.getAccessToken(grantId), (error) => {
        assert.ok(isOnbehalfError(error, "reauthorization_required"));
        const [{ evidence: _then, ...before }, { evidence: _now, ...after }] = [since.details, error.details];
        assert.deepEqual(after, before, "lapsed since then");
        return true;
      });
    }
    assert.equal(provider.refreshes(), 3);
    assert.equal(events.filter(({ type }) => type === "lapsed").length, 1);
  });

  test("and is away when the last look is due: that look is taken later", async (t) => {
    const provider = await refusing(t, ["invalid_grant", "invalid_grant", "away"]);
    const { clock, vault } = provider;
    const { grantId } = await provider.connect();
    clock.advance(expiredMs);
    await assert.rejects(vault.getAccessToken(grantId), comeBack);
    clock.advance(24 * hourMs);
    await assert.rejects(vault.getAccessToken(grantId), comeBack, "lapsed until the provider says otherwise");
    clock.advance(hourMs);
    assert.match((await vault.getAccessToken(grantId)).token, /^at-/);
  });

  for (const [times, state] of [
    [1, "active"],
    [2, "lapsed"],
  ] as const) {
    test(`${times} times while the access token lives: that is served, and the next look comes a minute later: ${state}`, async (t) => {
      const provider = await refusing(
        t,
        Array.from({ length: times }, () => "invalid_grant"),
      );
      const { clock, vault } = provider;
      const { grantId } = await provider.connect();
      clock.advance(50 * 60_000);
      const longer = { minTtlSeconds: 1_800 };
      for (let n = 0; n < 3; n++) assert.equal((await vault.getAccessToken(grantId, longer)).token, "at-1");
      assert.equal(provider.refreshes(), 1, "not asked again within the minute");
      assert.equal((await vault.grant(grantId)).state, "active");
      clock.advance(lookAgainMs.spaced);
      if (state === "active") assert.notEqual((await vault.getAccessToken(grantId, longer)).token, "at-1");
      else await assert.rejects(vault.getAccessToken(grantId, longer), comeBack);
      assert.equal((await vault.grant(grantId)).state, state);
      assert.equal(provider.refreshes(), 2);
    });
  }

  test("while the access token lives, which then ends: a caller does not wait for the rest of the minute", async (t) => {
    const provider = await refusing(t, ["invalid_grant"]);
    const { clock, vault } = provider;
    const { grantId } = await provider.connect();
    clock.advance(3_590_000);
    assert.equal((await vault.getAccessToken(grantId)).token, "at-1", "ten seconds before its end");
    clock.advance(20_000);
    assert.notEqual((await vault.getAccessToken(grantId)).token, "at-1");
    assert.equal(provider.refreshes(), 2);
  });

  test("and the person signs in again between the looks: nothing of the old refusal is left", async (t) => {
    const provider = await refusing(t, ["invalid_grant", "invalid_grant"]);
    const { clock, vault } = provider;
    const { grantId } = await provider.connect();
    clock.advance(expiredMs);
    await assert.rejects(vault.getAccessToken(grantId), comeBack);
    assert.equal((await provider.connect("again")).state, "active");
    clock.advance(24 * hourMs);
    await vault.getAccessToken(grantId);
    assert.equal((await vault.revoke(grantId)).state, "revoked");
    clock.advance(24 * hourMs);
    await assert.rejects(vault.getAccessToken(grantId), comeBack);
  });
});

test("a provider that rotates is not asked twice about a token, nor after its grant has lapsed", async (t) => {
  const provider = await refusing(t, ["invalid_grant"], { provider: { rotation: "strict" } });
  const { clock, vault } = provider;
  const { grantId } = await provider.connect();
  clock.advance(expiredMs);
  await assert.rejects(vault.getAccessToken(grantId), comeBack);
  clock.advance(24 * hourMs);
  await assert.rejects(vault.getAccessToken(grantId), comeBack);
  assert.equal(provider.refreshes(), 1);
});
