import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock } from "../../../src/core/clock.ts";
import { migrationsTable } from "../../../src/store/sql/migrate.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { migrations } from "../../../src/store/sqlite/migrations.ts";
import { migrationsModule } from "../../../tools/embedded-migrations.ts";
import { sqliteSchema } from "../../../tools/schema.ts";
import { fails } from "../../support/fails.ts";
import { assertFirstGrants, firstGrants, insertFirstGrants } from "../../support/first-schema.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const clock = fixedClock(0);

test("the dump of SQLite's schema is what the migrations result in (else: node tools/dump-schema.ts)", async () => {
  assert.equal(
    await readFile(new URL("../../../migrations/sqlite/schema.sql", import.meta.url), "utf8"),
    sqliteSchema(),
  );
});

for (const dialect of ["sqlite", "postgres"] as const) {
  test(`the migrations in src/store/${dialect}/ are those in migrations/ (else: node tools/dump-schema.ts)`, async () => {
    const module = new URL(`../../../src/store/${dialect}/migrations.ts`, import.meta.url);
    assert.equal(await readFile(module, "utf8"), migrationsModule(dialect));
  });
}

/** A file as versions before the checksums made it, with any text as its first migration. */
async function earlierFile(t: TestContext, firstMigration: string): Promise<string> {
  const path = `${await temporaryFolder(t)}/onbehalf.db`;
  const raw = new DatabaseSync(path);
  raw.exec(migrationsTable);
  raw.exec(firstMigration);
  raw.exec("INSERT INTO onbehalf_migrations (name, applied_at) VALUES ('0001-initial', 1)");
  raw.close();
  return path;
}

function checksumsIn(path: string): unknown[] {
  const raw = new DatabaseSync(path);
  const rows = raw.prepare("SELECT name, checksum FROM onbehalf_migrations ORDER BY name").all();
  raw.close();
  return rows.map(({ name, checksum }) => ({ name, checksum }));
}

describe("checksums of migrations in SQLite", () => {
  test("a SQLite file from before migrations had checksums is opened, and has them from then on", async (t) => {
    const path = await earlierFile(t, migrations[0]?.text ?? "");
    const store = sqlite(path);
    await assert.rejects(store.open({ clock, migrate: false }), fails("store_unusable", "0002-migration-checksums"));
    await store.open({ clock });
    await store.close();
    assert.deepEqual(
      checksumsIn(path),
      migrations.map(({ name, checksum }) => ({ name, checksum })),
    );
    await store.open({ clock, migrate: false });
    await store.close();
  });

  test("a SQLite file that a migration of the same name but another text has made is not opened", async (t) => {
    const path = await earlierFile(t, migrations[0]?.text ?? "");
    const store = sqlite(path);
    await store.open({ clock });
    await store.close();
    const raw = new DatabaseSync(path);
    raw.exec("UPDATE onbehalf_migrations SET checksum = 'abc' WHERE name = '0001-initial'");
    raw.close();
    for (const migrate of [true, false]) {
      await assert.rejects(store.open({ clock, migrate }), fails("store_unusable", "0001-initial"));
    }
    const { applied } = await reopened(path);
    assert.deepEqual(
      applied,
      migrations.map(({ name }) => name),
      "put right, it is opened again",
    );
  });
});

async function reopened(path: string): Promise<{ readonly applied: readonly string[] }> {
  const raw = new DatabaseSync(path);
  raw
    .prepare("UPDATE onbehalf_migrations SET checksum = ? WHERE name = '0001-initial'")
    .run(migrations[0]?.checksum ?? "");
  raw.close();
  const store = sqlite(path);
  await store.open({ clock });
  const found = await store.migrations();
  await store.close();
  return found;
}

test("a SQLite file with the first migration alone keeps its grants and the external ids that they are known by", async (t) => {
  const path = await earlierFile(t, (migrations[0]?.text ?? "") + insertFirstGrants("sqlite", firstGrants));
  const store = sqlite(path);
  await store.open({ clock });
  t.after(() => store.close());
  await assertFirstGrants(store);
});

/** A file that a version with so many migrations has made, with the first grants in it. */
async function fileOfVersion(t: TestContext, count: number): Promise<string> {
  const path = `${await temporaryFolder(t)}/onbehalf.db`;
  const raw = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  raw.exec(migrationsTable);
  for (const [n, { name, checksum, text }] of migrations.slice(0, count).entries()) {
    raw.exec(text);
    if (n === 0) raw.exec(insertFirstGrants("sqlite", firstGrants));
    raw.prepare("INSERT INTO onbehalf_migrations (name, applied_at) VALUES (?, 1)").run(name);
    if (n > 0) raw.prepare("UPDATE onbehalf_migrations SET checksum = ? WHERE name = ?").run(checksum, name);
  }
  raw.close();
  return path;
}

