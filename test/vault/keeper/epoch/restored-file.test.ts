import assert from "node:assert/strict";
import { copyFile, cp, mkdir, readFile, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError, keyringFromKeys, storeEpoch } from "../../../../src/index.ts";
import type { Store, Vault } from "../../../../src/index.ts";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import { testVault, until } from "../../../support/test-vault.ts";
import type { TestVault } from "../../../support/test-vault.ts";

const strict = { rotation: "strict", provider: { rotation: "strict" } } as const;
const day = 86_400_000;

/** A vault whose store is put back to how it was a day before. */
interface Restored extends TestVault {
  /** Grants: untouched since the backup, refreshed since, revoked since. */
  readonly untouched: string;
  readonly rotated: string;
  readonly revoked: string;
}

/** Waits until what is remembered outside of the store is as new as the store. */
async function remembered(path: string): Promise<void> {
  const store = sqlite(path);
  await store.open({ migrate: false });
  const latest = await store.latestChange();
  await store.close();
  await until(async () => ((await keptMarkOf(path))?.changeSeq ?? -1) >= latest);
}

async function keptMarkOf(path: string): Promise<{ changeSeq: number } | undefined> {
  const names = await readdir(`${path}-rescue`).catch(() => []);
  const name = names.find((each) => each.endsWith(".mark"));
  if (name === undefined) return undefined;
  const { said } = JSON.parse(await readFile(join(`${path}-rescue`, name), "utf8")) as { said: string };
  return JSON.parse(said) as { changeSeq: number };
}

async function putBack(path: string, backup: string): Promise<void> {
  for (const suffix of ["-wal", "-shm"]) await rm(`${path}${suffix}`, { force: true });
  await copyFile(backup, path);
}

async function restored(t: TestContext, how: Parameters<typeof testVault>[1] = strict): Promise<Restored> {
  const fixture = await testVault(t, how);
  const { open, code, path, clock } = fixture;
  const newcomer = await open();
  const grants: string[] = [];
  for (const email of ["ada@example.com", "bo@example.com", "cy@example.com"]) {
    grants.push((await newcomer.exchangeCode({ code: code(email), source: "android" })).grantId);
  }
  const [untouched = "", rotated = "", revoked = ""] = grants;
  await newcomer.close();
  const first = await open();
  await remembered(path);
  const store = sqlite(path);
  await store.open({ migrate: false });
  await store.backup?.(`${path}.backup`);
  await store.close();
  clock.advance(day);
  await first.getAccessToken({ grantId: rotated });
  await first.revoke({ grantId: revoked });
  await first.close();
  const second = await open();
  await remembered(path);
  await second.close();
  await putBack(path, `${path}.backup`);
  fixture.newRequests();
  return { ...fixture, untouched, rotated, revoked };
}

async function withStore<T>(
  { path, clock }: Pick<TestVault, "path" | "clock">,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = sqlite(path);
  await store.open({ migrate: false, clock });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Each task of the upkeep runs once: at the opening, and closing waits for it. */
async function upkeepOf(open: TestVault["open"]): Promise<void> {
  await (await open()).close();
}

const failsWith = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  assert.ok(isOnbehalfError(error), String(error));
  return error.code === "reauthorization_required" ? `${error.code} ${error.details["reason"]}` : error.message;
};

const stateOf = async (vault: Vault, grantId: string): Promise<string> => {
  const { state, reason } = await vault.grant({ grantId });
  return `${state} ${reason ?? ""}`.trim();
};

