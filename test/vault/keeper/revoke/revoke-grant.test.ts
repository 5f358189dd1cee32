import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import { testVault, outcomes, until } from "../../../support/test-vault.ts";

const reauthorize = (error: unknown): boolean => isOnbehalfError(error, "reauthorization_required");
const unconfirmed = (error: unknown): boolean => isOnbehalfError(error, "provider_unavailable");

describe("revoking a grant", () => {
  test("revoking a grant ends it at the provider and here; the tokens are gone from the file", async (t) => {
    const { standin, open, code, newRequests, events, path } = await testVault(t);
    const vault = await open();
    const grant = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-42" });
    const { token } = await vault.getAccessToken(grant.grantId);
    const ended = await vault.revoke(grant);
    assert.deepEqual([ended.state, ended.reason, ended.offline], ["revoked", "revoked", false]);
    assert.deepEqual(outcomes(newRequests("/revoke")), { revoked: 1 });
    assert.equal((await fetch(`${standin.url}/tokeninfo?access_token=${token}`)).status, 400);
    assert.equal(vault.peekAccessToken(grant.grantId), undefined);
    for (const ref of [grant.grantId, { subject: grant.subject }, { externalId: "user-42" }]) {
      await assert.rejects(vault.getAccessToken(ref), (error) => {
        assert.ok(isOnbehalfError(error, "reauthorization_required"));
        assert.equal(error.details.reason, "revoked");
        return true;
      });
    }
    assert.deepEqual(events.at(-1), { type: "revoked", grantId: grant.grantId, provider: "google", siblings: [] });
    const { DatabaseSync } = await import("node:sqlite");
    const file = new DatabaseSync(path, { readOnly: true });
    assert.deepEqual(
      { ...file.prepare("SELECT refresh_sealed AS r, access_sealed AS a FROM grants").get() },
      {
        r: null,
        a: null,
      },
    );
    file.close();
  });

  test("revoking a grant twice, or one that the person has ended already, is done", async (t) => {
    const { standin, open, code } = await testVault(t);
    const vault = await open();
    const grant = await vault.exchangeCode({ code: code("ada@example.com") });
    standin.revoke("ada@example.com");
    assert.equal((await vault.revoke(grant.grantId)).state, "revoked");
    assert.equal((await vault.revoke({ subject: grant.subject })).state, "revoked");
  });

  test("revoking a grant that has lapsed ends it, too", async (t) => {
    const { standin, clock, open, code } = await testVault(t);
    const vault = await open();
    const grant = await vault.exchangeCode({ code: code("ada@example.com") });
    standin.revoke("ada@example.com");
    clock.advance(3_700_000);
    await assert.rejects(vault.getAccessToken(grant.grantId), reauthorize);
    assert.equal((await vault.revoke(grant)).state, "revoked");
  });

  test("revoking a grant that does not exist says so", async (t) => {
    const { open } = await testVault(t);
    const vault = await open();
    await assert.rejects(vault.revoke("g_nobody"), (error) => isOnbehalfError(error, "grant_not_found"));
  });

  const troubles: readonly (readonly [string, object])[] = [
    ["is down", { status: 503 }],
    ["cuts the connection", { drop: true }],
  ];
  for (const [name, fault] of troubles) {
    test(`revoking a grant while the provider ${name}: nothing is handed out from the first moment, and it is told until it confirms`, async (t) => {
      const { standin, open, code, events, newRequests } = await testVault(t);
      const vault = await open();
      const grant = await vault.exchangeCode({ code: code("ada@example.com") });
      await vault.getAccessToken(grant.grantId);
      standin.fault("POST", "/revoke", { times: "always", ...fault });
      await assert.rejects(vault.revoke(grant), unconfirmed);
      assert.equal((await vault.grant(grant.grantId)).state, "revoking");
      assert.equal(events.at(-1)?.type, "revocation_waits");
      assert.equal(vault.peekAccessToken(grant.grantId), undefined);
      await assert.rejects(vault.getAccessToken(grant.grantId), reauthorize);
      await assert.rejects(vault.fetch(grant.grantId, "https://www.googleapis.com/drive/v3/files"), reauthorize);
      await vault.close();
      standin.clearFaults();

      const next = await open();
      await until(() => events.some(({ type }) => type === "revoked"));
      assert.equal((await next.grant(grant.grantId)).state, "revoked");
      assert.equal(outcomes(newRequests("/revoke"))["revoked"], 1);
    });
  }
});

