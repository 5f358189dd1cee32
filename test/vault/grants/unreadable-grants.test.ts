import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { isOnbehalfError, keyStatus, keyringFromKeys, unreadableGrants } from "../../../src/index.ts";
import { checkGrants } from "../../../src/service/doctor/check-grants.ts";
import { grantBody, pageBody } from "../../../src/service/http/json-bodies.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { testVault } from "../../support/test-vault.ts";

describe("a grant that does not open", () => {
  test("a grant whose data key was lost is listed as such, blamed on nobody, and back when the key is", async (t) => {
    const fixture = await testVault(t);
    const first = await fixture.open();
    const { grantId } = await first.exchangeCode({ code: fixture.code("ada@example.com"), source: "android" });
    const other = await first.exchangeCode({ code: fixture.code("carl@example.com"), source: "android" });
    const { caller } = await first.callers.create("all", { allow: ["grants:read"] });
    await first.close();
    const database = new DatabaseSync(fixture.path);
    t.after(() => database.close());
    const seal = (keyId: number): void => {
      // As a backup with rows of a later key than its own data_keys has them.
      const row = database.prepare("SELECT profile_sealed FROM grants WHERE grant_id = ?").get(grantId);
      const bytes = Buffer.from(row?.["profile_sealed"] as Uint8Array);
      bytes.writeUInt32BE(keyId, 2);
      database.prepare("UPDATE grants SET profile_sealed = ? WHERE grant_id = ?").run(bytes, grantId);
    };
    seal(900);
    const vault = await fixture.open();
    for (const page of [await vault.grants(), await vault.forCaller(caller).grants({})]) {
      assert.deepEqual(
        page.grants.map((grant) => grant.grantId),
        [other.grantId],
      );
      const unreadable = [{ grantId, provider: "google", state: "active", values: ["profile"], keyIds: [900] }];
      assert.deepEqual(page.unreadable, unreadable);
      assert.deepEqual(pageBody(page), {
        grants: page.grants.map(grantBody),
        unreadable: [{ grant_id: grantId, provider: "google", state: "active", values: ["profile"], data_keys: [900] }],
        cursor: undefined,
      });
    }
    assert.ok(fixture.events.some((event) => event.type === "unreadable" && event.grantId === grantId));
    await assert.rejects(vault.grant(grantId), (error) => isOnbehalfError(error, "grant_unreadable"));
    const store = sqlite(fixture.path);
    await store.open({ clock: fixture.clock });
    t.after(() => store.close());
    const keyring = keyringFromKeys(fixture.key);
    const found = await unreadableGrants(store, keyring);
    assert.deepEqual([found.grants, found.unreadable.length], [2, 1]);
    const [finding] = checkGrants(found, await keyStatus(store, keyring));
    assert.equal(finding?.status, "fail");
    assert.match(
      finding.message,
      new RegExp(`of 2, 1 hold a value that does not open: ${grantId}; data key 900 is not`),
    );
    assert.equal((await store.grantById(grantId))?.state, "active");

    seal(2);
    assert.equal((await vault.grant(grantId)).grantId, grantId);
    assert.equal((await vault.grants()).unreadable, undefined);
    assert.deepEqual(
      checkGrants(await unreadableGrants(store, keyring), await keyStatus(store, keyring))[0]?.status,
      "ok",
    );
  });

  test("a sign-in that replaces a profile which does not open says so by an event", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const { grantId } = await vault.exchangeCode({ code: fixture.code("ada@example.com"), source: "android" });
    const database = new DatabaseSync(fixture.path);
    database.prepare("UPDATE grants SET profile_sealed = x'00' WHERE grant_id = ?").run(grantId);
    database.close();
    await vault.exchangeCode({ code: fixture.code("ada@example.com"), source: "android" });
    assert.ok(fixture.events.some((event) => event.type === "unreadable" && event.grantId === grantId));
    assert.equal((await vault.grant(grantId)).profile.email, "ada@example.com");
  });

  test("unreadableGrants names the argument that is wrong", async () => {
    for (const store of [undefined, null, 7, {}]) {
      await assert.rejects(
        async () => unreadableGrants(store as never, () => []),
        (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === "store",
      );
    }
  });
});
