import assert from "node:assert/strict";
import { chmod, lstat, mkdir, readFile, rename, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock } from "../../../src/core/clock.ts";
import { isOnbehalfError } from "../../../src/core/errors.ts";
import { SqliteDatabase } from "../../../src/store/sqlite/database.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import type { SqliteOptions } from "../../../src/store/sqlite/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { owner, read, save } from "../../../src/store/suite/rows.ts";
import { fails } from "../../support/fails.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const clock = fixedClock("2026-11-22T00:00:00Z");

describe("a SQLite file", () => {
  test("a new SQLite file is readable to its owner alone from the start, and so is its log", async (t) => {
    const path = await newPath(t);
    await openStore(t, path);
    for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.equal((await stat(file)).mode & 0o777, 0o600, file);
  });

  test("an existing SQLite file keeps the rights of its group, and loses those of everybody", async (t) => {
    const path = await newPath(t);
    await (await openStore(t, path)).close();
    await chmod(path, 0o664);
    await (await openStore(t, path)).close();
    assert.equal((await stat(path)).mode & 0o777, 0o660);
  });

  test("a SQLite file keeps its grants and its write-ahead log when it is opened again", async (t) => {
    const path = await newPath(t);
    const store = await openStore(t, path);
    const { grantId } = await save(store);
    await store.close();
    const raw = new DatabaseSync(path);
    assert.equal(raw.prepare("PRAGMA journal_mode").get()?.["journal_mode"], "wal");
    raw.close();
    await store.open({ clock });
    assert.equal((await read(store, grantId)).generation, 1);
  });

  test("a transaction that is under way when a SQLite file is closed ends as if it were open", async (t) => {
    const database = new SqliteDatabase(await newPath(t), { patienceMs: 1_000 });
    await database.open(clock);
    const work = Array.from({ length: 100 }, () => database.transaction((sql) => sql.now()));
    await Promise.all([...work, database.close()]);
    assert.deepEqual(
      await Promise.all(work),
      work.map(() => clock.now()),
    );
  });

  test("a SQLite store needs a plain path", () => {
    for (const path of ["", "file:onbehalf.db", "file::memory:"]) {
      assert.throws(() => sqlite(path), fails("configuration_invalid"));
    }
  });

  test("a link that leads nowhere, or in a circle, is no place for a SQLite file, and stays as it is", async (t) => {
    const folder = await temporaryFolder(t);
    await symlink(`${folder}/not/mounted.db`, `${folder}/nowhere.db`);
    await symlink(`${folder}/absent.db`, `${folder}/absent-target.db`);
    await symlink(`${folder}/circle.db`, `${folder}/circle.db`);
    for (const name of ["nowhere.db", "absent-target.db", "circle.db"]) {
      await assert.rejects(open(`${folder}/${name}`), (error) => {
        assert.ok(isOnbehalfError(error, "store_unavailable"), `${name}: ${String(error)}`);
        assert.match(error.message, /is a link that leads to no file/);
        assert.match(error.hint, /mounted/);
        return true;
      });
      assert.ok((await lstat(`${folder}/${name}`)).isSymbolicLink());
    }
  });

  test("opening a SQLite file in a missing folder, or a folder, fails with store_unavailable", async (t) => {
    const folder = await temporaryFolder(t);
    await mkdir(`${folder}/onbehalf.db`, { mode: 0o755 });
    for (const path of [`${folder}/missing/onbehalf.db`, `${folder}/onbehalf.db`]) {
      await assert.rejects(open(path), fails("store_unavailable", path));
    }
    assert.equal((await stat(`${folder}/onbehalf.db`)).mode & 0o777, 0o755, "a folder's rights are not ours to change");
  });

  test("a file that is not a SQLite database fails with store_unusable, and is left as it is", async (t) => {
    const path = await newPath(t);
    const text = "This is a letter to somebody. ".repeat(500);
    await writeFile(path, text);
    await assert.rejects(open(path), fails("store_unusable", path));
    assert.equal(await readFile(path, "utf8"), text);
  });

  test("a SQLite file whose structure is damaged fails with store_unusable, and is left as it is", async (t) => {
    const path = await closedStoreWithPages(t);
    const sound = await readFile(path);
    const damages: Record<string, (bytes: Buffer) => Buffer> = {
      "a page overwritten": (bytes) => bytes.fill(0xdb, 4_096, 8_192),
      "the end cut off": (bytes) => bytes.subarray(0, bytes.length - 10_000),
      "the schema garbled": (bytes) =>
        Buffer.from(bytes.toString("latin1").replaceAll("CREATE TABLE grants", "CRE4TE T4BLE gr4nts"), "latin1"),
    };
    for (const [name, damage] of Object.entries(damages)) {
      const damaged = damage(Buffer.from(sound));
      await writeFile(path, damaged);
      await assert.rejects(open(path), fails("store_unusable", path), name);
      assert.deepEqual(await readFile(path), damaged, name);
    }
    await writeFile(path, sound);
    await (await openStore(t, path)).ping();
  });

  test("a vacuum gives the space of rows that are gone back, and everything else stays as it was", async (t) => {
    const path = await closedStoreWithPages(t);
    const raw = new DatabaseSync(path);
    raw.exec("CREATE TABLE filler (bytes BLOB); INSERT INTO filler VALUES (zeroblob(3000000)); DROP TABLE filler");
    raw.close();
    const store = await openStore(t, path);
    const grants = await store.listGrants({ limit: 100 });
    const { before = 0, after = 0 } = (await store.vacuum?.()) ?? {};
    assert.ok(before > 3_000_000 && after < before - 2_900_000, `${before} ${after}`);
    assert.equal((await stat(path)).size, after, "the log is empty");
    assert.deepEqual(await store.listGrants({ limit: 100 }), grants);
    assert.equal(await store.findDamage?.(), "");
    // Whoever is in the middle of a write is waited for.
    const writing = Promise.all([store.sweepIntakes(1), store.vacuum?.(), store.sweepIntakes(1)]);
    assert.equal((await writing).length, 3);
  });

  test("a backup of a SQLite file in use is complete, private, and never written over another file", async (t) => {
    const path = await closedStoreWithPages(t);
    const store = await openStore(t, path);
    await save(store);
    const grants = await store.listGrants({ limit: 100 });
    const to = `${path}.backup`;
    // Whoever writes meanwhile is neither held up nor left out by half.
    const [copied] = await Promise.all([store.backup?.(to), store.sweepIntakes(1)]);
    assert.equal(copied?.bytes, (await stat(to)).size);
    assert.equal((await stat(to)).mode & 0o777, 0o600);
    assert.deepEqual(await (await openStore(t, to)).listGrants({ limit: 100 }), grants);
    const before = await readFile(to);
    await assert.rejects(async () => store.backup?.(to), fails("configuration_invalid", to));
    assert.deepEqual(await readFile(to), before);
    await assert.rejects(async () => store.backup?.(`${path}/in/a/file.db`), fails("store_unavailable", path));
    // What a killed one has left is in nobody's way.
    await writeFile(`${path}.second.part`, "half of one");
    await store.backup?.(`${path}.second`);
    await assert.rejects(stat(`${path}.second.part`), { code: "ENOENT" });
  });

  test("reading a SQLite file that was cut short while in use fails with store_unusable or store_unavailable", async (t) => {
    const path = await closedStoreWithPages(t);
    const store = await openStore(t, path);
    await truncate(path, 4_096);
    await assert.rejects(
      store.listGrants({ limit: 100 }),
      (error) => isOnbehalfError(error, "store_unusable") || isOnbehalfError(error, "store_unavailable"),
    );
  });

  test("a SQLite file that was moved, replaced or deleted while in use does not answer as if it were there", async (t) => {
    const path = await newPath(t);
    const store = await openStore(t, path);
    await store.ping();
    await rename(path, `${path}-away`);
    await assert.rejects(store.ping(), fails("store_unavailable", "was moved, replaced or deleted"));
    await writeFile(path, "another file");
    await assert.rejects(store.ping(), fails("store_unavailable", "was moved, replaced or deleted"));
    await rename(`${path}-away`, path);
    await store.ping();
  });

  test("a SQLite file that was moved away while in use takes no more writes", async (t) => {
    const path = await newPath(t);
    const store = await openStore(t, path);
    const { grantId } = await save(store);
    await rename(path, `${path}.old`);
    await assert.rejects(save(store), fails("store_unavailable", path));
    await writeFile(path, "");
    await assert.rejects(save(store), fails("store_unavailable", path), "another file in its place is no better");
    await rename(`${path}.old`, path);
    assert.equal(await store.beginRevocation(grantId, 1), true);
  });
});

