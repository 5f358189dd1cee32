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
