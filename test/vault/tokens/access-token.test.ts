import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { bentProvider } from "../../support/bent-provider.ts";
import { reasons } from "../../../src/core/diagnosis/reasons.ts";
import { isOnbehalfError } from "../../../src/index.ts";
import { testVault, outcomes, until } from "../../support/test-vault.ts";

describe("an access token", () => {
  test("an access token that lives long enough comes from memory: nobody is asked", async (t) => {
    const { clock, open, code, newRequests } = await testVault(t);
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    newRequests();
    const first = await vault.getAccessToken(grantId);
    clock.advance(2_400_000);
    const kept = await vault.getAccessToken(grantId);
    assert.equal(kept.token, first.token);
    assert.equal(await vault.getAccessToken(grantId), kept);
    assert.equal(vault.peekAccessToken(grantId), kept);
    assert.equal(newRequests().length, 0);
  });

  test("an access token that is over is replaced, once, however many wait for it", async (t) => {
    const { clock, open, code, newRequests, standin } = await testVault(t);
    const vault = await open();
    const { grantId, subject } = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-42" });
    const before = await vault.getAccessToken(grantId);
    newRequests();
    clock.advance(3_700_000);
    assert.equal(vault.peekAccessToken(grantId), undefined);
    standin.fault("POST", "/token", { times: 1, delayMs: 50 });
    const refs = [grantId, { grantId }, { subject }, { externalId: "user-42" }, { provider: "google", subject }];
    const tokens = await Promise.all(
      Array.from({ length: 200 }, (_, index) => vault.getAccessToken(refs[index % refs.length] ?? grantId)),
    );
    assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
    assert.equal(new Set(tokens.map(({ token }) => token)).size, 1);
    assert.notEqual(tokens[0]?.token, before.token);
  });

  const ttl = 3_599;
  const asked: readonly (readonly [string, number, number | undefined, boolean])[] = [
    ["exactly the default minute is left", ttl - 60, undefined, false],
    ["a second less than the default minute is left", ttl - 59, undefined, true],
    ["nothing is asked for and a second is left", ttl - 1, 0, false],
    ["nothing is asked for and it is over", ttl, 0, true],
    ["more is asked for than it ever lives, and 31 % of its life is left", 2_483, ttl + 1, false],
    ["more is asked for than it ever lives, and 29 % of its life is left", 2_556, ttl + 1, true],
    ["as much is asked for as it lives", 1, ttl, false],
    ["exactly what is left is asked for", 100, ttl - 100, false],
    ["a second more than is left is asked for", 100, ttl - 99, true],
  ];
  for (const [name, passedSeconds, minTtlSeconds, refreshed] of asked) {
    test(`an access token: ${name}: ${refreshed ? "refreshed first" : "the one at hand"}`, async (t) => {
      const { clock, open, code, newRequests } = await testVault(t, { accessTokenTtlSeconds: ttl });
      const vault = await open();
      const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
      newRequests();
      clock.advance(passedSeconds * 1_000);
      const token = await vault.getAccessToken(grantId, minTtlSeconds === undefined ? {} : { minTtlSeconds });
      assert.deepEqual(outcomes(newRequests()), refreshed ? { refreshed: 1 } : {});
      assert.ok(Number(token.expiresAt) > clock.now(), "never one that is over");
    });
  }

  test("an access token that is shorter-lived than asked is the answer where the provider gives none that long", async (t) => {
    const { open, code, clock } = await testVault(t, { accessTokenTtlSeconds: 300 });
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    const token = await vault.getAccessToken(grantId, { minTtlSeconds: 86_400 });
    assert.equal(Number(token.expiresAt), clock.now() + 300_000);
  });

  test("an access token of a fresh process comes from the store", async (t) => {
    const { open, code, newRequests } = await testVault(t);
    const first = await open();
    const { subject } = await first.exchangeCode({ code: code("ada@example.com") });
    const { token } = await first.getAccessToken({ subject });
    await first.close();
    newRequests();
    const second = await open();
    assert.equal((await second.getAccessToken({ subject })).token, token);
    assert.equal(newRequests().length, 0);
  });

  test("an access token is not given for a reference that only reads like one that was", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const { subject } = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-42" });
    await vault.getAccessToken({ provider: "google", externalId: "user-42" });
    await vault.getAccessToken({ externalId: "user-42" });
    await vault.getAccessToken({ subject });
    const forged = [
      `sub:${subject}`,
      "ext:user-42",
      { externalId: "user-42\ngoogle" },
      { externalId: "google\nuser-42" },
      { externalId: subject },
      { subject: "user-42" },
      { provider: "other", externalId: "user-42" },
      { grantId: `sub\n\n${subject}` },
    ];
    for (const ref of forged) {
      assert.equal(vault.peekAccessToken(ref), undefined);
      await assert.rejects(vault.getAccessToken(ref), (error) => isOnbehalfError(error, "grant_not_found"));
    }
  });
});