describe("a person who connects again", () => {
  test("a person who connects again after a disconnect has the same grant, alive", async (t) => {
    const { open, standin, code } = await testVault(t);
    const vault = await open();
    const first = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-42" });
    await vault.revoke(first);
    const second = await vault.exchangeCode({ code: standin.code({ email: "ada@example.com", force: true }) });
    assert.deepEqual([second.grantId, second.state, second.offline], [first.grantId, "active", true]);
    assert.match((await vault.getAccessToken({ externalId: "user-42" })).token, /^ya29\./);
  });

  test("a person who connects again while a disconnect waits for the provider is not disconnected by it", async (t) => {
    const { standin, clock, open, events, code } = await testVault(t);
    const vault = await open();
    const grant = await vault.exchangeCode({ code: code("ada@example.com") });
    standin.fault("POST", "/revoke", { times: "always", status: 503 });
    await assert.rejects(vault.revoke(grant), unconfirmed);

    const again = await vault.exchangeCode({ code: standin.code({ email: "ada@example.com", force: true }) });
    assert.deepEqual([again.grantId, again.state], [grant.grantId, "active"]);
    standin.clearFaults();
    await vault.close();

    // A new process finds nothing to revoke any more.
    const next = await open();
    await next.close();
    const last = await open();
    assert.equal((await last.grant(grant.grantId)).state, "active");
    assert.ok(!events.some(({ type }) => type === "revoked"));
    clock.advance(3_700_000);
    assert.match((await last.getAccessToken(grant.grantId)).token, /^ya29\./);
  });

  test("a person who connects again while other disconnects are retried is not disconnected again", async (t) => {
    const { standin, clock, open, code, events } = await testVault(t);
    const vault = await open();
    standin.fault("POST", "/revoke", { times: "always", status: 503 });
    for (const email of ["ada@example.com", "carl@example.com"]) {
      const { grantId } = await vault.exchangeCode({ code: code(email) });
      await assert.rejects(vault.revoke(grantId), unconfirmed);
    }
    standin.clearFaults();
    await vault.close();

    // The next vault has read both pending revocations, and waits for the provider's answer to the first.
    standin.fault("POST", "/revoke", { times: 1, delayMs: 300 });
    const next = await open();
    const [first, second] = (await next.grants({ state: "revoking" })).grants;
    assert.ok(first !== undefined && second !== undefined);
    const email = second.profile.email ?? "";
    const again = await next.exchangeCode({ code: standin.code({ email, force: true }) });
    assert.deepEqual([again.grantId, again.state], [second.grantId, "active"]);
    await until(() => events.some((event) => event.type === "revoked" && event.grantId === first.grantId));
    await next.close();
    const last = await open();
    assert.equal((await last.grant(second.grantId)).state, "active");
    assert.ok(!events.some((event) => event.type === "revoked" && event.grantId === second.grantId));
    clock.advance(3_700_000);
    assert.match((await last.getAccessToken(second.grantId)).token, /^ya29\./, "nor was the provider told to end it");
  });

  test("a person who connects again while the disconnect's request is on its way keeps what came last", async (t) => {
    const { standin, open, code } = await testVault(t);
    const vault = await open();
    const grant = await vault.exchangeCode({ code: code("ada@example.com") });
    standin.fault("POST", "/revoke", { times: 1, delayMs: 200, status: 200, body: {} });
    const revoking = vault.revoke(grant);
    await until(async () => (await vault.grant(grant.grantId)).state === "revoking");
    const again = await vault.exchangeCode({ code: standin.code({ email: "ada@example.com", force: true }) });
    assert.equal(again.state, "active");
    assert.equal(
      (await revoking).state,
      "suspect",
      "said as it is: connected again, and perhaps ended with the old one",
    );
    assert.match((await vault.getAccessToken(grant.grantId)).token, /^ya29\./);
    assert.equal((await vault.grant(grant.grantId)).state, "active");
  });

  test("a person who connects again with a sign-in that brings no refresh token does not stop a disconnect", async (t) => {
    const { standin, open, code, newRequests } = await testVault(t);
    const vault = await open();
    const grant = await vault.exchangeCode({ code: code("ada@example.com") });
    standin.fault("POST", "/revoke", { times: 1, status: 503 });
    await assert.rejects(vault.revoke(grant), unconfirmed);
    assert.equal((await vault.exchangeCode({ code: code("ada@example.com") })).state, "revoking");
    await assert.rejects(vault.getAccessToken(grant.grantId), reauthorize);
    assert.equal((await vault.revoke(grant)).state, "revoked");
    const shown = newRequests("/revoke").map(({ parameters }) => parameters["token"]?.slice(0, 3));
    assert.deepEqual(shown, ["1//", "1//"], "the refresh token: elsewhere than at Google an access token ends nothing");
  });
});
