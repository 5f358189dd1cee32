import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock } from "../../../src/core/clock.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import type { VaultEvent } from "../../../src/vault/events.ts";
import { lookForDamage } from "../../../src/vault/keeper/look-for-damage.ts";
import { fails } from "../../support/fails.ts";
import { fillSqlite } from "../../support/many-grants.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const pageSize = 4_096;

/** A file of more pages than are all read when it is opened, and where the tables and indexes begin. */
async function largeFile(t: TestContext): Promise<{ path: string; roots: ReadonlyMap<string, number> }> {
  const path = `${await temporaryFolder(t)}/onbehalf.db`;
  // A thread that reads in the background keeps no process alive, and so not this one.
  const alive = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(alive));
  await fillSqlite(path, 4_000);
  const raw = new DatabaseSync(path);
  const rows = raw.prepare("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0 AND sql IS NOT NULL").all();
  raw.close();
  return { path, roots: new Map(rows.map(({ name, rootpage }) => [String(name), Number(rootpage)])) };
}

async function overwrite(path: string, page: number): Promise<void> {
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(0xdb, (page - 1) * pageSize, page * pageSize));
}

/** A page of grants that neither end of the table leads to. */
function pageInTheMiddle(path: string): number {
  const raw = new DatabaseSync(path);
  const pages = raw
    .prepare("SELECT pageno FROM dbstat WHERE name = 'grants' AND pagetype = 'leaf' ORDER BY path")
    .all();
  raw.close();
  return Number(pages[Math.floor(pages.length / 2)]?.["pageno"]);
}

describe("damage of a large SQLite file", () => {
  test("a large SQLite file with a damaged root, of whatever table or index, is not opened", async (t) => {
    const { path, roots } = await largeFile(t);
    const sound = await readFile(path);
    assert.ok(sound.length > 1_000 * pageSize);
    assert.ok(roots.size > 15, [...roots.keys()].join(", "));
    for (const [name, page] of roots) {
      await writeFile(path, sound);
      await overwrite(path, page);
      await assert.rejects(sqlite(path).open({}), fails("store_unusable", path), name);
    }
  });

  test("a large SQLite file that was cut short is not opened", async (t) => {
    const { path } = await largeFile(t);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 10 * pageSize));
    await assert.rejects(sqlite(path).open({}), fails("store_unusable", path));
  });

  test("damage in the middle of a large SQLite file does not keep it from being opened, and is found by reading all of it", async (t) => {
    const { path } = await largeFile(t);
    await overwrite(path, pageInTheMiddle(path));
    const store = sqlite(path);
    await store.open({});
    t.after(() => store.close());
    assert.match((await store.findDamage?.()) ?? "", /btree|malformed|page/i);
    const events = await eventsOfADay(store, path);
    assert.deepEqual(
      events.map(({ type }) => type),
      ["store_damaged"],
    );
  });

  test("a process that has found damage in its SQLite file writes nothing more to it, and reads on until a sound one is opened", async (t) => {
    const path = await largeFile(t).then((file) => file.path);
    const sound = await readFile(path);
    const store = sqlite(path);
    await store.open({});
    t.after(() => store.close());
    await store.sweepIntakes(1);
    await overwrite(path, pageInTheMiddle(path));
    const damaged = await readFile(path);
    const found = (await store.findDamage?.()) ?? "";
    assert.notEqual(found, "");
    await assert.rejects(store.sweepIntakes(1), fails("store_unusable", `the database ${path} is damaged: ${found}`));
    await assert.rejects(store.forgetIntake(new Uint8Array(32)), fails("store_unusable", "is damaged"));
    assert.ok((await store.grantById("g_1")) !== undefined);
    await store.ping();
    assert.deepEqual(await readFile(path), damaged);
    await store.close();
    await writeFile(path, sound);
    await store.open({});
    await store.sweepIntakes(1);
  });

  test("a sound SQLite file is read through once a day, by one of its processes", async (t) => {
    const { path } = await largeFile(t);
    const store = sqlite(path);
    const clock = fixedClock("2026-11-22T00:00:00Z");
    await store.open({ clock });
    t.after(() => store.close());
    assert.equal(await store.findDamage?.({ unlessSoundSince: 0 }), "");
    // Damaged now: whoever looks again says so, whoever trusts the last look does not.
    await overwrite(path, pageInTheMiddle(path));
    assert.equal(await store.findDamage?.({ unlessSoundSince: clock.now() - 1 }), "");
    assert.notEqual(await store.findDamage?.({ unlessSoundSince: clock.now() }), "");
  });

  test("whoever closes a vault does not wait for the look at the whole file", async (t) => {
    const { path } = await largeFile(t);
    const store = sqlite(path);
    await store.open({});
    t.after(() => store.close());
    const closing = new AbortController();
    const looking = store.findDamage?.({ signal: closing.signal });
    closing.abort(new Error("closing"));
    await assert.rejects(async () => looking, /closing/);
  });

  test("a SQLite database in memory has no file to look at", () => {
    assert.equal(sqlite(":memory:").findDamage, undefined);
  });
});

async function eventsOfADay(store: ReturnType<typeof sqlite>, path: string): Promise<VaultEvent[]> {
  const events: VaultEvent[] = [];
  const clock = fixedClock("2026-11-22T00:00:00Z");
  const damage = { isFound: false };
  const look = lookForDamage({ store, clock, random: () => 0.5, emit: (event) => events.push(event), damage });
  const { signal } = new AbortController();
  for (let minute = 0; minute < 24 * 60; minute += 1) {
    await look(signal);
    clock.advance(60_000);
  }
  assert.ok(events.length > 0 && damage.isFound, path);
  return events;
}