describe("a caller who gives up", () => {
  test("a caller who gives up in mid-refresh does not stop it: the next one gets what it brought", async (t) => {
    const { standin, clock, open, code, newRequests, events } = await testVault(t);
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    newRequests();
    standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 100 });
    const hangUp = new AbortController();
    const waiting = vault.getAccessToken(grantId, { signal: hangUp.signal });
    await until(() => standin.log().entries.at(-1)?.outcome !== "exchanged" || standin.log().counts["refreshed"] === 1);
    hangUp.abort(new Error("hung up"));
    await assert.rejects(waiting, /hung up/);
    await until(() => events.some(({ type }) => type === "refreshed"));
    const { token } = await vault.getAccessToken(grantId);
    assert.match(token, /^ya29\./);
    assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
  });

  test("a caller who gives up before the exchange of a code spends nothing; in the middle of it loses nothing", async (t) => {
    const { standin, open, code, newRequests } = await testVault(t);
    const vault = await open();
    const options = { code: code("ada@example.com") };
    await assert.rejects(
      vault.exchangeCode({ ...options, signal: AbortSignal.abort(new Error("hung up")) }),
      /hung up/,
    );
    assert.equal(newRequests().length, 0);

    standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 100 });
    const hangUp = new AbortController();
    const waiting = vault.exchangeCode({ ...options, signal: hangUp.signal });
    await new Promise((resolve) => setTimeout(resolve, 20));
    hangUp.abort(new Error("hung up"));
    await assert.rejects(waiting, /hung up/);
    assert.equal((await vault.exchangeCode(options)).profile.email, "ada@example.com");
    assert.deepEqual(outcomes(newRequests()), { exchanged: 1 });
  });
});

describe("a grant without a refresh token", () => {
  test("a grant without a refresh token works while its access token lives, then says why and since when, and what to do", async (t) => {
    const { standin, clock, open, newRequests } = await testVault(t);
    const vault = await open();
    const { grantId, accessExpiresAt } = await vault.exchangeCode({
      code: standin.code({ email: "ada@example.com", accessType: "online" }),
    });
    newRequests();
    clock.advance(3_590_000);
    assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./, "shorter than asked, but it lives");
    clock.advance(60_000);
    await assert.rejects(vault.getAccessToken(grantId), (error) => {
      assert.ok(isOnbehalfError(error, "reauthorization_required"));
      assert.equal(error.details.reason, "no_refresh_token");
      assert.deepEqual(error.details.since, accessExpiresAt);
      assert.match(error.hint, /access_type=offline.*prompt=consent/);
      return true;
    });
    assert.equal(newRequests().length, 0, "there is nothing to ask the provider for");
  });

  test("a grant without a refresh token becomes one that lasts, when the person consents offline", async (t) => {
    const { standin, clock, open } = await testVault(t);
    const vault = await open();
    const email = "ada@example.com";
    const first = await vault.exchangeCode({ code: standin.code({ email, accessType: "online" }) });
    clock.advance(7_200_000);
    const second = await vault.exchangeCode({ code: standin.code({ email, prompt: "consent" }) });
    assert.equal(second.grantId, first.grantId);
    assert.equal(second.offline, true);
    clock.advance(7_200_000);
    assert.match((await vault.getAccessToken(first.grantId)).token, /^ya29\./);
  });
});

