import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import type { Provider } from "../../../../src/index.ts";
import { reasons } from "../../../../src/core/diagnosis/reasons.ts";
import { refresh, virtualKeeper } from "../../../faults/virtual-keeper.ts";
import { eventually } from "../../../support/eventually.ts";
import { testVault, outcomes } from "../../../support/test-vault.ts";

const rotations: readonly (readonly [string, Provider["rotation"], "none" | "grace" | "strict"])[] = [
  ["does not rotate", "none", "none"],
  ["has a grace period", { graceSeconds: 30 }, "grace"],
  ["rotates strictly and ends the family when a used token comes back", "strict", "strict"],
];

for (const [name, rotation, plays] of rotations) {
  describe(`several vaults over one file, at a provider that ${name}`, () => {
    test(`several vaults over one file refresh once, and all are served the same token: a provider that ${name}`, async (t) => {
      const { standin, clock, open, code, newRequests } = await testVault(t, {
        rotation: plays,
        revokeFamilyOnReuse: true,
        provider: { rotation },
      });
      const vaults = await Promise.all(Array.from({ length: 5 }, () => open()));
      const [first] = vaults;
      assert.ok(first !== undefined);
      const { grantId } = await first.exchangeCode({ code: code("ada@example.com") });
      for (let round = 1; round <= 3; round++) {
        clock.advance(3_700_000);
        newRequests();
        standin.fault("POST", "/token", { times: 1, delayMs: 60 });
        const tokens = await Promise.all(
          Array.from({ length: 100 }, async (_, index) => vaults[index % vaults.length]?.getAccessToken(grantId)),
        );
        assert.deepEqual(outcomes(newRequests()), { refreshed: 1 }, `round ${round}`);
        assert.equal(new Set(tokens.map((each) => each?.token)).size, 1);
      }
      assert.equal((await first.grant(grantId)).generation, 4);
      assert.equal((await first.grant(grantId)).state, "active");
    });

    test(`several vaults over one file see each other's refreshes, and none hands out a replaced token: a provider that ${name}`, async (t) => {
      const { standin, open, code } = await testVault(t, { rotation: plays, provider: { rotation } });
      const [one, two] = [await open(), await open()];
      const { grantId } = await one.exchangeCode({ code: code("ada@example.com") });
      assert.equal((await one.getAccessToken(grantId)).token, (await two.getAccessToken(grantId)).token);
      // An API's 401 makes one vault refresh a token that the other vault still has in its cache.
      standin.fault("GET", "/drive/v3/files", { times: 1, status: 401 });
      const files = "https://www.googleapis.com/drive/v3/files?spaces=appDataFolder";
      assert.equal((await one.fetch(grantId, files)).status, 200);
      const { token } = await one.getAccessToken(grantId);
      await eventually(
        () => two.getAccessToken(grantId),
        (other) => other.token === token,
        20,
      );
    });
  });
}

describe("a provider that rotates strictly", () => {
  test("a strictly rotating provider's answer is lost on the way: the grant is suspect at once, then lapsed, and says why", async (t) => {
    const { standin, clock, open, code, events } = await testVault(t, {
      rotation: "strict",
      provider: { rotation: "strict" },
    });
    const vault = await open({ random: () => 0 });
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    standin.fault("POST", "/token", { times: 1, after: "answer", drop: true });
    await assert.rejects(vault.getAccessToken(grantId), (error) => isOnbehalfError(error, "provider_unavailable"));
    assert.equal((await vault.grant(grantId)).state, "suspect");
    assert.ok(events.some((event) => event.type === "refresh_failed" && event.ambiguous));

    await assert.rejects(vault.getAccessToken(grantId), (error) => {
      assert.ok(isOnbehalfError(error, "reauthorization_required"));
      assert.equal(error.details.reason, "crash_ambiguous_rotation");
      assert.match(error.message, /lost/);
      return true;
    });
    assert.equal((await vault.grant(grantId)).reason, "crash_ambiguous_rotation");
    assert.deepEqual(events.at(-1), {
      type: "lapsed",
      grantId,
      provider: "google",
      reason: "crash_ambiguous_rotation",
      dependsOn: "person",
      fix: reasons.crash_ambiguous_rotation.fix,
    });

    const again = await vault.exchangeCode({ code: standin.code({ email: "ada@example.com", force: true }) });
    assert.equal(again.state, "active");
    assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
  });

  test("a request that never arrived at a strictly rotating provider: nothing is suspected, and the token still works", async (t) => {
    const { clock, open, code } = await testVault(t, { rotation: "strict", provider: { rotation: "strict" } });
    let away = false;
    const unreachable = Object.assign(new TypeError("fetch failed"), {
      cause: Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
    });
    const flaky: typeof fetch = (...request) => (away ? Promise.reject(unreachable) : fetch(...request));
    const vault = await open({ random: () => 0, fetch: flaky });
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    away = true;
    await assert.rejects(vault.getAccessToken(grantId), (error) => isOnbehalfError(error, "provider_unavailable"));
    assert.equal((await vault.grant(grantId)).state, "active");
    away = false;
    assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
  });
});

test("a grace period: a lost answer is asked for again with the same token, and nothing is lost", async (t) => {
  const { standin, clock, open, code, newRequests } = await testVault(t, {
    rotation: "grace",
    revokeFamilyOnReuse: true,
    provider: { rotation: { graceSeconds: 30 } },
  });
  const vault = await open({ random: () => 0 });
  const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
  clock.advance(3_700_000);
  newRequests();
  standin.fault("POST", "/token", { times: 1, after: "answer", drop: true });
  await assert.rejects(vault.getAccessToken(grantId), (error) => isOnbehalfError(error, "provider_unavailable"));
  assert.equal((await vault.grant(grantId)).state, "active");
  assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
  const [lost, again] = newRequests();
  assert.deepEqual([lost?.outcome, again?.outcome], ["refreshed", "refreshed_in_grace"]);
  assert.equal(again?.refresh_token_fingerprint, lost?.refresh_token_fingerprint, "the same bytes");
  clock.advance(3_700_000);
  assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./, "and its successor is the one that was kept");
});

test("an answer with a new refresh token and without a scope leaves the grant's scopes as they are", async (t) => {
  const { time, store, context, addGrants } = await virtualKeeper(t, {
    rotation: "strict",
    rate: { perSecond: 50, burst: 50 },
  });
  const [id = ""] = await addGrants(1, () => time.now());
  assert.equal((await time.until(refresh(context, id))).kind, "refreshed");
  assert.equal((await store.grantById(id))?.scope, "openid");
});
