import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import {
  generateMasterKey,
  isOnbehalfError,
  keyStatus,
  keyringFromKeys,
  rotateDataKeys,
} from "../../../../src/index.ts";
import { learnMs, overlapMs, publishMs } from "../../../../src/core/data-keys.ts";
import { keyClasses, readingClasses } from "../../../../src/crypto/keyring.ts";
import { sealedUnder } from "../../../../src/crypto/sealing.ts";
import { Assertions } from "../../../../src/vault/http/sign-in-assertion.ts";
import { grantOf, openAccessToken } from "../../../../src/vault/grants/sealed-grant.ts";
import { openRefreshToken } from "../../../../src/vault/keeper/sealed-tokens.ts";
import { replaceKeys } from "../../../../src/vault/keeper/keys/replace-keys.ts";
import { keepLateAnswer, openLateAnswer } from "../../../../src/vault/keeper/late-answers.ts";
import type { GrantRow } from "../../../../src/store/grant-row.ts";
import type { Store } from "../../../../src/store/store.ts";
import { Secret as SecretText } from "../../../../src/core/secret.ts";
import { processOn } from "../../../support/key-process.ts";
import { testVault } from "../../../support/test-vault.ts";
import type { TestVault } from "../../../support/test-vault.ts";

async function rows(store: Store): Promise<GrantRow[]> {
  return store.listGrants({ limit: 1_000 });
}

/** Under which keys all values of all grants are, each number once. */
async function keysUnder(store: Store): Promise<Record<string, number[]>> {
  const all = await rows(store);
  const ids = (values: (Uint8Array | null)[]): number[] =>
    [...new Set(values.flatMap((each) => (each === null ? [] : [sealedUnder(each) ?? -1])))].sort((a, b) => a - b);
  return {
    read: ids(all.flatMap(({ profileSealed, accessSealed }) => [profileSealed, accessSealed])),
    refresh: ids(all.map(({ refreshSealed }) => refreshSealed)),
  };
}

async function statesOf(store: Store): Promise<string[]> {
  return (await store.readKeys())?.keys.map(({ keyId, keyClass, state }) => `${keyId} ${keyClass} ${state}`) ?? [];
}

const people = Array.from({ length: 7 }, (_, n) => `person-${n}@example.com`);

async function filled(t: TestContext): Promise<TestVault> {
  const fixture = await testVault(t);
  const vault = await fixture.open();
  for (const email of people) {
    await vault.exchangeCode({ code: fixture.code(email), source: "android", externalId: `user of ${email}` });
  }
  await vault.callers.create("all", { allow: ["token"] });
  await vault.callers.create("some", { allow: ["token"], grants: ["ext:user of*"] });
  await vault.close();
  return fixture;
}