describe("a grant that lapsed", () => {
  test("a lapsed grant says why and since when, to everybody, without asking the provider again; a new consent revives it", async (t) => {
    const { standin, clock, open, code, newRequests, events } = await testVault(t);
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    standin.revoke("ada@example.com");
    newRequests();
    const since = new Date(clock.now());
    const lapsed = (error: unknown): boolean => {
      assert.ok(isOnbehalfError(error, "reauthorization_required"));
      const { causes, evidence, ...details } = error.details;
      const { dependsOn, fix } = reasons.invalid_grant;
      assert.deepEqual(details, { grantId, since, reason: "invalid_grant", certainty: "certain", dependsOn, fix });
      assert.equal(causes?.[0]?.reason, "removed_by_person");
      assert.match(JSON.stringify(evidence), /invalid_grant .*Token has been expired or revoked/);
      return true;
    };
    await assert.rejects(vault.getAccessToken(grantId), lapsed);
    assert.deepEqual(outcomes(newRequests()), { invalid_grant: 2 }, "two pieces of evidence");
    assert.deepEqual(events.at(-1), {
      type: "lapsed",
      grantId,
      provider: "google",
      reason: "invalid_grant",
      dependsOn: "person",
      fix: "ask the person to sign in again, when they are there",
    });

    clock.advance(60_000);
    const elsewhere = await open();
    await assert.rejects(vault.getAccessToken(grantId), lapsed);
    await assert.rejects(elsewhere.getAccessToken(grantId), lapsed);
    const grant = await vault.grant(grantId);
    assert.equal(grant.state, "lapsed");
    assert.equal(grant.offline, false);
    assert.equal(grant.lastError?.error, "invalid_grant");
    assert.equal(newRequests().length, 0);

    const again = await vault.exchangeCode({ code: standin.code({ email: "ada@example.com", force: true }) });
    assert.equal(again.grantId, grantId);
    assert.equal(again.state, "active");
    assert.match((await elsewhere.getAccessToken(grantId)).token, /^ya29\./);
  });

  test("a grant that lapsed because of a session policy says so", async (t) => {
    for (const [refusal, reason] of [
      ["invalid_rapt", "session_control"],
      ["rapt_required", "session_control"],
      ["admin_policy_enforced", "admin_policy_enforced"],
    ] as const) {
      const { standin, clock, open, code } = await testVault(t);
      const vault = await open();
      const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
      clock.advance(3_700_000);
      standin.settings({ refusal });
      await assert.rejects(
        vault.getAccessToken(grantId),
        (error) => isOnbehalfError(error, "reauthorization_required") && error.details.reason === reason,
      );
    }
  });
});

describe("a token that an API refuses, with no refresh token to replace it", () => {
  for (const [name, offlineHint, hint] of [
    ["says nothing of it", undefined, /^(?!.*offline_access).*send a refresh token/],
    ["names the scope", "ask for offline_access", /^ask for offline_access$/],
  ] as const) {
    test(`a refused token without a refresh token: offline_access is recommended where the provider's record says so; this one ${name}`, async (t) => {
      const bent = await bentProvider(
        t,
        { token: (answer) => ({ body: { ...answer, refresh_token: undefined } }) },
        { provider: offlineHint === undefined ? {} : { offlineHint } },
      );
      const grant = await bent.connect();
      const { token } = await bent.vault.getAccessToken(grant);
      const refused = createHash("sha256").update(token).digest("hex");
      await assert.rejects(bent.vault.getAccessToken(grant, { refused }), (error) => {
        assert.ok(isOnbehalfError(error, "reauthorization_required"));
        assert.equal(error.details.reason, "no_refresh_token");
        assert.match(error.hint, hint);
        assert.doesNotMatch(error.message, /never|offline_access/);
        return true;
      });
    });
  }
});
