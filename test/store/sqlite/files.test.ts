import assert from "node:assert/strict";
import { chmod, mkdir, readFile, rename, stat, truncate, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock } from "../../../src/core/clock.ts";
import { isOnbehalfError } from "../../../src/core/errors.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import type { SqliteOptions } from "../../../src/store/sqlite/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { owner, read, save } from "../../../src/store/suite/rows.ts";
import { fails } from "../../support/fails.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const clock = fixedClock("2026-11-22T00:00:00Z");

describe("a SQLite file", () => {
  test("is the owner's alone from the start, and so is its log", async (t) => {
    const path = await freshPath(t);
    await opened(t, path);
    for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.equal((await stat(file)).mode & 0o777, 0o600, file);
  });

  test("that exists keeps the rights of its group, and loses those of everybody", async (t) => {
    const path = await freshPath(t);
    await (await opened(t, path)).close();
    await chmod(path, 0o664);
    await (await opened(t, path)).close();
    assert.equal((await stat(path)).mode & 0o777, 0o660);
  });

  test("keeps what was written, and how", async (t) => {
    const path = await freshPath(t);
    const store = await opened(t, path);
    const { grantId } = await save(store);
    await store.close();
    const raw = new DatabaseSync(path);
    assert.equal(raw.prepare("PRAGMA journal_mode").get()?.["journal_mode"], "wal");
    raw.close();
    await store.open({ clock });
    assert.equal((await read(store, grantId)).generation, 1);
  });

  test("needs a plain path", () => {
    for (const path of ["", "file:onbehalf.db", "file::memory:"]) {
      assert.throws(() => sqlite(path), fails("configuration_invalid"));
    }
  });

  test("in a folder that is missing, or that is a folder itself: `store_unavailable`", async (t) => {
    const folder = await temporaryFolder(t);
    await mkdir(`${folder}/onbehalf.db`, { mode: 0o755 });
    for (const path of [`${folder}/missing/onbehalf.db`, `${folder}/onbehalf.db`]) {
      await assert.rejects(open(path), fails("store_unavailable", path));
    }
    assert.equal((await stat(`${folder}/onbehalf.db`)).mode & 0o777, 0o755, "a folder's rights are not ours to change");
  });

  test("that is something else is left as it is: `store_unusable`", async (t) => {
    const path = await freshPath(t);
    const text = "This is a letter to somebody. ".repeat(500);
    await writeFile(path, text);
    await assert.rejects(open(path), fails("store_unusable", path));
    assert.equal(await readFile(path, "utf8"), text);
  });

  test("whose structure is damaged is not used, and not changed: `store_unusable`", async (t) => {
    const path = await filled(t);
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
    await (await opened(t, path)).ping();
  });

  test("that is cut short while it is in use: an error of ours, and no answer made up", async (t) => {
    const path = await filled(t);
    const store = await opened(t, path);
    await truncate(path, 4_096);
    await assert.rejects(
      store.listGrants({ limit: 100 }),
      (error) => isOnbehalfError(error, "store_unusable") || isOnbehalfError(error, "store_unavailable"),
    );
  });

  test("that was moved away while it is in use takes no more writes", async (t) => {
    const path = await freshPath(t);
    const store = await opened(t, path);
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
  test("of a newer version is refused", async (t) => {
    const path = await freshPath(t);
    await (await opened(t, path)).close();
    const raw = new DatabaseSync(path);
    raw.exec("INSERT INTO onbehalf_migrations (name, applied_at) VALUES ('9999-later', 1)");
    raw.close();
    await assert.rejects(open(path), fails("store_unusable", "9999-later"));
  });

  test("is left alone where nobody asked for a migration", async (t) => {
    const path = await freshPath(t);
    await assert.rejects(sqlite(path).open({ clock, migrate: false }), fails("store_unusable", "behind"));
    const raw = new DatabaseSync(path);
    assert.deepEqual(raw.prepare("SELECT name FROM sqlite_schema").all(), []);
    raw.close();
    await (await opened(t, path)).close();
    const store = sqlite(path);
    await store.open({ clock, migrate: false });
    await store.close();
  });
});

describe("a SQLite file that another process has locked", () => {
  test("is waited for, and this process goes on meanwhile", async (t) => {
    const path = await freshPath(t);
    const store = await opened(t, path);
    const { grantId } = await save(store);
    const other = locked(t, path);
    const written = store.beginRevocation(grantId, 1);
    assert.equal((await read(store, grantId)).state, "active", "reading waits for nobody");
    // Had the write waited without giving way, nobody would be there to let go of the lock.
    setTimeout(() => other.exec("ROLLBACK"), 50);
    assert.equal(await written, true);
  });

  test("for too long: `store_unavailable`, no intent, and all is well once it is free", async (t) => {
    const path = await freshPath(t);
    const store = await opened(t, path, { patienceMs: 100 });
    const { grantId } = await save(store);
    const other = locked(t, path);
    const attempt = { attemptId: "a", grantId, generation: 1, owner: owner("a"), at: 0 };
    await assert.rejects(store.beginAttempt(attempt), fails("store_unavailable", "locked"));
    other.exec("ROLLBACK");
    assert.deepEqual(await store.attempts(), []);
    assert.equal((await store.beginAttempt(attempt)).kind, "begun");
  });

  test("when it is opened: waited for as well", async (t) => {
    const path = await freshPath(t);
    await (await opened(t, path)).close();
    const other = locked(t, path);
    await assert.rejects(open(path, { patienceMs: 100 }), fails("store_unavailable", "locked"));
    setTimeout(() => other.exec("ROLLBACK"), 50);
    await (await opened(t, path)).ping();
  });
});

/** Another connection that holds the right to write, as another process would. */
function locked(t: TestContext, path: string): DatabaseSync {
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  return other;
}

async function freshPath(t: TestContext): Promise<string> {
  return `${await temporaryFolder(t)}/onbehalf.db`;
}

/** The path of a closed store with enough in it to fill many pages. */
async function filled(t: TestContext): Promise<string> {
  const path = await freshPath(t);
  const store = await opened(t, path);
  for (let n = 0; n < 40; n++) await save(store, { profileSealed: new Uint8Array(2_000).fill(n) });
  await store.close();
  return path;
}

async function opened(t: TestContext, path: string, options?: SqliteOptions): Promise<Store> {
  const store = await open(path, options);
  t.after(() => store.close());
  return store;
}

async function open(path: string, options?: SqliteOptions): Promise<Store> {
  const store = sqlite(path, options);
  await store.open({ clock });
  return store;
}