for (const [count, { name }] of migrations.entries()) {
  if (count === 0) continue;
  test(`a SQLite file of the version before ${name} keeps its grants, and is sound`, async (t) => {
    const path = await fileOfVersion(t, count);
    const store = sqlite(path);
    await store.open({ clock });
    t.after(() => store.close());
    await assertFirstGrants(store);
    const raw = new DatabaseSync(path);
    assert.deepEqual(raw.prepare("PRAGMA integrity_check").all(), [{ __proto__: null, integrity_check: "ok" }]);
    assert.deepEqual(raw.prepare("PRAGMA foreign_key_check").all(), []);
    raw.close();
  });
}

/** Before tables got rows by number: a row in each table that one of them refers to or that refers to it. */
async function fileWithChildren(t: TestContext): Promise<string> {
  const path = await fileOfVersion(
    t,
    migrations.findIndex(({ name }) => name === "0025-rows-by-number"),
  );
  const raw = new DatabaseSync(path);
  raw.exec(`
    INSERT INTO attempts (grant_id, attempt_id, generation, owner, started_at) VALUES ('g_alone', 'a', 1, '{}', 1);
    INSERT INTO orphans VALUES ('o', 'g_alone', 1, X'01', 1), ('p', 'g_new', 1, zeroblob(5000), 2);
    INSERT INTO deposits VALUES (X'01', 'g_alone', X'02', 1);
    INSERT INTO handles VALUES ('h', 'g_alone', 'google', 'c', 'name', X'01', NULL, 1, NULL, NULL, NULL, X'02');
    INSERT INTO probes (grant_id, begun_at) VALUES ('g_alone', 1);
    INSERT INTO intakes (code_hash, state, client_id, owner, context_sealed, answer_sealed, started_at)
      VALUES (X'01', 'answered', 'client-1', '{}', X'02', zeroblob(9000), 1), (X'02', 'spending', 'client-1', '{}', X'02', NULL, 2);
    INSERT INTO connects VALUES (X'01', zeroblob(3000), X'03', X'04', 0, NULL, 1, 2, NULL);
    UPDATE grants SET access_sealed = zeroblob(4500), look_at = 7, reseals = 3 WHERE grant_id = 'g_new'`);
  raw.close();
  return path;
}

/** What migrations that follow add to these tables. */
const laterColumns = new Set([
  ..."keep_alive_slot announce_end_at consented_at withheld_scope last_error_says".split(" "),
  ..."doubt died_at died_after died_before".split(" "),
]);

/** @param before leaves out tables that it does not have: those of later versions */
function rowsOf(path: string, before?: Record<string, unknown[]>): Record<string, unknown[]> {
  const raw = new DatabaseSync(path, { readOnly: true });
  const tables = raw.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  const rows = tables
    .map(({ name }) => String(name))
    .filter((name) => !/^(?:onbehalf_migrations|event_head)$/.test(name))
    .map((name) => {
      const found = raw.prepare(`SELECT * FROM ${name}`).all();
      return [
        name,
        found
          .map((row) =>
            JSON.stringify(
              row,
              Object.keys(row).filter((column) => !laterColumns.has(column)),
            ),
          )
          .sort(),
      ] as const;
    })
    .filter(([name]) => before === undefined || name in before);
  raw.close();
  // Migrations that follow add tables, which have no rows.
  return Object.fromEntries(rows.filter(([, found]) => found.length > 0));
}

test("tables of a SQLite file that are laid out anew keep every row, and so do those that refer to them", async (t) => {
  const path = await fileWithChildren(t);
  const before = rowsOf(path);
  const store = sqlite(path);
  await store.open({ clock });
  assert.deepEqual(rowsOf(path, before), before);
  await store.close();
  const raw = new DatabaseSync(path);
  raw.exec("DELETE FROM grants WHERE grant_id = 'g_alone'");
  for (const table of ["attempts", "orphans", "deposits", "handles", "probes", "external_ids"]) {
    const left = raw.prepare(`SELECT count(*) AS left FROM ${table} WHERE grant_id = 'g_alone'`).get();
    assert.equal(left?.["left"], 0, `${table} still follows the grant`);
  }
  assert.throws(() => raw.exec("INSERT INTO probes (grant_id, begun_at) VALUES ('g_nowhere', 1)"), /FOREIGN KEY/);
  raw.close();
});

test("a migration of a SQLite file that fails half-way leaves all as it was, and is done when it can be", async (t) => {
  const path = await fileWithChildren(t);
  const before = rowsOf(path);
  const raw = new DatabaseSync(path);
  // In the way of the last table but two: grants and external ids have been laid out by then.
  raw.exec("CREATE TABLE intakes_before (x)");
  const store = sqlite(path);
  await assert.rejects(store.open({ clock }), fails("store_unusable", "intakes_before"));
  raw.exec("DROP TABLE intakes_before");
  raw.close();
  assert.deepEqual(rowsOf(path), before);
  await store.open({ clock });
  assert.deepEqual(rowsOf(path, before), before);
  await store.close();
});