describe("the schema of a SQLite file", () => {
  test("a SQLite file that a newer version has migrated is not opened", async (t) => {
    const path = await newPath(t);
    await (await openStore(t, path)).close();
    const raw = new DatabaseSync(path);
    raw.exec("INSERT INTO onbehalf_migrations (name, applied_at) VALUES ('9999-later', 1)");
    raw.close();
    await assert.rejects(open(path), fails("store_unusable", "9999-later"));
  });

  test("a SQLite file is left alone where migrate is false", async (t) => {
    const path = await newPath(t);
    await assert.rejects(sqlite(path).open({ clock, migrate: false }), fails("store_unusable", "behind"));
    const raw = new DatabaseSync(path);
    assert.deepEqual(raw.prepare("SELECT name FROM sqlite_schema").all(), []);
    raw.close();
    await (await openStore(t, path)).close();
    const store = sqlite(path);
    await store.open({ clock, migrate: false });
    await store.close();
  });
});

describe("a SQLite file that another process has locked", () => {
  test("a write waits for a SQLite file that another process has locked, and this process goes on meanwhile", async (t) => {
    const path = await newPath(t);
    const store = await openStore(t, path);
    const { grantId } = await save(store);
    const other = lockFile(t, path);
    const written = store.beginRevocation(grantId, 1);
    assert.equal((await read(store, grantId)).state, "active", "reading waits for nobody");
    // Had the write waited without giving way, nobody would be there to let go of the lock.
    setTimeout(() => other.exec("ROLLBACK"), 50);
    assert.equal(await written, true);
  });

  test("an attempt fails with store_unavailable on a SQLite file that stays locked, and begins once it is free", async (t) => {
    const path = await newPath(t);
    const store = await openStore(t, path, { patienceMs: 100 });
    const { grantId } = await save(store);
    const other = lockFile(t, path);
    const attempt = { attemptId: "a", grantId, generation: 1, owner: owner("a"), at: 0 };
    await assert.rejects(store.beginAttempt(attempt), fails("store_unavailable", "locked"));
    other.exec("ROLLBACK");
    assert.deepEqual(await store.attempts(), []);
    assert.equal((await store.beginAttempt(attempt)).kind, "begun");
  });

  test("opening waits for a SQLite file that another process has locked, and fails when it stays locked", async (t) => {
    const path = await newPath(t);
    await (await openStore(t, path)).close();
    const other = lockFile(t, path);
    await assert.rejects(open(path, { patienceMs: 100 }), fails("store_unavailable", "locked"));
    setTimeout(() => other.exec("ROLLBACK"), 50);
    await (await openStore(t, path)).ping();
  });
});

/** Another connection that holds the right to write, as another process would. */
function lockFile(t: TestContext, path: string): DatabaseSync {
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  return other;
}

async function newPath(t: TestContext): Promise<string> {
  return `${await temporaryFolder(t)}/onbehalf.db`;
}

/** The path of a closed store with enough in it to fill many pages. */
async function closedStoreWithPages(t: TestContext): Promise<string> {
  const path = await newPath(t);
  const store = await openStore(t, path);
  for (let n = 0; n < 40; n++) await save(store, { profileSealed: new Uint8Array(2_000).fill(n) });
  await store.close();
  return path;
}

async function openStore(t: TestContext, path: string, options?: SqliteOptions): Promise<Store> {
  const store = await open(path, options);
  t.after(() => store.close());
  return store;
}

async function open(path: string, options?: SqliteOptions): Promise<Store> {
  const store = sqlite(path, options);
  await store.open({ clock });
  return store;
}
