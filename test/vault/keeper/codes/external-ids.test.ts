import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import type { Grant, Vault } from "../../../../src/index.ts";
import { testVault } from "../../../support/test-vault.ts";

const idsOf = ({ externalIds }: Grant): readonly string[] => externalIds.map(({ externalId }) => externalId);

async function conflictOf(
  work: Promise<unknown>,
): Promise<{ readonly account: string; readonly grantId: string; readonly heldBy?: string }> {
  const error = await work.then(
    () => assert.fail("there was no conflict"),
    (thrown: unknown) => thrown,
  );
  assert.ok(isOnbehalfError(error, "external_id_conflict"), String(error));
  const { account, grantId, heldBy } = error.details;
  assert.ok(grantId !== undefined, "the library sees every grant");
  return heldBy === undefined ? { account, grantId } : { account, grantId, heldBy };
}

/** The accounts that a refusal names, grants by label. */
async function accountsOf(work: Promise<unknown>): Promise<Record<string, string>> {
  const error = await work.then(
    () => assert.fail("it was not ambiguous"),
    (thrown: unknown) => thrown,
  );
  assert.ok(isOnbehalfError(error, "ambiguous_grant"), String(error));
  const { accounts, grantIds } = error.details;
  assert.deepEqual(
    accounts.map(({ grantId }) => grantId),
    grantIds,
  );
  return Object.fromEntries(accounts.map(({ account, grantId }) => [account, grantId] as const));
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

describe("one user of the app, several accounts", () => {
  test("a second account is a second grant: each is found by its label, and the user id alone names both", async (t) => {
    const { open, code, events } = await testVault(t);
    const vault = await open();
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
    const carl = await vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1" });
    assert.deepEqual([ada.account, carl.account], [ada.subject, carl.subject], "the subject is the label");
    const both = { [ada.subject]: ada.grantId, [carl.subject]: carl.grantId };
    for (const each of [vault, await open()]) {
      assert.deepEqual(await accountsOf(each.grant({ externalId: "user-1" })), both);
      assert.deepEqual(await accountsOf(each.getAccessToken({ externalId: "user-1", provider: "google" })), both);
      for (const { account, grantId } of [ada, carl]) {
        assert.ok(account !== undefined);
        const ref = { externalId: "user-1", account };
        assert.equal((await each.grant(ref)).grantId, grantId);
        assert.equal((await each.getAccessToken(ref)).grantId, grantId);
        assert.equal(each.peekAccessToken(ref)?.grantId, grantId, "from memory");
      }
    }
    assert.ok(!events.some(({ type }) => type.startsWith("external_id")));
  });

  test("accounts are told apart by the labels that the app gives, and by no other spelling of them", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const work = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1", account: "work" });
    const home = await vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1", account: "Work" });
    assert.deepEqual([work.account, home.account], ["work", "Work"]);
    assert.deepEqual(work.externalIds, [{ externalId: "user-1", account: "work" }]);
    const named = (account: string): Promise<Grant> => vault.grant({ externalId: "user-1", account });
    assert.equal((await named("work")).grantId, work.grantId);
    assert.equal((await named("Work")).grantId, home.grantId);
    for (const other of ["WORK", "work ", work.subject, "default"]) {
      await assert.rejects(named(other), isGone("grant_not_found"), other);
    }
  });

  test("the same account signs in again with its label and without: one grant, one label", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const first = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1", account: "work" });
    for (const more of [{ account: "work" }, {}, { moveExternalId: true }, { account: "work", moveExternalId: true }]) {
      const again = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1", ...more });
      assert.deepEqual([again.grantId, again.externalIds], [first.grantId, first.externalIds]);
    }
    await vault.exchangeCode({ code: code("ada@example.com") });
    assert.deepEqual((await vault.grant({ externalId: "user-1", account: "work" })).externalIds, first.externalIds);
  });

  test("another label for the same account renames it, here and in other processes, and frees the first one", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const elsewhere = await open();
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1", account: "work" });
    for (const each of [vault, elsewhere]) await each.getAccessToken({ externalId: "user-1", account: "work" });
    const renamed = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1", account: "home" });
    assert.deepEqual([renamed.grantId, renamed.account, renamed.externalIds.length], [ada.grantId, "home", 1]);
    const old = { externalId: "user-1", account: "work" };
    await assert.rejects(vault.getAccessToken(old), isGone("grant_not_found"));
    while (
      await elsewhere.getAccessToken(old).then(
        () => true,
        () => false,
      )
    ) {
      await new Promise(setImmediate);
    }
    const carl = await vault.exchangeCode({ code: code("carl@example.com"), ...old });
    assert.equal((await elsewhere.getAccessToken(old)).grantId, carl.grantId);
    assert.equal((await elsewhere.getAccessToken({ externalId: "user-1", account: "home" })).grantId, ada.grantId);
  });

  test("a label that means another account is refused, named, and nothing is lost or revoked", async (t) => {
    const { open, code, events, newRequests } = await testVault(t);
    const vault = await open();
    const work = { externalId: "user-1", account: "work" };
    const first = await vault.exchangeCode({ code: code("ada@example.com"), ...work });
    const details = await conflictOf(vault.exchangeCode({ code: code("carl@example.com"), ...work }));
    assert.deepEqual([details.account, details.heldBy], ["work", first.grantId]);
    assert.equal((await vault.getAccessToken(work)).grantId, first.grantId);
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

  test("a renaming to the label of another account is refused, and both keep theirs", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const work = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1", account: "work" });
    const home = await vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1", account: "home" });
    const details = await conflictOf(
      vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1", account: "work" }),
    );
    assert.deepEqual(details, { account: "work", grantId: home.grantId, heldBy: work.grantId });
    assert.deepEqual((await vault.grant(work)).externalIds, work.externalIds);
    assert.deepEqual((await vault.grant(home)).externalIds, home.externalIds);
  });

  test("a label that is another account's subject is a conflict, whichever came first", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const { subject } = await vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-9" });
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1", account: subject });
    const details = await conflictOf(vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1" }));
    assert.deepEqual([details.account, details.heldBy], [subject, ada.grantId]);
    await vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-2" });
    await conflictOf(vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-2", account: subject }));
  });

  test("the same request has the same result, and one that asks for the move is another request", async (t) => {
    const { open, code, newRequests } = await testVault(t);
    const vault = await open();
    const work = { externalId: "user-1", account: "work" };
    await vault.exchangeCode({ code: code("ada@example.com"), ...work });
    newRequests();
    const again = { code: code("carl@example.com"), ...work };
    const first = await conflictOf(vault.exchangeCode(again));
    assert.deepEqual(await conflictOf(vault.exchangeCode(again)), first);
    await assert.rejects(vault.exchangeCode({ ...again, moveExternalId: true }), isGone("code_rejected"));
    await assert.rejects(vault.exchangeCode({ ...again, account: "home" }), isGone("code_rejected"));
    assert.equal(newRequests().length, 1);
    const home = { code: code("carl@example.com"), externalId: "user-1", account: "home" };
    const stored = await vault.exchangeCode(home);
    await vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1", account: "private" });
    assert.equal((await vault.exchangeCode(home)).grantId, stored.grantId, "a repeat after a renaming");
  });

  test("accounts of one user are refreshed and disconnected each by itself", async (t) => {
    const { clock, open, code, newRequests } = await testVault(t);
    const vault = await open();
    const work = { externalId: "user-1", account: "work" };
    const home = { externalId: "user-1", account: "home" };
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), ...work });
    const carl = await vault.exchangeCode({ code: code("carl@example.com"), ...home });
    const before = (await vault.getAccessToken(home)).token;
    clock.advance(3_700_000);
    newRequests();
    const after = (await vault.getAccessToken(work)).token;
    assert.equal(newRequests().length, 1);
    assert.equal((await vault.grant(home)).generation, carl.generation, "the other one was not touched");
    assert.notEqual((await vault.getAccessToken(home)).token, before);
    const ended = await vault.revoke(work);
    assert.deepEqual([ended.grantId, ended.account], [ada.grantId, "work"]);
    assert.notEqual((await vault.getAccessToken(home)).token, after);
    assert.equal((await vault.grant(home)).state, "active");
    assert.equal((await vault.grant({ externalId: "user-1" })).grantId, carl.grantId, "the one that is left");
    await assert.rejects(vault.getAccessToken(work), isGone("reauthorization_required"));
  });

  test("a user whose accounts were all disconnected must consent again, and is not asked which account", async (t) => {
    const { clock, open, code } = await testVault(t);
    const vault = await open();
    for (const [email, account] of [
      ["ada@example.com", "work"],
      ["carl@example.com", "home"],
    ] as const) {
      await vault.exchangeCode({ code: code(email), externalId: "user-1", account });
    }
    await vault.revoke({ externalId: "user-1", account: "work" });
    clock.advance(1_000);
    const last = await vault.revoke({ externalId: "user-1" });
    assert.equal(last.account, "home");
    await assert.rejects(vault.getAccessToken({ externalId: "user-1" }), (error) => {
      assert.ok(isOnbehalfError(error, "reauthorization_required"));
      return error.details.grantId === last.grantId;
    });
    assert.equal((await vault.grant({ externalId: "user-1", account: "work" })).state, "revoked");
  });

  test("an account that comes back without its user is one of that user's again at once, also in memory", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
    const carl = await vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1" });
    await vault.revoke(carl.grantId);
    await vault.getAccessToken({ externalId: "user-1" });
    await vault.exchangeCode({ code: code("carl@example.com") });
    await accountsOf(vault.getAccessToken({ externalId: "user-1" }));
  });

  test("an account under several user ids has a label for each, and whichever is asked by stands first", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1", account: "mine" });
    const grant = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-2", account: "hers" });
    assert.deepEqual(grant.externalIds, [
      { externalId: "user-1", account: "mine" },
      { externalId: "user-2", account: "hers" },
    ]);
    assert.deepEqual([grant.externalId, grant.account], ["user-2", "hers"]);
    for (const ref of [grant.grantId, { subject: grant.subject }, { subject: grant.subject, account: "mine" }]) {
      const { externalId, account } = await vault.grant(ref);
      assert.deepEqual([externalId, account], ["user-1", "mine"]);
    }
    const asked = await vault.grant({ subject: grant.subject, account: "hers" });
    assert.deepEqual([asked.externalId, asked.account], ["user-2", "hers"]);
    await assert.rejects(vault.grant({ externalId: "user-1", account: "hers" }), isGone("grant_not_found"));
    const ended = await vault.revoke({ externalId: "user-2" });
    assert.deepEqual([ended.externalId, ended.account, idsOf(ended)], ["user-2", "hers", ["user-1", "user-2"]]);
  });

  test("a user id without a label is moved to one account alone, at once and in other processes", async (t) => {
    const { open, code, events } = await testVault(t);
    const vault = await open();
    const elsewhere = await open();
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
    for (const each of [vault, elsewhere]) await each.getAccessToken({ externalId: "user-1" });
    const eve = await vault.exchangeCode({ code: code("eve@example.com"), externalId: "user-1", account: "work" });
    const carl = await vault.exchangeCode({
      code: code("carl@example.com"),
      externalId: "user-1",
      moveExternalId: true,
    });
    assert.equal((await vault.getAccessToken({ externalId: "user-1" })).grantId, carl.grantId);
    assert.equal((await (await open()).grant({ externalId: "user-1" })).grantId, carl.grantId);
    for (const { grantId } of [ada, eve]) {
      const lost = await vault.grant(grantId);
      assert.deepEqual([idsOf(lost), lost.account, lost.state], [[], undefined, "active"]);
    }
    const moved = events.filter(({ type }) => type === "external_id_moved");
    const told = [ada, eve].map(({ grantId: from }) => ({
      type: "external_id_moved",
      grantId: carl.grantId,
      provider: "google",
      from,
    }));
    assert.deepEqual(new Set(moved), new Set(told));
    const where = async (): Promise<string | undefined> =>
      elsewhere.getAccessToken({ externalId: "user-1" }).then(
        ({ grantId }) => grantId,
        () => undefined,
      );
    while ((await where()) !== carl.grantId) await new Promise(setImmediate);
  });

  test("a label is moved where that is asked for, and the user's other accounts stay", async (t) => {
    const { open, code, events } = await testVault(t);
    const vault = await open();
    const work = { externalId: "user-1", account: "work" };
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), ...work });
    const eve = await vault.exchangeCode({ code: code("eve@example.com"), externalId: "user-1", account: "home" });
    const carl = await vault.exchangeCode({ code: code("carl@example.com"), ...work, moveExternalId: true });
    assert.equal((await vault.getAccessToken(work)).grantId, carl.grantId);
    assert.deepEqual((await vault.grant(eve)).externalIds, eve.externalIds);
    assert.deepEqual((await vault.grant(ada)).externalIds, []);
    assert.deepEqual(
      events.filter(({ type }) => type === "external_id_moved"),
      [{ type: "external_id_moved", grantId: carl.grantId, provider: "google", from: ada.grantId }],
    );
  });

  test("a user whose account was disconnected may give its label to another without asking for a move", async (t) => {
    const { open, code, events } = await testVault(t);
    const vault = await open();
    const work = { externalId: "user-1", account: "work" };
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), ...work });
    await vault.revoke(ada);
    const carl = await vault.exchangeCode({ code: code("carl@example.com"), ...work });
    assert.equal((await vault.grant({ externalId: "user-1" })).grantId, carl.grantId);
    const details = await conflictOf(vault.exchangeCode({ code: code("ada@example.com"), ...work }));
    assert.deepEqual(details, { account: "work", grantId: ada.grantId, heldBy: carl.grantId });
    assert.deepEqual(idsOf(await vault.grant(ada)), []);
    assert.ok(!events.some(({ type }) => type === "external_id_moved"));
  });

  test("the label of a lapsed account is still that account's", async (t) => {
    const { standin, clock, open, code } = await testVault(t);
    const vault = await open();
    const work = { externalId: "user-1", account: "work" };
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), ...work });
    standin.revoke("ada@example.com");
    clock.advance(3_700_000);
    await assert.rejects(vault.getAccessToken(ada), isGone("reauthorization_required"));
    const details = await conflictOf(vault.exchangeCode({ code: code("carl@example.com"), ...work }));
    assert.equal(details.heldBy, ada.grantId);
  });

  test("the label of a grant that does not open is still that account's, and other labels are free", async (t) => {
    const { path, open, code } = await testVault(t);
    const vault = await open();
    const work = { externalId: "user-1", account: "work" };
    const ada = await vault.exchangeCode({ code: code("ada@example.com"), ...work });
    await vault.close();
    const database = new DatabaseSync(path);
    database.prepare("UPDATE grants SET profile_sealed = X'00' WHERE grant_id = ?").run(ada.grantId);
    database.close();
    const later = await open();
    const details = await conflictOf(later.exchangeCode({ code: code("carl@example.com"), ...work }));
    assert.equal(details.heldBy, ada.grantId);
    const home = { externalId: "user-1", account: "home" };
    const carl = await later.exchangeCode({ code: code("carl@example.com"), ...home });
    assert.equal((await later.grant(home)).grantId, carl.grantId);
  });

  test("two accounts that sign in at once with one label: one gets it, the other is told, whichever is first", async (t) => {
    const { open, code } = await testVault(t);
    const vaults = [await open(), await open()] as const;
    const emails = ["ada@example.com", "carl@example.com", "eve@example.com"];
    const ends = await Promise.allSettled(
      emails.map((email, n) =>
        (vaults[n % 2] as Vault).exchangeCode({ code: code(email), externalId: "user-1", account: "work" }),
      ),
    );
    const [winner, ...more] = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
    assert.ok(winner !== undefined && more.length === 0);
    for (const end of ends) {
      if (end.status === "fulfilled") continue;
      assert.ok(isOnbehalfError(end.reason, "external_id_conflict"), String(end.reason));
      assert.equal(end.reason.details.heldBy, winner.grantId);
    }
    assert.equal((await vaults[0].grant({ externalId: "user-1" })).grantId, winner.grantId);
    assert.equal((await vaults[1].grants()).grants.length, 3, "each has a grant");
  });

  const refused: readonly (readonly [string, object, string])[] = [
    ["a move without a user id to move", { moveExternalId: true }, "move_external_id"],
    ["a label without a user id", { account: "work" }, "account"],
    ["an empty label", { externalId: "user-1", account: "" }, "account"],
    ["a label of spaces", { externalId: "user-1", account: "  " }, "account"],
    ["a label with a line end", { externalId: "user-1", account: "a\nb" }, "account"],
    ["a label that is too long", { externalId: "user-1", account: "a".repeat(513) }, "account"],
    ["a label that is no text", { externalId: "user-1", account: 1 }, "account"],
  ];
  for (const [name, options, parameter] of refused) {
    test(`${name} is refused before the code is spent`, async (t) => {
      const { open, code, newRequests } = await testVault(t);
      const vault = await open();
      await assert.rejects(
        vault.exchangeCode({ code: code("ada@example.com"), ...options }),
        (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === parameter,
      );
      assert.equal(newRequests().length, 0);
    });
  }
});
