import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import type { Grant, Vault } from "../../../../src/index.ts";
import { testVault } from "../../../support/test-vault.ts";

const idsOf = ({ externalIds }: Grant): readonly string[] => externalIds.map(({ externalId }) => externalId);

async function conflictOf(work: Promise<unknown>): Promise<{ readonly grantId: string; readonly heldBy?: string }> {
  const error = await work.then(
    () => assert.fail("there was no conflict"),
    (thrown: unknown) => thrown,
  );
  assert.ok(isOnbehalfError(error, "external_id_conflict"), String(error));
  const { grantId, heldBy } = error.details;
  assert.ok(grantId !== undefined, "the library sees every grant");
  return heldBy === undefined ? { grantId } : { grantId, heldBy };
}

const isGone =
  (code: string) =>
  (error: unknown): boolean =>
    isOnbehalfError(error) && error.code === code;

describe("one account, several users of the app", () => {
  test("one account that three users connect is one grant, known by each, also in a vault opened later", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    for (const externalId of ["user-1", "user-2", "user-3", "user-2"]) {
      await vault.exchangeCode({ code: code("ada@example.com"), externalId });
    }
    await vault.exchangeCode({ code: code("ada@example.com") });
    const later = await open();
    for (const externalId of ["user-1", "user-2", "user-3"]) {
      assert.deepEqual(idsOf(await later.grant({ externalId })), ["user-1", "user-2", "user-3"]);
      assert.match((await later.getAccessToken({ externalId })).token, /^ya29\./);
    }
    assert.equal((await later.grants()).grants.length, 1);
  });

  test("one account that two users connect in the same moment is known by both", async (t) => {
    const { open, code } = await testVault(t);
    const vaults = [await open(), await open()] as const;
    await Promise.all(
      [0, 1, 2, 3].map((n) =>
        (vaults[n % 2] as Vault).exchangeCode({ code: code("ada@example.com"), externalId: `user-${n}` }),
      ),
    );
    const { grants } = await vaults[0].grants();
    assert.deepEqual(
      grants.map((grant) => [...idsOf(grant)].sort()),
      [["user-0", "user-1", "user-2", "user-3"]],
    );
  });

  test("one account that one user disconnects is disconnected for all, and only who comes back is known again", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    for (const externalId of ["user-1", "user-2"]) {
      await vault.exchangeCode({ code: code("ada@example.com"), externalId });
    }
    assert.equal((await vault.revoke({ externalId: "user-1" })).externalId, "user-1");
    await assert.rejects(vault.getAccessToken({ externalId: "user-2" }), isGone("reauthorization_required"));
    const back = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-2" });
    assert.deepEqual(idsOf(back), ["user-2"]);
    await assert.rejects(vault.getAccessToken({ externalId: "user-1" }), isGone("grant_not_found"));
  });

  test("one account of two users that is connected again for nobody in particular is known by neither", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    for (const externalId of ["user-1", "user-2"]) {
      await vault.exchangeCode({ code: code("ada@example.com"), externalId });
    }
    await vault.revoke({ externalId: "user-1" });
    assert.deepEqual(idsOf(await vault.exchangeCode({ code: code("ada@example.com") })), []);
  });
});

