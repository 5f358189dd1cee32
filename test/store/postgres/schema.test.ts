import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemClock } from "../../../src/core/clock.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import { migrations } from "../../../src/store/postgres/migrations.ts";
import { migrationsTable } from "../../../src/store/sql/migrate.ts";
import { fails } from "../../support/fails.ts";
import { administer, freshDatabase } from "../../support/postgres.ts";
import { assertFirstGrants, firstGrants, insertFirstGrants } from "../../support/first-schema.ts";
import { storeProcess } from "../../support/store-process.ts";

const clock = systemClock;
const names = migrations.map(({ name }) => name);

describe("the schema of a PostgreSQL database", () => {
  test("PostgreSQL's schema is made once, by one of twenty stores that start together in several processes", async (t) => {
    const database = await freshDatabase(t);
    const processes = Array.from({ length: 4 }, () => storeProcess(t, database, { do: "open" }));
    const stores = Array.from({ length: 16 }, () => postgres({ connectionString: database, poolSize: 2 }));
    await Promise.all(stores.map((store) => store.open({ clock })));
    for (const store of stores) assert.deepEqual((await store.migrations()).applied, names);
    await Promise.all(stores.map((store) => store.close()));
    for (const { answer } of processes) assert.deepEqual(await answer, names);
  });

  test("a PostgreSQL database is left alone where migrate is false", async (t) => {
    const database = await freshDatabase(t);
    await assert.rejects(postgres(database).open({ clock, migrate: false }), fails("store_unusable", "behind"));
    const made = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert.deepEqual(await administer(database, made), []);
  });

  test("a PostgreSQL database that a newer version has migrated is not opened", async (t) => {
    const database = await freshDatabase(t);
    const store = postgres(database);
    await store.open({ clock });
    await store.close();
    await administer(database, "INSERT INTO onbehalf_migrations (name, applied_at) VALUES ('9999-later', 1)");
    await assert.rejects(store.open({ clock }), fails("store_unusable", "9999-later"));
  });

  test("a PostgreSQL database from before migrations had checksums is opened, and has them from then on", async (t) => {
    const database = await freshDatabase(t);
    await administer(database, migrationsTable);
    await administer(database, migrations[0]?.text ?? "");
    await administer(database, "INSERT INTO onbehalf_migrations (name, applied_at) VALUES ('0001-initial', 1)");
    const store = postgres(database);
    await assert.rejects(store.open({ clock, migrate: false }), fails("store_unusable", "0002-migration-checksums"));
    await store.open({ clock });
    await store.close();
    assert.deepEqual(
      await administer(database, "SELECT name, checksum FROM onbehalf_migrations ORDER BY name"),
      migrations.map(({ name, checksum }) => ({ name, checksum })),
    );
    await store.open({ clock, migrate: false });
    await store.close();
  });

  test("a PostgreSQL database with the first migration alone keeps its grants and their external ids", async (t) => {
    const database = await freshDatabase(t);
    await administer(database, migrationsTable);
    await administer(database, (migrations[0]?.text ?? "") + insertFirstGrants("postgres", firstGrants));
    await administer(database, "INSERT INTO onbehalf_migrations (name, applied_at) VALUES ('0001-initial', 1)");
    const store = postgres(database);
    await store.open({ clock });
    t.after(() => store.close());
    await assertFirstGrants(store);
  });

  test("a PostgreSQL database that a migration of the same name but another text has made is not opened", async (t) => {
    const database = await freshDatabase(t);
    const store = postgres(database);
    await store.open({ clock });
    await store.close();
    await administer(database, "UPDATE onbehalf_migrations SET checksum = 'abc' WHERE name = '0001-initial'");
    for (const migrate of [true, false]) {
      await assert.rejects(store.open({ clock, migrate }), fails("store_unusable", "0001-initial"));
    }
  });

  test("a PostgreSQL database with another program's tables of the same names is not opened, and stays as it is", async (t) => {
    const database = await freshDatabase(t);
    await administer(database, "CREATE TABLE grants (whose TEXT)");
    await assert.rejects(postgres(database).open({ clock }), fails("store_unusable", "another program"));
    const made = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
    assert.deepEqual(await administer(database, made), [{ relname: "grants" }]);
  });

  test("PostgreSQL's schema may belong to another role than the one that serves", async (t) => {
    const database = await freshDatabase(t);
    const role = new URL(database).pathname.slice(1).replace("test", "role");
    await administer(database, `CREATE ROLE ${role} LOGIN PASSWORD 'serves'`);
    t.after(() => administer(database.replace(/[^/]+$/, "postgres"), `DROP ROLE ${role}`));
    const url = new URL(database);
    url.username = role;
    url.password = "serves";
    const serving = postgres(url.href);
    await assert.rejects(serving.open({ clock }), fails("store_unusable", "rights", ["serves@"]));

    const owning = postgres(database);
    await owning.open({ clock });
    await owning.close();
    await administer(database, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`);
    await serving.open({ clock, migrate: false });
    assert.equal((await serving.createKeys({ instance: "one", keys: [] })).instance, "one");
    await serving.close();
    await administer(database, `REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${role}`);
  });
});
