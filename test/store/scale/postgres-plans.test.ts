/** No statement on a PostgreSQL store may cost more where there are more grants, whatever it is asked. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bound } from "../../../src/store/postgres/statements.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { begin, bytes, owner, tokens } from "../../../src/store/suite/rows.ts";
import { storeSuite } from "../../../src/store/suite/index.ts";
import { allLists } from "../../support/all-lists.ts";
import { affordable, growing, rowsAtOnce, scale } from "../../support/growing-tables.ts";
import { codesEndedAt, countChanges, fillPostgres } from "../../support/many-grants.ts";
import { notePostgres, noteSqlite } from "../../support/noted-statements.ts";
import { emptyDatabase, freshDatabase } from "../../support/postgres.ts";
import { runRareStatements } from "../../support/rare-statements.ts";
import { sourceStatements, squeezed } from "../../support/source-statements.ts";
import { PostgresWork } from "../../support/statement-work.ts";
import type { SentStatement } from "../../support/noted-statements.ts";

const rowsPerRow = 20;

// Both databases run the same statements, and the suite is done much sooner on SQLite in memory.
const noted = noteSqlite();
const sent = notePostgres();
storeSuite("sqlite, every statement noted for PostgreSQL", async () => sqlite(":memory:"));

describe(`the statements of a PostgreSQL store of ${scale} grants`, () => {
  test(
    "no statement on a PostgreSQL store scans a table that grows with the number of grants, nor walks an index of it",
    { timeout: 600_000 },
    async (t) => {
      // What this database alone is sent: at the first opening, in the life of an owner, and for a locked row.
      const fresh = postgres(await freshDatabase(t));
      const database = await emptyDatabase(t);
      const store = postgres(database);
      const other = postgres(database);
      await fresh.open({});
      await fresh.close();
      await fillPostgres(database, scale);
      await runRareStatements();
      const from = sent.length;
      for (const each of [store, other]) {
        await each.open({});
        t.after(() => each.close());
      }
      await store.announceOwner?.(owner("one"));
      await other.announceOwner?.(owner("two"));
      assert.equal(await other.ownerLiveness?.(owner("one")), "alive");
      await store.now();
      assert.equal((await store.place?.())?.timeline, 1);
      const released = { action: "token.released", grantId: "g_1", generation: 1, outcome: "released", detail: null };
      await store.appendAudit([[released, { caller: "reports", requestId: null }]]);
      // Alone, and as many as share one statement.
      for (const count of [1, 200]) {
        const hashes = Array.from(
          { length: count },
          (_, n) => [n + 1, bytes(`subject ${n + 1}`), bytes(`external ${n + 1}`)] as const,
        );
        for (const [row] of await Promise.all(hashes.map(async ([, subject]) => store.tokensBySubject(subject))))
          assert.ok(row);
        for (const [row] of await Promise.all(hashes.map(async ([, , id]) => store.tokensByExternalId(id))))
          assert.ok(row);
        for (const row of await Promise.all(hashes.map(async ([n]) => store.tokenById(`g_${n}`)))) assert.ok(row);
      }
      // As many as share a commit, and ask the same in one statement.
      const active = Array.from({ length: 50 }, (_, n) => `g_${n + 10}`);
      const all = (work: (grantId: string) => Promise<unknown>): Promise<unknown> => Promise.all(active.map(work));
      await all((grantId) => begin(store, grantId, `of ${grantId}`));
      await all((grantId) => begin(store, grantId, `again of ${grantId}`, { replaces: `of ${grantId}` }));
      await all((grantId) => store.commitAttempt(grantId, 1, tokens(grantId), 1));
      for (const filter of allLists()) await store.listGrants(filter);
      assert.equal(await store.sweepIntakes(codesEndedAt + 1_200), 1_199);
      assert.equal(await countChanges(store), scale);
      const shared = noted.map(({ text, values }): SentStatement => bound(text, values));
      const own = sent.slice(from);
      const faults = new Set<string>();
      const work = new PostgresWork(database);
      await work.open();
      t.after(() => work.close());
      const statements = new Map([...shared, ...own].map((each) => [JSON.stringify(each), each]));
      for (const statement of statements.values()) {
        if (!/^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)/.test(statement.text)) continue;
        const { scans, steps, rows, plan } = await work.of(statement);
        const scanned = growing(scans);
        const text = squeezed(statement.text);
        if (scanned.length > 0) faults.add(`scans ${scanned.join(", ")}: ${text}\n  ${plan}`);
        else if (rows > rowsAtOnce) faults.add(`${rows} rows at once: ${text}\n  ${plan}`);
        else if (steps > affordable(rows, rowsPerRow)) faults.add(`${steps} rows for ${rows}: ${text}\n  ${plan}`);
      }
      assert.deepEqual([...faults], []);
    },
  );

  test("each piece of SQL in the source of the PostgreSQL store was sent", () => {
    const texts = [...new Set([...noted, ...sent].map(({ text }) => squeezed(text)))];
    const notSent = sourceStatements("src/store/sql/*.ts", "src/store/postgres/*.ts").filter(
      // One is about the server's sessions, and sent only where a connection was lost unnoticed.
      ({ text, pattern }) => !text.includes("pg_terminate_backend") && !texts.some((sql) => pattern.test(sql)),
    );
    assert.deepEqual(
      notSent.map(({ file, text }) => `${file}: ${text}`),
      [],
    );
  });
});
