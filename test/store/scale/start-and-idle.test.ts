/** Opening a vault, a round of all that it does unasked, and closing it: as much work on many grants as on a thousand. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock, generateMasterKey, google, keyringFromKeys, openVault } from "../../../src/index.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { scale } from "../../support/growing-tables.ts";
import { filledAt, fillPostgres, fillSqlite } from "../../support/many-grants.ts";
import { notePostgres, noteSqlite } from "../../support/noted-statements.ts";
import { emptyDatabase } from "../../support/postgres.ts";
import { PostgresWork, SqliteWork } from "../../support/statement-work.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const few = 1_000;

const noted = noteSqlite();
const sent = notePostgres();

/** Each task of the upkeep does a round when a vault is opened, and closing the vault waits for it. */
async function openAndClose(store: Store, key: ReturnType<typeof generateMasterKey>): Promise<void> {
  const vault = await openVault({
    provider: google({ clientId: "client-1", clientSecret: "secret", baseUrl: "http://127.0.0.1:9" }),
    store,
    keyring: keyringFromKeys(key),
    clock: fixedClock(new Date(filledAt).toISOString()),
    onEvent: (event) => assert.fail(JSON.stringify(event)),
  });
  await vault.close();
}

/** What a SQLite store does for a vault, in steps of its statements, having been opened once before. */
async function sqliteSteps(t: TestContext, grants: number): Promise<Map<string, number>> {
  const path = `${await temporaryFolder(t)}/onbehalf.db`;
  const key = generateMasterKey();
  // Keys come first: none are made for a store that has grants already.
  await openAndClose(sqlite(path), key);
  await fillSqlite(path, grants);
  await openAndClose(sqlite(path), key);
  const from = noted.length;
  await openAndClose(sqlite(path), key);
  const work = new SqliteWork(path);
  t.after(() => work.close());
  const steps = new Map<string, number>();
  for (const statement of noted.slice(from)) {
    // Of a small file the start reads all, and there is an end to what is small.
    if (statement.text.startsWith("PRAGMA quick_check(3)")) continue;
    // Of a large file it looks at a part, and asks for that which indexes there are: as many in every file.
    if (statement.text.includes("FROM sqlite_schema")) continue;
    steps.set(statement.text, (steps.get(statement.text) ?? 0) + work.of(statement).steps);
  }
  return steps;
}

async function postgresRows(t: TestContext, grants: number): Promise<Map<string, number>> {
  const database = await emptyDatabase(t);
  const key = generateMasterKey();
  await openAndClose(postgres(database), key);
  await fillPostgres(database, grants);
  await openAndClose(postgres(database), key);
  const from = sent.length;
  await openAndClose(postgres(database), key);
  const own = sent.slice(from).filter(({ text }) => /^\s*(?:SELECT|INSERT|UPDATE|DELETE)/.test(text));
  const work = new PostgresWork(database);
  await work.open();
  t.after(() => work.close());
  const rows = new Map<string, number>();
  for (const { text, values } of own) {
    // The lock of an owner is held by nobody any more; to ask who has it reads no table.
    if (/pg_(?:try_)?advisory|pg_locks|server_started_at/.test(text)) continue;
    rows.set(text, (rows.get(text) ?? 0) + (await work.of({ text, values })).steps);
  }
  return rows;
}

/** The statements that are run on one store alone, or cost more there than a tree with more levels explains. */
function dearer(many: ReadonlyMap<string, number>, some: ReadonlyMap<string, number>): string[] {
  return [...many]
    .filter(([text, steps]) => steps > (some.get(text) ?? 0) * 1.5 + 500)
    .map(([text, steps]) => `${steps} instead of ${some.get(text) ?? 0}: ${text}`);
}

describe(`the start of a vault, and a round of its upkeep, on ${scale} grants`, () => {
  test("a SQLite store runs no statement at the start or when idle that costs more than on a thousand grants", async (t) => {
    const many = await sqliteSteps(t, scale);
    const some = await sqliteSteps(t, few);
    assert.ok(some.size > 8, [...some.keys()].join("\n"));
    assert.deepEqual(dearer(many, some), []);
  });

  test(
    "a PostgreSQL store runs no statement at the start or when idle that costs more than on a thousand grants",
    { timeout: 600_000 },
    async (t) => {
      const many = await postgresRows(t, scale);
      const some = await postgresRows(t, few);
      assert.ok(some.size > 8, [...some.keys()].join("\n"));
      assert.deepEqual(dearer(many, some), []);
    },
  );
});
