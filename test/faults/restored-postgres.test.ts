/** A PostgreSQL database that is replaced by its backup, with and without what would notice it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { keyringFromKeys, storeEpoch } from "../../src/index.ts";
import type { Clock, Store, Vault } from "../../src/index.ts";
import { postgres } from "../../src/store/postgres/index.ts";
import { administer, freshDatabase } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testVault, until } from "../support/test-vault.ts";
import { rotations } from "../support/rotations.ts";

const day = 86_400_000;
const strict = rotations.find(({ name }) => name === "strict")?.standin ?? {};

interface Case {
  readonly title: string;
  readonly hasFolder: boolean;
  /** Whether the backup is loaded into the database that was there, instead of into another one with its name. */
  readonly isSameDatabase: boolean;
  readonly why: "restored" | "copied" | "told";
}

const cases: readonly Case[] = [
  {
    title: "a database that is loaded into again is noticed by what the rescue folder remembers",
    hasFolder: true,
    isSameDatabase: true,
    why: "restored",
  },
  {
    title: "a database that is made anew is noticed by what the rescue folder remembers",
    hasFolder: true,
    isSameDatabase: false,
    why: "restored",
  },
  {
    title: "a database that is made anew is noticed without a rescue folder",
    hasFolder: false,
    isSameDatabase: false,
    why: "copied",
  },
  {
    title: "a database that is loaded into again without a rescue folder stands still once an operator has said so",
    hasFolder: false,
    isSameDatabase: true,
    why: "told",
  },
];

describe("a PostgreSQL database that is put back to its backup", { timeout: 120_000 }, () => {
  for (const { title, hasFolder, isSameDatabase, why } of cases) {
    test(`${title}, asks a strict provider nothing, and then each grant is right or says why not`, async (t) => {
      const { open, code, key, clock, events, newRequests } = await testVault(t, {
        ...strict,
        provider: { rotation: "strict" },
      });
      const database = await freshDatabase(t);
      const folder = hasFolder ? { rescueFolder: await temporaryFolder(t) } : {};
      const start = (): Promise<Vault> => open({ store: postgres(database), ...folder });
      const keyring = keyringFromKeys(key);

      const first = await start();
      const grants: string[] = [];
      for (const email of ["ada@example.com", "bo@example.com", "cy@example.com"]) {
        grants.push((await first.exchangeCode({ code: code(email), source: "android" })).grantId);
      }
      const [untouched = "", rotated = "", revoked = ""] = grants;
      await until(async () => (await markOf(database)) > 0);
      const marked = await markOf(database);
      await first.close();
      const backup = await copyOf(t, database);

      clock.advance(day);
      const second = await start();
      await second.getAccessToken(rotated);
      await second.revoke(revoked);
      await second.close();
      const third = await start();
      await until(async () => (await markOf(database)) > marked);
      await third.close();
      await putBack(database, backup, isSameDatabase);
      newRequests();
      newRequests("/revoke");
      events.splice(0);

      if (why === "told") {
        assert.equal(await withStore(database, clock, (store) => storeEpoch.markRestored(store, keyring)), true);
      }
      const vault = await start();
      assert.deepEqual(
        events.flatMap((event) => (event.type === "store_standstill" ? [event.why] : [])),
        [why],
      );
      for (const grantId of grants) {
        await assert.rejects(vault.getAccessToken(grantId), { code: "provider_unavailable" });
      }
      // Weeks in which everything is due that is done by itself. Closing waits for it.
      clock.advance(40 * day);
      await vault.close();
      await (await start()).close();
      assert.deepEqual([...newRequests(), ...newRequests("/revoke")], []);
      clock.advance(-40 * day);

      const said = await withStore(database, clock, (store) => storeEpoch.settle(store, keyring, "restored"));
      assert.deepEqual(said, { grants: 3, sessions: 0 });
      clock.advance(1_000_000);
      const again = await start();
      await until(async () => (await again.grant(untouched)).lastRefreshAt !== undefined);
      for (const grantId of [rotated, revoked])
        await until(async () => (await again.grant(grantId)).state === "lapsed");
      const states = await Promise.all(grants.map((grantId) => again.grant(grantId)));
      assert.deepEqual(
        states.map(({ state, reason }) => `${state} ${reason ?? ""}`),
        ["active ", "lapsed restored_from_backup", "lapsed restored_from_backup"],
      );
      assert.ok((await again.getAccessToken(untouched)).token);
      assert.equal(newRequests().length, 3, "one for each grant");
      assert.deepEqual((await again.audit.verify()).faults, []);
    });
  }
});

/** The number of the last mark in the database. */
async function markOf(database: string): Promise<number> {
  const [row] = await administer(database, "SELECT COALESCE(MAX(mark_no), 0)::int AS no FROM store_marks");
  return Number(row?.["no"] ?? 0);
}

function nameOf(database: string): string {
  return new URL(database).pathname.slice(1);
}

/** @returns a database that is as this one is now, until the test is over */
async function copyOf(t: TestContext, database: string): Promise<string> {
  const place = await freshDatabase(t);
  await makeAnew(place, nameOf(database));
  return place;
}

async function putBack(database: string, backup: string, isSameDatabase: boolean): Promise<void> {
  if (isSameDatabase) await loadInto(database, backup);
  else await makeAnew(database, nameOf(backup));
}

async function makeAnew(database: string, template: string): Promise<void> {
  const server = new URL(database);
  server.pathname = "/postgres";
  await administer(server.href, `DROP DATABASE ${nameOf(database)} WITH (FORCE)`);
  await administer(server.href, `CREATE DATABASE ${nameOf(database)} TEMPLATE ${template}`);
}

/** As a dump does that holds data alone: nothing is numbered or linked anew on the way. */
async function loadInto(database: string, backup: string): Promise<void> {
  const tables = await administer(
    database,
    `SELECT table_name AS name, string_agg(column_name, ', ') AS columns FROM information_schema.columns
     WHERE table_schema = 'public' AND is_generated = 'NEVER' GROUP BY table_name`,
  );
  const steps = ["SET session_replication_role = replica"];
  for (const row of tables) {
    const [name, columns] = [String(row["name"]), String(row["columns"])];
    const [found] = await administer(backup, `SELECT COALESCE(json_agg(t), '[]')::text AS rows FROM ${name} t`);
    const rows = String(found?.["rows"]).replaceAll("'", "''");
    steps.push(
      `TRUNCATE ${name} CASCADE`,
      `INSERT INTO ${name} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${name}, '${rows}')`,
    );
  }
  // Every table is emptied before any is filled: emptying one empties those that refer to it.
  const inOrder = [...steps].sort((one, other) => rank(one) - rank(other));
  await administer(database, inOrder.join(";\n"));
}

function rank(step: string): number {
  return ["SET", "TRUNCATE", "INSERT"].indexOf(step.slice(0, step.indexOf(" ")));
}

async function withStore<T>(database: string, clock: Clock, work: (store: Store) => Promise<T>): Promise<T> {
  const store = postgres(database);
  await store.open({ migrate: false, clock });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
