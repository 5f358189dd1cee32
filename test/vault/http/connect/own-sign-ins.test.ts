import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { KeptSignIn, Vault } from "../../../../src/index.ts";
import { testVault } from "../../../support/test-vault.ts";

const whose = { provider: "google", externalId: "user-1" };

function signInOf(vault: Vault, codeVerifier = "v".repeat(43)): KeptSignIn {
  return { state: vault.signIns.newState(), codeVerifier, redirectUri: "http://127.0.0.1/callback", scopes: ["email"] };
}

describe("sign-ins of a program's own", () => {
  test("a sign-in is found in another process, by its state or as the newest of its user", async (t) => {
    const fixture = await testVault(t);
    const [vault, other] = [await fixture.open(), await fixture.open()];
    const [first, second] = [signInOf(vault, "a".repeat(43)), signInOf(vault, "b".repeat(43))];
    await vault.signIns.begin(whose, first);
    assert.deepEqual(await other.signIns.find(whose), first);
    await vault.signIns.begin(whose, second);
    assert.deepEqual(await other.signIns.find(whose), second);
    assert.deepEqual(await other.signIns.find(whose, first.state), first);
  });

  for (const [what, asked] of [
    ["another user", { ...whose, externalId: "user-2" }],
    ["another account of the user", { ...whose, account: "work" }],
    ["another provider", { ...whose, provider: "tools" }],
  ] as const) {
    test(`a sign-in is not given to ${what}, with its state or without`, async (t) => {
      const vault = await (await testVault(t)).open();
      const signIn = signInOf(vault);
      await vault.signIns.begin(whose, signIn);
      assert.equal(await vault.signIns.find(asked, signIn.state), undefined);
      assert.equal(await vault.signIns.find(asked), undefined);
      // Nor does it come in the way of theirs.
      const theirs = signInOf(vault, "t".repeat(43));
      await vault.signIns.begin(asked, theirs);
      assert.deepEqual([await vault.signIns.find(asked), await vault.signIns.find(whose)], [theirs, signIn]);
    });
  }

  test("a sign-in is over after fifteen minutes, and is the newest no more when it has become a grant; the next one begins all the same", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const [first, second, third] = [signInOf(vault), signInOf(vault), signInOf(vault)];
    await vault.signIns.begin(whose, first);
    fixture.clock.advance(900_000);
    assert.equal(await vault.signIns.find(whose, first.state), undefined);
    await vault.signIns.begin(whose, second);
    await vault.signIns.finish(second.state, "g_1");
    assert.equal(await vault.signIns.find(whose), undefined);
    // A browser may send the same answer twice.
    assert.deepEqual(await vault.signIns.find(whose, second.state), second);
    await vault.signIns.begin(whose, third);
    assert.deepEqual(await vault.signIns.find(whose), third);
  });

  test("of twenty sign-ins that two processes begin at once, each is found, and one is the newest", async (t) => {
    const fixture = await testVault(t);
    const vaults = [await fixture.open(), await fixture.open()];
    const [one, other] = vaults;
    assert.ok(one !== undefined && other !== undefined);
    const all = Array.from({ length: 20 }, () => signInOf(one));
    await Promise.all(all.map((signIn, index) => (index % 2 === 0 ? one : other).signIns.begin(whose, signIn)));
    for (const signIn of all) assert.deepEqual(await one.signIns.find(whose, signIn.state), signIn);
    const newest = await one.signIns.find(whose);
    assert.ok(all.some(({ state }) => state === newest?.state));
  });

  test("a state that is not random, and a user without an id, are refused; an odd state is looked up nowhere", async (t) => {
    const vault = await (await testVault(t)).open();
    const signIn = signInOf(vault);
    await assert.rejects(vault.signIns.begin(whose, { ...signIn, state: "s-1" }), { code: "invalid_request" });
    await assert.rejects(vault.signIns.begin({ ...whose, externalId: "" }, signIn), { code: "invalid_request" });
    await assert.rejects(vault.signIns.find({ provider: "google" } as never), { code: "invalid_request" });
    assert.equal(await vault.signIns.find(whose, "../s-1"), undefined);
  });

  test("the audit log says that a sign-in was begun, and what it has become", async (t) => {
    const vault = await (await testVault(t)).open();
    const signIn = signInOf(vault);
    await vault.signIns.begin(whose, signIn);
    await vault.signIns.finish(signIn.state, "g_1");
    const rows = await vault.audit.list();
    const told = rows
      .filter(({ action }) => action.startsWith("connect."))
      .map(({ action, grantId }) => [action, grantId]);
    assert.deepEqual(told, [
      ["connect.created", undefined],
      ["connect.begun", undefined],
      ["connect.finished", "g_1"],
    ]);
  });
});