describe("a backup of a SQLite file that is put back", { timeout: 60_000 }, () => {
  test("a restored file asks a strict provider nothing before its operator's word, and then each grant is right or says why", async (t) => {
    const { open, path, clock, key, events, newRequests, untouched, rotated, revoked } = await restored(t);
    const vault = await open();
    assert.deepEqual(
      events.filter(({ type }) => type === "store_standstill"),
      [
        {
          type: "store_standstill",
          why: "restored",
          since: new Date(clock.now()),
          backupAt: new Date(clock.now() - day),
        },
      ],
    );
    // Neither for a caller, nor for one who wants to look, nor by itself.
    for (const grantId of [untouched, rotated, revoked]) {
      assert.match(await failsWith(vault.getAccessToken({ grantId })), /restored backup.*\(store_restored\)/);
    }
    clock.advance(40 * day);
    await until(async () => (await vault.probe({ grantId: untouched })).result === "unknown");
    await upkeepOf(open);
    assert.deepEqual(newRequests(), []);
    assert.deepEqual(newRequests("/revoke"), []);
    clock.advance(-40 * day);

    const keyring = keyringFromKeys(key);
    const settled = await withStore({ path, clock }, (store) => storeEpoch.settle(store, keyring, "restored"));
    assert.deepEqual(settled, { grants: 3, sessions: 0 });
    await until(() => events.some(({ type }) => type === "store_settled"));
    // Each is asked about once, by itself.
    clock.advance(1_000_000);
    await vault.close();
    const again = await open();
    await until(
      async () => (await stateOf(again, rotated)) !== "active" && (await stateOf(again, revoked)) !== "active",
    );
    await until(async () => (await again.grant({ grantId: untouched })).lastRefreshAt !== undefined);
    assert.equal(await stateOf(again, untouched), "active");
    assert.equal(await stateOf(again, rotated), "lapsed restored_from_backup");
    assert.equal(await stateOf(again, revoked), "lapsed restored_from_backup");
    assert.ok((await again.getAccessToken({ grantId: untouched })).token);
    assert.equal(
      await failsWith(again.getAccessToken({ grantId: rotated })),
      "reauthorization_required restored_from_backup",
    );
    assert.equal(newRequests().length, 3, "one for each grant");
    const { faults } = await again.audit.verify();
    assert.deepEqual(faults, []);
    const rows = await again.audit.list({ limit: 500 });
    assert.deepEqual(
      rows.filter(({ action }) => action.startsWith("store.")).map(({ action, outcome }) => `${action} ${outcome}`),
      ["store.standstill restored", "store.restored done"],
    );
    // It is the store that it is now: a restart says nothing more.
    await again.close();
    const last = await open();
    await remembered(path);
    await last.close();
    events.splice(0);
    await open();
    assert.deepEqual(
      events.filter(({ type }) => type.startsWith("store_")),
      [],
    );
  });

  test("a restored file serves callers whose provider does not rotate, and asks nothing by itself", async (t) => {
    const { open, newRequests, untouched, rotated, revoked, clock } = await restored(t, {});
    const vault = await open();
    for (const grantId of [untouched, rotated]) assert.ok((await vault.getAccessToken({ grantId })).token);
    assert.equal(newRequests().length, 2);
    // What was revoked since is refused by the provider, and says so.
    const gone = vault.getAccessToken({ grantId: revoked });
    assert.equal(await failsWith(gone), "reauthorization_required restored_from_backup");
    newRequests();
    clock.advance(40 * day);
    await upkeepOf(open);
    assert.deepEqual(newRequests(), []);
  });

  test("a new sign-in at a restored file is a grant, and works at once", async (t) => {
    const { open, code, rotated } = await restored(t);
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("di@example.com"), source: "android" });
    assert.ok((await vault.getAccessToken({ grantId })).token);
    const back = await vault.exchangeCode({ code: code("bo@example.com"), source: "android" });
    assert.equal(back.grantId, rotated);
    assert.ok((await vault.getAccessToken({ grantId: rotated })).token);
  });

  test("a reader of events whose place is beyond the backup misses nothing that comes after it", async (t) => {
    const { path, clock, key, open, code } = await restored(t);
    const before = await withStore({ path, clock }, (store) => store.eventHead());
    const vault = await open();
    // It has read events that the backup does not know.
    const after = before.seq + 40;
    const keyring = keyringFromKeys(key);
    await withStore({ path, clock }, (store) => storeEpoch.settle(store, keyring, "moved"));
    await vault.exchangeCode({ code: code("di@example.com"), source: "android" });
    const { events } = await vault.events({ after });
    assert.deepEqual(
      events.map(({ type }) => type),
      ["grant.created"],
    );
  });

  test("an operator's word that a store was only moved lets it go on, and asks nobody about any grant", async (t) => {
    const { open, path, clock, key, newRequests, untouched } = await restored(t);
    await (await open()).close();
    const keyring = keyringFromKeys(key);
    assert.deepEqual(await withStore({ path, clock }, (store) => storeEpoch.settle(store, keyring, "moved")), {
      grants: 0,
      sessions: 0,
    });
    await upkeepOf(open);
    const vault = await open();
    assert.deepEqual(newRequests(), []);
    assert.ok((await vault.getAccessToken({ grantId: untouched })).token);
    assert.equal((await withStore({ path, clock }, (store) => storeEpoch.standing(store))).standstill, undefined);
  });
});

describe("a SQLite file that is in another place", { timeout: 60_000 }, () => {
  const places: readonly (readonly [string, (path: string, to: string) => Promise<void>, "goes on" | "copied"])[] = [
    ["is opened again", async () => undefined, "goes on"],
    [
      "was moved with its folder",
      async (path, to) => {
        await rename(path, to);
        await rename(`${path}-rescue`, `${to}-rescue`);
      },
      "goes on",
    ],
    ["was moved without its folder", (path, to) => rename(path, to), "goes on"],
    [
      "was copied with its folder",
      async (path, to) => {
        await copyFile(path, to);
        await cp(`${path}-rescue`, `${to}-rescue`, { recursive: true });
      },
      "copied",
    ],
    ["was copied without its folder", (path, to) => copyFile(path, to), "copied"],
    ["has lost its folder", (path) => rm(`${path}-rescue`, { recursive: true }), "goes on"],
    [
      "has a damaged file in its folder",
      async (path) => {
        for (const name of await readdir(`${path}-rescue`)) await copyFile(path, join(`${path}-rescue`, name));
      },
      "goes on",
    ],
  ];
  for (const [what, change, expected] of places) {
    test(`a SQLite file that ${what} ${expected === "copied" ? "stands still" : expected}`, async (t) => {
      const { open, code, path, events } = await testVault(t, strict);
      const vault = await open();
      await vault.exchangeCode({ code: code("ada@example.com"), source: "android" });
      await vault.close();
      await (await open()).close();
      const last = await open();
      await remembered(path);
      await last.close();
      const to = join(dirname(path), "elsewhere", "grants.db");
      await mkdir(dirname(to));
      await change(path, to);
      const isThere = (await readdir(dirname(to))).length > 0;
      await open(isThere ? { store: sqlite(to) } : {});
      const found = events.flatMap((event) => (event.type === "store_standstill" ? [event.why] : []));
      assert.deepEqual(found, expected === "copied" ? ["copied"] : []);
    });
  }
});
