import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { GrantState } from "../../../src/core/grant-state.ts";
import { keyClasses } from "../../../src/crypto/keyring.ts";
import { keyringFromKeys } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { GrantDirectory } from "../../../src/vault/grants/grant-directory.ts";
import { closeContext, openContext } from "../../../src/vault/open/open-context.ts";
import type { TestVault } from "../../support/test-vault.ts";
import { testVault } from "../../support/test-vault.ts";

/** A directory over the store of the test's vault that takes so many grants. */
async function directoryOf(t: TestContext, fixture: TestVault, most: number): Promise<GrantDirectory> {
  const { provider, key, path, clock } = fixture;
  const context = await openContext(
    { provider, keyring: keyringFromKeys(key), store: sqlite(path), clock },
    keyClasses,
  );
  const directory = new GrantDirectory(context, undefined, most);
  t.after(async () => {
    await directory.close();
    await closeContext(context);
  });
  return directory;
}

test("a directory that is full goes on reading the changes of what it knows, and takes nobody more", async (t) => {
  const fixture = await testVault(t);
  const vault = await fixture.open();
  for (const n of [1, 2, 3]) {
    await vault.exchangeCode({ code: fixture.code(`person${n}@example.com`), externalId: `user-${n}` });
  }
  const directory = await directoryOf(t, fixture, 2);
  assert.deepEqual(await directory.look(10_000), { known: 2, isWhole: false, isFull: true });
  for (const n of [1, 2, 3]) await vault.revoke({ externalId: `user-${n}` });
  await vault.exchangeCode({ code: fixture.code("person4@example.com"), externalId: "user-4" });
  await directory.lookNow();
  assert.deepEqual(
    directory.search({}).map(({ state }) => state),
    ["revoked", "revoked"],
  );
});

test("a directory that becomes full while grants come says so, and one with as many as it takes is whole", async (t) => {
  const fixture = await testVault(t);
  const vault = await fixture.open();
  await vault.exchangeCode({ code: fixture.code("person1@example.com"), externalId: "User-1" });
  const directory = await directoryOf(t, fixture, 2);
  await directory.look(10_000);
  await vault.exchangeCode({ code: fixture.code("person2@example.com"), externalId: "user-2" });
  await directory.lookNow();
  assert.deepEqual(await directory.look(0), { known: 2, isWhole: true, isFull: false });
  await vault.exchangeCode({ code: fixture.code("person3@example.com"), externalId: "user-3" });
  await directory.lookNow();
  assert.deepEqual(await directory.look(0), { known: 2, isWhole: false, isFull: true });
});

test("a name is found by its start, in any case, and not across two names or from its middle", async (t) => {
  const fixture = await testVault(t);
  const vault = await fixture.open();
  const { grantId } = await vault.exchangeCode({
    code: fixture.code("Ada@example.com"),
    externalId: "User-1",
    account: "Work of Ada",
  });
  const directory = await directoryOf(t, fixture, 10);
  await directory.look(10_000);
  for (const text of ["", "user-1", "USER-", "work of", "ada@EXAMPLE", grantId, grantId.toUpperCase()]) {
    assert.equal(directory.search({ text }).length, 1, text);
  }
  for (const text of ["ser-1", "of ada", "user-1\nwork of ada x", "example.com"]) {
    assert.equal(directory.search({ text }).length, 0, text);
  }
});

test("a grant without a refresh token is found as lapsed once its access token has ended, though no change tells of it", async (t) => {
  const fixture = await testVault(t);
  const vault = await fixture.open();
  const code = fixture.standin.code({ email: "ada@example.com", accessType: "online" });
  const { grantId } = await vault.exchangeCode({ code, source: "android" });
  await vault.exchangeCode({ code: fixture.code("carl@example.com") });
  const directory = await directoryOf(t, fixture, 10);
  await directory.look(10_000);
  const found = (state: GrantState): readonly string[] => directory.search({ state }).map((each) => each.grantId);
  assert.deepEqual([found("active").length, found("lapsed")], [2, []]);
  const end = (await vault.grant({ grantId })).accessExpiresAt?.getTime() ?? 0;
  fixture.clock.advance(end - fixture.clock.now());
  await directory.lookNow();
  assert.deepEqual([found("active").length, found("lapsed")], [1, [grantId]]);
  const [{ reason, since } = {}] = directory.search({ state: "lapsed" });
  assert.deepEqual([reason, since], ["no_refresh_token", end]);
  const shown = await vault.grant({ grantId });
  assert.deepEqual([shown.state, shown.since.getTime(), shown.reason], ["lapsed", end, "no_refresh_token"]);
  const listed = await Promise.all([vault.grants({ state: "active" }), vault.grants({ state: "lapsed" })]);
  assert.deepEqual([listed[0].grants.length, listed[1].grants.map((each) => each.grantId)], [1, [grantId]]);
  // Who sees few grants has them looked up one by one, and no list made by the store.
  const { caller } = await vault.callers.create("narrow", { allow: ["grants:read"], grants: [grantId] });
  const narrow = vault.forCaller(caller);
  const seen = await Promise.all([narrow.grants({ state: "active" }), narrow.grants({ state: "lapsed" })]);
  assert.deepEqual([seen[0].grants.length, seen[1].grants.map((each) => each.grantId)], [0, [grantId]]);
});
