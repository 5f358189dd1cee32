/** A store that is prepared while its program waits for something else, and opened later or never. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "pg";
import { isOnbehalfError } from "../../../src/index.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import { freePort } from "../../support/free-port.ts";
import { freshDatabase } from "../../support/postgres.ts";
import { notePostgres } from "../../support/noted-statements.ts";
import { eventually } from "../../support/eventually.ts";

/** How many connections a database has, besides the one that asks. */
async function connectionsTo(connectionString: string): Promise<number> {
  const client = new Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );
  await client.end();
  return rows[0]?.count ?? 0;
}

test("a PostgreSQL store that is prepared connects before it is opened, and looks at the schema no second time", async (t) => {
  const database = await freshDatabase(t);
  const first = postgres(database);
  await first.open({});
  await first.close();
  const store = postgres(database);
  t.after(() => store.close());
  store.prepare?.();
  store.prepare?.();
  await eventually(
    () => connectionsTo(database),
    (count) => count === 2,
  );
  const sent = notePostgres();
  await store.open({});
  assert.deepEqual(
    sent.filter(({ text }) => /onbehalf_migrations/.test(text)),
    [],
  );
  assert.equal(await store.latestChange(), 0);
});

test("a PostgreSQL store that was prepared before another process has migrated is migrated when it is opened", async (t) => {
  const store = postgres(await freshDatabase(t));
  t.after(() => store.close());
  store.prepare?.();
  await store.open({});
  assert.equal(await store.latestChange(), 0);
});

test("closing a PostgreSQL store that was prepared and never opened ends its connections, and it can be opened later", async (t) => {
  const database = await freshDatabase(t);
  const store = postgres(database);
  t.after(() => store.close());
  store.prepare?.();
  await eventually(
    () => connectionsTo(database),
    (count) => count > 0,
  );
  await store.close();
  await eventually(
    () => connectionsTo(database),
    (count) => count === 0,
  );
  await store.open({});
  assert.equal(await store.latestChange(), 0);
  await store.close();
});

test("what kept a PostgreSQL store from being prepared is said by its opening", async () => {
  const store = postgres(`postgres://nobody:secret@127.0.0.1:${await freePort()}/none`);
  store.prepare?.();
  await assert.rejects(store.open({}), (error) => isOnbehalfError(error, "store_unavailable"));
  await store.close();
});