describe("one user of the app, another account", () => {
  test("a user who signs in with another account stays with the first, and nothing is lost or revoked", async (t) => {
    const { open, code, events, newRequests } = await testVault(t);
    const vault = await open();
    const first = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
    const details = await conflictOf(vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1" }));
    assert.equal(details.heldBy, first.grantId);
    assert.equal((await vault.getAccessToken({ externalId: "user-1" })).grantId, first.grantId);
    const stored = await vault.grant(details.grantId);
    assert.deepEqual([stored.state, stored.profile.email, idsOf(stored)], ["active", "carl@example.com", []]);
    assert.match((await vault.getAccessToken(details.grantId)).token, /^ya29\./);
    assert.equal(newRequests("/revoke").length, 0);
    const told = events.find(({ type }) => type === "external_id_conflict");
    assert.deepEqual(told, {
      type: "external_id_conflict",
      grantId: details.grantId,
      provider: "google",
      heldBy: first.grantId,
    });
    assert.ok(!events.some(({ type }) => type === "code_rejected" || type === "code_reused"));
  });

  test("a user with an account of their own who signs in with somebody else's is refused, and both stay as they were", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
    const carl = await vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-2" });
    const details = await conflictOf(vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-2" }));
    assert.deepEqual(details, { grantId: ada.grantId, heldBy: carl.grantId });
    assert.deepEqual(idsOf(await vault.grant(ada)), ["user-1"]);
    assert.deepEqual(idsOf(await vault.grant(carl)), ["user-2"]);
  });

  test("the same request has the same result, and one that asks for the move is another request", async (t) => {
    const { open, code, newRequests } = await testVault(t);
    const vault = await open();
    await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
    newRequests();
    const again = { code: code("carl@example.com"), externalId: "user-1" };
    const first = await conflictOf(vault.exchangeCode(again));
    assert.deepEqual(await conflictOf(vault.exchangeCode(again)), first);
    await assert.rejects(vault.exchangeCode({ ...again, moveExternalId: true }), isGone("code_rejected"));
    assert.equal(newRequests().length, 1);
  });

  test("a user is moved to another account where that is asked for, at once and in other processes", async (t) => {
    const { open, code, events } = await testVault(t);
    const vault = await open();
    const elsewhere = await open();
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
    for (const each of [vault, elsewhere]) await each.getAccessToken({ externalId: "user-1" });
    const carl = await vault.exchangeCode({
      code: code("carl@example.com"),
      externalId: "user-1",
      moveExternalId: true,
    });
    assert.equal((await vault.getAccessToken({ externalId: "user-1" })).grantId, carl.grantId);
    assert.equal((await (await open()).grant({ externalId: "user-1" })).grantId, carl.grantId);
    assert.deepEqual([idsOf(await vault.grant(ada)), (await vault.grant(ada)).state], [[], "active"]);
    assert.deepEqual(
      events.find(({ type }) => type === "external_id_moved"),
      {
        type: "external_id_moved",
        grantId: carl.grantId,
        provider: "google",
        from: ada.grantId,
      },
    );
    while ((await elsewhere.getAccessToken({ externalId: "user-1" })).grantId !== carl.grantId) {
      await new Promise(setImmediate);
    }
  });

  test("a user whose account was disconnected may connect another without asking for a move", async (t) => {
    const { open, code, events } = await testVault(t);
    const vault = await open();
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
    await vault.revoke(ada);
    const carl = await vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1" });
    assert.equal((await vault.grant({ externalId: "user-1" })).grantId, carl.grantId);
    const details = await conflictOf(vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" }));
    assert.deepEqual(details, { grantId: ada.grantId, heldBy: carl.grantId });
    assert.deepEqual(idsOf(await vault.grant(ada)), []);
    assert.ok(!events.some(({ type }) => type === "external_id_moved"));
  });

  test("a lapsed account is still the user's: another one is refused", async (t) => {
    const { standin, clock, open, code } = await testVault(t);
    const vault = await open();
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
    standin.revoke("ada@example.com");
    clock.advance(3_700_000);
    await assert.rejects(vault.getAccessToken(ada), isGone("reauthorization_required"));
    const details = await conflictOf(vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1" }));
    assert.equal(details.heldBy, ada.grantId);
  });

  test("a move without a user id to move is refused before the code is spent", async (t) => {
    const { open, code, newRequests } = await testVault(t);
    const vault = await open();
    await assert.rejects(
      vault.exchangeCode({ code: code("ada@example.com"), moveExternalId: true }),
      (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === "move_external_id",
    );
    assert.equal(newRequests().length, 0);
  });
});