describe("replacing data keys", () => {
  test("new data keys are made known, then seal, then hold everything; the old ones are retired, and all opens", async (t) => {
    const fixture = await filled(t);
    const { clock, key } = fixture;
    const keeper = await processOn(t, fixture);
    const { store, keyring } = keeper;
    const first = await rows(store);
    const [grant] = first;
    assert.ok(grant !== undefined);
    const received = { receivedAt: clock.now(), tokens: { refreshToken: new SecretText("late"), expiresInSeconds: 1 } };
    await keepLateAnswer(keeper, grant, received, "late-1");
    const opened = first.map((row) => [
      openRefreshToken(keyring, row)?.expose(),
      openAccessToken(keyring, row)?.expose(),
    ]);
    const seen = await store.latestChange();

    assert.deepEqual(await rotateDataKeys(store, keyringFromKeys(key), { classes: ["refresh", "read"] }), [5, 6]);
    assert.deepEqual(
      await rotateDataKeys(store, keyringFromKeys(key), { classes: ["refresh"] }),
      [],
      "it is under way",
    );
    await keeper.keys?.look();
    await keeper.round();
    assert.deepEqual(await statesOf(store), [
      "1 refresh current",
      "2 read current",
      "3 index current",
      "4 assertion current",
      "5 refresh next",
      "6 read next",
    ]);
    assert.deepEqual(await keysUnder(store), { read: [2], refresh: [1] });
    clock.advance(learnMs);
    await keeper.round();
    assert.deepEqual(
      (await statesOf(store)).filter((each) => !/index|assertion/.test(each)),
      ["1 refresh retired", "2 read retired", "5 refresh current", "6 read current"],
    );
    assert.deepEqual(await keysUnder(store), { read: [6], refresh: [5] });
    for (const [n, row] of (await rows(store)).entries()) {
      assert.deepEqual([openRefreshToken(keyring, row)?.expose(), openAccessToken(keyring, row)?.expose()], opened[n]);
      assert.equal(grantOf(keyring, row).profile.email?.startsWith("person-"), true);
    }
    const [late] = await store.lateAnswersOf(grant.grantId);
    assert.ok(late !== undefined && sealedUnder(late.answerSealed) === 5);
    assert.equal(openLateAnswer(keyring, grant.clientId, late)?.tokens.refreshToken?.expose(), "late");
    assert.equal(await store.latestChange(), seen, "no other process has to forget anything");
    assert.deepEqual(
      keeper.events.filter(({ type }) => /^data_keys|^unreadable/.test(type)).map(({ type }) => type),
      ["data_keys_promoted", "data_keys_retired"],
    );
    assert.deepEqual(await store.keyReaders().then((all) => all.length), 1);

    const again = await fixture.open();
    assert.equal((await again.grants({})).grants.length, people.length);
    const callers = await again.callers.list();
    assert.deepEqual(Object.fromEntries(callers.map(({ name, grants }) => [name, grants])), {
      all: ["*"],
      some: ["ext:user of*"],
    });
    assert.ok(
      (await store.listCallers()).every(({ grantsSealed: sealed }) => sealed === null || sealedUnder(sealed) === 6),
    );
    clock.advance(7_200_000);
    assert.match((await again.getAccessToken({ externalId: `user of ${people[0]}` })).token, /^ya29\./);
  });

  test("a retired data key is erased when it is asked for, a day after at the earliest, and not while keys are replaced", async (t) => {
    const fixture = await filled(t);
    const { clock, key } = fixture;
    const day = 86_400_000;
    const keeper = await processOn(t, fixture);
    const { store } = keeper;
    const erase = (days: number, ...classes: ("read" | "refresh")[]): Promise<number[]> => {
      const only = classes.length === 0 ? {} : { classes };
      return rotateDataKeys(store, keyringFromKeys(key), { eraseRetiredMs: days * day, ...only });
    };
    await rotateDataKeys(store, keyringFromKeys(key), { classes: ["refresh", "read"] });
    await keeper.keys?.look();
    await keeper.round();
    assert.deepEqual(await erase(1), [], "keys are being replaced");
    clock.advance(learnMs);
    await keeper.round();
    clock.advance(day - 1);
    await assert.rejects(erase(0.5), (error) => isOnbehalfError(error, "invalid_request"));
    assert.deepEqual(await erase(1), []);
    clock.advance(1);
    assert.deepEqual(await erase(1, "read"), [2]);
    assert.deepEqual(await erase(1), [1]);
    assert.deepEqual(await erase(1), []);
    assert.deepEqual(
      (await statesOf(store)).map((each) => each.split(" ")[0]),
      ["3", "4", "5", "6"],
    );
    const vault = await fixture.open();
    assert.equal((await vault.grants({})).grants.length, people.length);
    assert.deepEqual((await vault.audit.verify()).faults, []);
    assert.match((await vault.audit.list({ limit: 500 })).at(-1)?.detail ?? "", /^key 1 erased$/);
    clock.advance(7_200_000);
    assert.match((await vault.getAccessToken({ externalId: `user of ${people[0]}` })).token, /^ya29\./);
    // The numbers go on behind the newest key: one that was erased never means another key.
    assert.deepEqual(await rotateDataKeys(store, keyringFromKeys(key), { classes: ["read"] }), [7]);
  });

  test("a key that refresh tokens are bound to is sealed anew as well, and they are refreshed as before", async (t) => {
    const fixture = await testVault(t);
    const provider = { ...fixture.provider, dpop: true };
    const vault = await fixture.open({ provider });
    const grant = await vault.exchangeCode({ code: fixture.code("ada@example.com"), source: "android" });
    await vault.close();
    const keeper = await processOn(t, fixture);
    await rotateDataKeys(keeper.store, keyringFromKeys(fixture.key), { classes: ["refresh"] });
    await keeper.keys?.look();
    await keeper.round();
    fixture.clock.advance(learnMs);
    await keeper.round();
    assert.ok((await statesOf(keeper.store)).includes("1 refresh retired"));
    assert.deepEqual(
      (await keeper.store.listClientKeys()).map(({ keySealed }) => sealedUnder(keySealed)),
      [5],
    );

    const again = await fixture.open({ provider });
    fixture.clock.advance(3_700_000);
    assert.match((await again.getAccessToken(grant)).token, /^ya29\./);
    assert.ok(!fixture.events.some(({ type }) => type === "dpop_key_lost"));
  });

  test("a caller whose key is used is let in after its selectors were sealed anew, and one that was widened by hand is not", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const { key: good } = await vault.callers.create("good", { allow: ["token"], grants: ["ext:a*"] });
    const { key: bad, caller } = await vault.callers.create("bad", { allow: ["token"], grants: ["ext:b*"] });
    await vault.close();
    const keeper = await processOn(t, fixture);
    const row = await keeper.store.callerById(caller.callerId);
    assert.ok(row !== undefined);
    await keeper.store.replaceCaller({ ...row, permissions: '["token","proxy"]' }, row, "caller.narrowed");
    await rotateDataKeys(keeper.store, keyringFromKeys(fixture.key), { classes: ["read"] });
    await keeper.keys?.look();
    fixture.clock.advance(learnMs);
    await keeper.round();
    const after = await keeper.store.listCallers();
    const under = after.map(({ name, grantsSealed: sealed }) => [name, sealedUnder(sealed ?? new Uint8Array())]);
    assert.deepEqual(Object.fromEntries(under), { bad: 2, good: 5 });
    const again = await fixture.open();
    assert.equal((await again.callers.authenticate(`Bearer ${good.expose()}`)).name, "good");
    await assert.rejects(again.callers.authenticate(`Bearer ${bad.expose()}`), (error) =>
      isOnbehalfError(error, "unauthorized"),
    );
  });

  test("nothing is sealed with a new key while a process that lives does not know it", async (t) => {
    const fixture = await filled(t);
    const [keeper, reader] = [await processOn(t, fixture), await processOn(t, fixture, readingClasses)];
    await rotateDataKeys(keeper.store, keyringFromKeys(fixture.key), { classes: ["read", "refresh"] });
    await reader.keys?.look();
    const { revision } = (await keeper.store.readKeys()) ?? { revision: 0 };
    // As one that reads the keys and is stopped before it has read the next ones.
    await reader.store.noteKeyReader({ owner: reader.owner, revision: revision - 1, seenAt: fixture.clock.now() });
    await keeper.keys?.look();
    fixture.clock.advance(learnMs * 100);
    await keeper.round();
    assert.ok((await statesOf(keeper.store)).includes("5 read next"));
    const waiting = await keyStatus(keeper.store, keyringFromKeys(fixture.key));
    assert.deepEqual(
      waiting.rotation?.waitsFor.map(({ pid }) => pid),
      [process.pid],
    );
    await reader.keys?.look();
    await keeper.round();
    assert.ok((await statesOf(keeper.store)).includes("5 read current"));
  });

  test("a process that does not know a key yet calls no value damaged: it asks to be tried again, and then opens it", async (t) => {
    const fixture = await filled(t);
    const [keeper, reader] = [await processOn(t, fixture), await processOn(t, fixture, readingClasses)];
    await rotateDataKeys(keeper.store, keyringFromKeys(fixture.key), { classes: ["read"] });
    await keeper.keys?.look();
    fixture.clock.advance(learnMs);
    await keeper.round();
    const [row] = await rows(reader.store);
    assert.ok(row !== undefined);
    assert.throws(
      () => grantOf(reader.keyring, row),
      (error) => isOnbehalfError(error, "store_unavailable"),
    );
    await reader.keys?.look();
    assert.equal(grantOf(reader.keyring, row).grantId, row.grantId);
  });

  test("a value under a number that no key has is unreadable once that was looked up, and never asked for again", async (t) => {
    const fixture = await filled(t);
    const reader = await processOn(t, fixture, readingClasses);
    const [row] = await rows(reader.store);
    assert.ok(row !== undefined);
    const forged = Buffer.from(row.profileSealed);
    forged.writeUInt32BE(9, 2);
    const open = (): unknown => grantOf(reader.keyring, { ...row, profileSealed: forged });
    assert.throws(open, (error) => isOnbehalfError(error, "store_unavailable"));
    await reader.keys?.look();
    assert.throws(open, (error) => isOnbehalfError(error, "grant_unreadable"));
    forged.writeUInt32BE(9_999_999, 2);
    assert.throws(open, (error) => isOnbehalfError(error, "grant_unreadable"));
  });

  test("a process without the newest master key says so, goes on, and holds up the new key", async (t) => {
    const fixture = await filled(t);
    const [keeper, old] = [await processOn(t, fixture), await processOn(t, fixture)];
    const newest = generateMasterKey();
    await rotateDataKeys(keeper.store, keyringFromKeys(newest, fixture.key), { classes: ["refresh"] });
    await old.keys?.look();
    await old.keys?.look();
    assert.deepEqual(old.events.filter(({ type }) => type === "data_keys_closed").length, 1);
    const [row] = await rows(old.store);
    assert.ok(row !== undefined && openRefreshToken(old.keyring, row) !== undefined);
    const informed = await processOn(t, fixture, keyClasses, newest, fixture.key);
    fixture.clock.advance(learnMs);
    await informed.round();
    assert.ok((await statesOf(keeper.store)).includes("5 refresh next"));
    await old.keys?.close();
    await keeper.keys?.close();
    await informed.round();
    assert.ok((await statesOf(keeper.store)).includes("1 refresh retired"));
  });

  test("of several keepers that replace the same keys, killed between any two pages, everything ends under the new key", async (t) => {
    const fixture = await filled(t);
    const first = await processOn(t, fixture);
    await rotateDataKeys(first.store, keyringFromKeys(fixture.key), { classes: ["read", "refresh"] });
    for (let round = 0; (await statesOf(first.store)).some((each) => /next|previous/.test(each)); round += 1) {
      assert.ok(round < 60, (await statesOf(first.store)).join("; "));
      const keepers = [await processOn(t, fixture), await processOn(t, fixture)];
      for (const { keys } of keepers) await keys?.look();
      fixture.clock.advance(learnMs);
      // As many statements as a process that is killed soon comes to.
      const signals = keepers.map(() => new AbortController());
      const rounds = keepers.map((keeper, n) => replaceKeys(keeper)(signals[n]?.signal as AbortSignal));
      for (let turn = 0; turn <= round % 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      for (const signal of signals) signal.abort();
      await Promise.all(rounds);
      for (const keeper of keepers) await keeper.keys?.close();
      const reader = await processOn(t, fixture);
      for (const row of await rows(reader.store)) {
        assert.ok(openRefreshToken(reader.keyring, row) !== undefined && grantOf(reader.keyring, row).subject !== "");
      }
      await reader.keys?.close();
      await first.keys?.look();
    }
    assert.deepEqual(await keysUnder(first.store), { read: [5], refresh: [6] });
  });

  test("a damaged value neither stops the replacement nor is changed by it, and is counted", async (t) => {
    const fixture = await filled(t);
    const keeper = await processOn(t, fixture);
    const [row] = await rows(keeper.store);
    assert.ok(row !== undefined);
    const damaged = Buffer.from(row.profileSealed);
    damaged.writeUInt8(damaged.readUInt8(30) ^ 1, 30);
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(fixture.path);
    database.prepare("UPDATE grants SET profile_sealed = ? WHERE grant_id = ?").run(damaged, row.grantId);
    database.close();
    await rotateDataKeys(keeper.store, keyringFromKeys(fixture.key), { classes: ["read"] });
    await keeper.keys?.look();
    fixture.clock.advance(learnMs);
    await keeper.round();
    assert.ok((await statesOf(keeper.store)).includes("2 read retired"));
    const after = (await rows(keeper.store)).find(({ grantId }) => grantId === row.grantId);
    assert.deepEqual(Buffer.from(after?.profileSealed ?? []), damaged);
    assert.equal((await keyStatus(keeper.store, keyringFromKeys(fixture.key))).rotation, undefined);
    const told = keeper.events.findLast(({ type }) => type === "resealing");
    assert.ok(told?.type === "resealing" && told.unreadable === 1 && told.fraction === 1);
  });

  test("a signing key is published before it signs, and for a day after its last signature", async (t) => {
    const fixture = await filled(t);
    const keeper = await processOn(t, fixture);
    const assertions = new Assertions(keeper.keyring, fixture.clock);
    const kids = async (): Promise<unknown[]> => (await assertions.jwks()).keys.map(({ kid }) => kid);
    const [grant] = (await rows(keeper.store)).map((row) => grantOf(keeper.keyring, row));
    assert.ok(grant !== undefined);
    const signedWith = async (): Promise<unknown> => {
      const [header = ""] = (await assertions.sign(grant, "https://app.example")).split(".");
      return (JSON.parse(Buffer.from(header, "base64url").toString()) as { kid: string }).kid;
    };
    const [old] = await kids();
    await rotateDataKeys(keeper.store, keyringFromKeys(fixture.key), { classes: ["assertion"] });
    await keeper.keys?.look();
    const [signs, next, ...others] = await kids();
    assert.deepEqual([signs, others], [old, []]);
    assert.ok(next !== undefined && next !== old);
    fixture.clock.advance(publishMs - 1);
    await keeper.round();
    assert.equal(await signedWith(), old);
    fixture.clock.advance(1);
    await keeper.round();
    assert.equal(await signedWith(), next);
    assert.deepEqual(await kids(), [next, old]);
    fixture.clock.advance(overlapMs);
    await keeper.round();
    assert.deepEqual(await kids(), [next]);
  });
});
