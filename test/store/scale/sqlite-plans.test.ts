/** No statement on a SQLite store may cost more where there are more grants, whatever it is asked. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { storeSuite } from "../../../src/store/suite/index.ts";
import { affordable, growing, rowsAtOnce, scale } from "../../support/growing-tables.ts";
import { codesEndedAt, countChanges, fillSqlite } from "../../support/many-grants.ts";
import { noteSqlite } from "../../support/noted-statements.ts";
import { runRareStatements } from "../../support/rare-statements.ts";
import { sourceStatements, squeezed } from "../../support/source-statements.ts";
import { SqliteWork } from "../../support/statement-work.ts";
import { allLists } from "../../support/all-lists.ts";

/** A look at one end of a table or index: SQLite calls it a scan, and it is over with the first entry. */
const end = /^SELECT [\w, ]+ FROM \w+(?: INDEXED BY .*)? ORDER BY [\w, ]+ (?:ASC|DESC) LIMIT 1$/;

/** A row's change is numbered by triggers, which is most of the steps. */
const stepsPerRow = 400;

// The statements are those that the suite of the stores makes the store run: a new method is tested there.
const noted = noteSqlite();
storeSuite("sqlite, every statement noted", async () => sqlite(":memory:"));

describe(`the statements of a SQLite store of ${scale} grants`, () => {
  let folder = "";
  let work: SqliteWork;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "onbehalf-scale-"));
    const path = join(folder, "grants.db");
    await fillSqlite(path, scale);
    const store = sqlite(path);
    await store.open({});
    for (const filter of allLists()) await store.listGrants(filter);
    assert.equal(await store.sweepIntakes(codesEndedAt + 1_200), 1_199);
    assert.equal(await countChanges(store), scale);
    assert.equal(await store.findDamage?.({ unlessSoundSince: 0 }), "");
    await store.close();
    await runRareStatements();
    work = new SqliteWork(path);
  });
  after(async () => {
    work.close();
    await rm(folder, { recursive: true });
  });

  test("no statement on a SQLite store scans a table that grows with the number of grants, nor walks an index of it", () => {
    const faults = new Set<string>();
    for (const { text, values } of noted.filter((each) => !/^\s*PRAGMA/.test(each.text))) {
      const { scans, steps, rows, plan } = work.of({ text, values });
      const scanned = end.test(text) ? [] : growing(scans);
      if (scanned.length > 0) faults.add(`scans ${scanned.join(", ")}: ${squeezed(text)}\n  ${plan}`);
      else if (rows > rowsAtOnce) faults.add(`${rows} rows at once: ${squeezed(text)}\n  ${plan}`);
      else if (steps > affordable(rows, stepsPerRow)) {
        faults.add(`${steps} steps for ${rows} rows: ${squeezed(text)}\n  ${plan}`);
      }
    }
    assert.deepEqual([...faults], []);
  });

  test("each piece of SQL in the source of the SQLite store was run", () => {
    const texts = [...new Set(noted.map(({ text }) => squeezed(text)))];
    const notRun = sourceStatements("src/store/sql/*.ts", "src/store/sqlite/*.ts").filter(
      ({ pattern }) => !texts.some((text) => pattern.test(text)),
    );
    assert.deepEqual(
      notRun.map(({ file, text }) => `${file}: ${text}`),
      [],
    );
  });
});
