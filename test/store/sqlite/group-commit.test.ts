import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fixedClock } from "../../../src/core/clock.ts";
import { unsigned } from "../../../src/store/audit-store.ts";
import type { RecordOf } from "../../../src/store/audit-store.ts";
import { SqliteConnection } from "../../../src/store/sqlite/connection.ts";
import { SqliteDatabase } from "../../../src/store/sqlite/database.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import type { Transaction } from "../../../src/store/sql/sql.ts";
import { storeUnavailable } from "../../../src/store/sql/failure.ts";
import { fails } from "../../support/fails.ts";
import { ScriptedWriter } from "../../support/scripted-writer.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("group commit", () => {
  test("transactions that are asked for in one turn share one commit, and each has its own result", async (t) => {
    const { database, writer, names } = await newDatabase(t);
    const results = await Promise.all(
      ["one", "two", "three"].map((name) => database.transaction((sql) => add(sql, name).then(() => name))),
    );
    assert.deepEqual(results, ["one", "two", "three"]);
    assert.deepEqual(names(), ["one", "three", "two"]);
    assert.deepEqual([writer.count("BEGIN IMMEDIATE"), writer.count("COMMIT")], [1, 1]);
  });

  test("a transaction that is alone takes no savepoint", async (t) => {
    const { database, writer } = await newDatabase(t);
    await database.transaction((sql) => add(sql, "one"));
    assert.equal(writer.count("SAVEPOINT"), 0);
    await Promise.all(["two", "three"].map((name) => database.transaction((sql) => add(sql, name))));
    assert.equal(writer.count("SAVEPOINT"), 2);
  });

  test("nobody hears of an end before the commit: neither a result nor an error", async (t) => {
    const { database, writer } = await newDatabase(t);
    const heard: string[] = [];
    let heardBeforeCommit: readonly string[] = ["nothing was committed"];
    writer.interfere = (text) => {
      if (text === "COMMIT") heardBeforeCommit = [...heard];
    };
    const ends = [
      database.transaction((sql) => add(sql, "one")).then(() => heard.push("one")),
      database.transaction(() => Promise.reject(new Error("two"))).catch(() => heard.push("two")),
      database.transaction((sql) => add(sql, "three")).then(() => heard.push("three")),
    ];
    await Promise.all(ends);
    assert.deepEqual(heardBeforeCommit, []);
    assert.deepEqual(heard, ["one", "two", "three"]);
  });

  for (const position of [0, 1, 2]) {
    test(`a body that throws, number ${position + 1} of three, undoes itself and its audit rows, and nothing of its neighbours`, async (t) => {
      const { database, writer, names, rows } = await newDatabase(t);
      const ends = await Promise.allSettled(
        [0, 1, 2].map((number) =>
          database.transaction(async (sql) => {
            await add(sql, `name ${number}`);
            note(sql, `name ${number}`);
            if (number === position) throw new Error("not this one");
          }),
        ),
      );
      const others = [0, 1, 2].filter((number) => number !== position).map((number) => `name ${number}`);
      assert.deepEqual(
        ends.map(({ status }) => status),
        [0, 1, 2].map((number) => (number === position ? "rejected" : "fulfilled")),
      );
      assert.deepEqual(names(), others);
      assert.deepEqual(
        rows().map(({ detail }) => detail),
        others,
      );
      assert.equal(writer.count("COMMIT"), 1);
    });
  }

  test("the audit rows of a group are added at its end, in the order of its bodies, after one look at the log's end", async (t) => {
    const { database, writer, rows } = await newDatabase(t);
    await database.transaction(async (sql) => note(sql, "before"));
    writer.statements.length = 0;
    await Promise.all(
      ["one", "two"].map((name) =>
        database.transaction(async (sql) => {
          note(sql, name);
          await add(sql, name);
          note(sql, `${name} again`);
        }),
      ),
    );
    assert.deepEqual(
      rows().map(({ seq, detail }) => [seq, detail]),
      [
        [1, "before"],
        [2, "one"],
        [3, "one again"],
        [4, "two"],
        [5, "two again"],
      ],
    );
    assert.deepEqual(
      [writer.count("SELECT seq, link FROM audit_head"), writer.count("INSERT INTO audit_head")],
      [1, 1],
    );
  });

  test("each audit row names whose doing it was, although one group wrote them", async (t) => {
    const acting = new AsyncLocalStorage<string>();
    const recordOf: RecordOf = (entry, anchor) =>
      unsigned(entry, anchor, { caller: acting.getStore() ?? "nobody", requestId: null });
    const { database, rows } = await newDatabase(t, { recordOf });
    await Promise.all(
      ["ada", "carl"].map((caller) =>
        acting.run(caller, () =>
          database.transaction(async (sql) => {
            await sql.now();
            note(sql, acting.getStore() ?? "nobody");
          }),
        ),
      ),
    );
    assert.deepEqual(
      rows().map(({ caller, detail }) => [caller, detail]),
      [
        ["ada", "ada"],
        ["carl", "carl"],
      ],
    );
  });

  test("a commit that fails is acknowledged to nobody, and each is done again by itself with an end of its own", async (t) => {
    const { database, writer, names } = await newDatabase(t);
    let commits = 0;
    const seen: string[][] = [];
    writer.interfere = (text) => {
      if (text !== "COMMIT") return;
      commits += 1;
      seen.push(names());
      // The group's own commit, and that of the second by itself.
      if (commits === 1 || commits === 3) throw full();
    };
    const ends = await Promise.allSettled(
      ["one", "two", "three"].map((name) => database.transaction((sql) => add(sql, name))),
    );
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.ok(fails("store_unavailable")((ends[1] as PromiseRejectedResult).reason));
    assert.deepEqual(names(), ["one", "three"]);
    assert.deepEqual(seen, [[], [], ["one"], ["one"]], "nothing of the group was left behind");
  });

  for (const position of [0, 1, 2]) {
    test(`a page that cannot be read undoes the whole group in SQLite, at body ${position + 1} of three: only that body fails`, async (t) => {
      const { database, writer, names, rows } = await newDatabase(t);
      writer.interfere = (text, connection) => {
        if (text !== "SELECT 'the bad page'") return;
        // As SQLite does with SQLITE_IOERR: the transaction is over when the statement fails.
        connection.rollBack();
        throw storeUnavailable("the database cannot be read or written", "check the disk");
      };
      const ends = await Promise.allSettled(
        [0, 1, 2].map((number) =>
          database.transaction(async (sql) => {
            await add(sql, `name ${number}`);
            note(sql, `name ${number}`);
            if (number === position) await sql.all("SELECT 'the bad page'");
          }),
        ),
      );
      const others = [0, 1, 2].filter((number) => number !== position).map((number) => `name ${number}`);
      assert.deepEqual(
        ends.map(({ status }) => status),
        [0, 1, 2].map((number) => (number === position ? "rejected" : "fulfilled")),
      );
      assert.ok(fails("store_unavailable")((ends[position] as PromiseRejectedResult).reason));
      assert.deepEqual(names(), others);
      assert.deepEqual(
        rows().map(({ detail }) => detail),
        others,
      );
    });
  }

  test("a body for whose rows the file has no room left fails by itself, also where it has half written them", async (t) => {
    const { database, writer, names, rows } = await newDatabase(t);
    const [size] = writer.connection.all("PRAGMA page_count");
    writer.connection.script(`PRAGMA max_page_count = ${Number(size?.["page_count"]) + 20}`);
    const long = "x".repeat(30_000);
    const ends = await Promise.allSettled(
      [1, 1, 5, 1].map((count, number) =>
        database.transaction(async (sql) => {
          note(sql, `${number}`);
          for (let n = 0; n < count; n++) await add(sql, `${number} ${n} ${count === 1 ? "" : long}`);
        }),
      ),
    );
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected", "fulfilled"],
    );
    assert.ok(fails("store_unavailable", "full disk")((ends[2] as PromiseRejectedResult).reason));
    assert.deepEqual(
      names().map((name) => name.trim()),
      ["0 0", "1 0", "3 0"],
    );
    assert.deepEqual(
      rows().map(({ detail }) => detail),
      ["0", "1", "3"],
    );
  });

  test("a body that fails only because of what a neighbour wrote is judged again where the neighbour's write came to nothing", async (t) => {
    const { database, writer, names } = await newDatabase(t);
    let commits = 0;
    writer.interfere = (text) => {
      if (text === "COMMIT" && ++commits <= 2) throw full();
    };
    const ends = await Promise.allSettled([
      database.transaction((sql) => add(sql, "the same")),
      database.transaction((sql) => add(sql, "the same")),
    ]);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["rejected", "fulfilled"],
    );
    assert.deepEqual(names(), ["the same"]);
  });

  test("audit rows that cannot be added fail the transaction that noted them, and no other", async (t) => {
    const recordOf: RecordOf = (entry, anchor, principal) => {
      if (entry.detail === "two") throw new Error("no key for it");
      return unsigned(entry, anchor, principal);
    };
    const { database, names, rows } = await newDatabase(t, { recordOf });
    const ends = await Promise.allSettled(
      ["one", "two", "three"].map((name) =>
        database.transaction(async (sql) => {
          await add(sql, name);
          note(sql, name);
        }),
      ),
    );
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(names(), ["one", "three"]);
    assert.deepEqual(
      rows().map(({ seq, detail }) => [seq, detail]),
      [
        [1, "one"],
        [2, "three"],
      ],
    );
  });

  test("a body that waits for something else than the database is refused, and can write nothing more", async (t) => {
    const { database, names } = await newDatabase(t);
    let late: Promise<unknown> = Promise.resolve();
    const waits = database.transaction(async (sql) => {
      await add(sql, "early");
      await nextTurn();
      late = add(sql, "late");
      await late;
    });
    const neighbour = database.transaction((sql) => add(sql, "neighbour"));
    await assert.rejects(waits, /waited for something else than its database/);
    await neighbour;
    await nextTurn();
    await nextTurn();
    await assert.rejects(late, /went on after its end/);
    assert.deepEqual(names(), ["neighbour"]);
  });

  test("while another process holds the file, all who wait fail together, and those who come later have a wait of their own", async (t) => {
    const { database, path, names } = await newDatabase(t, { patienceMs: 30 });
    const holder = new SqliteConnection(path, { readOnly: false });
    t.after(() => holder.close());
    holder.run("BEGIN IMMEDIATE");
    const waiting = ["one", "two", "three"].map((name) => database.transaction((sql) => add(sql, name)));
    for (const end of await Promise.allSettled(waiting)) {
      assert.equal(end.status, "rejected");
      assert.match(String(end.reason), /locked by another process/);
    }
    const later = database.transaction((sql) => add(sql, "later"));
    holder.run("COMMIT");
    await later;
    assert.deepEqual(names(), ["later"]);
  });

  test("whoever asks while others wait for the file joins them", async (t) => {
    const { database, path, writer } = await newDatabase(t, { patienceMs: 5_000 });
    const holder = new SqliteConnection(path, { readOnly: false });
    t.after(() => holder.close());
    holder.run("BEGIN IMMEDIATE");
    const tried = Promise.withResolvers<void>();
    writer.interfere = (text) => void (text === "BEGIN IMMEDIATE" && tried.resolve());
    const first = database.transaction((sql) => add(sql, "first"));
    await tried.promise;
    const second = database.transaction((sql) => add(sql, "second"));
    holder.run("COMMIT");
    await Promise.all([first, second]);
    assert.equal(writer.count("COMMIT"), 1);
  });

  test("a thousand transactions at once are done in their order, in groups of a bounded size", async (t) => {
    const { database, writer, names } = await newDatabase(t);
    const sizes: number[] = [];
    writer.interfere = (text) => {
      if (text === "BEGIN IMMEDIATE") sizes.push(0);
      if (text.startsWith("INSERT INTO names")) sizes[sizes.length - 1] = (sizes.at(-1) ?? 0) + 1;
    };
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 1_000 }, (_, number) =>
        database.transaction((sql) => add(sql, `${number}`)).then(() => order.push(number)),
      ),
    );
    assert.deepEqual(
      order,
      Array.from({ length: 1_000 }, (_, number) => number),
    );
    assert.equal(names().length, 1_000);
    assert.ok(Math.max(...sizes) <= 32, `${Math.max(...sizes)} shared one commit`);
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      1_000,
    );
  });

  test("between two groups the event loop turns, so that a long queue keeps nobody from being answered", async (t) => {
    const { database, writer } = await newDatabase(t);
    const commitsAt: number[] = [];
    let turn = 0;
    let ticking = true;
    const tick = (): void => {
      turn += 1;
      if (ticking) setImmediate(tick);
    };
    tick();
    writer.interfere = (text) => void (text === "COMMIT" && commitsAt.push(turn));
    await Promise.all(Array.from({ length: 200 }, (_, number) => database.transaction((sql) => add(sql, `${number}`))));
    ticking = false;
    assert.ok(commitsAt.length >= 7);
    assert.equal(new Set(commitsAt).size, commitsAt.length, "two groups in one turn");
  });
});

interface Fixture {
  readonly path: string;
  readonly database: SqliteDatabase;
  readonly writer: ScriptedWriter;
  /** What is committed, as another connection sees it. */
  readonly names: () => string[];
  readonly rows: () => Record<string, unknown>[];
}

async function newDatabase(
  t: TestContext,
  { patienceMs = 1_000, recordOf = unsigned }: { readonly patienceMs?: number; readonly recordOf?: RecordOf } = {},
): Promise<Fixture> {
  const path = `${await temporaryFolder(t)}/onbehalf.db`;
  const store = sqlite(path);
  await store.open({});
  await store.close();
  const writer = new ScriptedWriter(path);
  writer.script("CREATE TABLE names (name TEXT PRIMARY KEY) STRICT");
  const database = new SqliteDatabase(path, { patienceMs, longestGroupMs: Infinity, openWriter: () => writer });
  await database.open(fixedClock(0));
  t.after(() => database.close());
  database.recordWith(recordOf);
  writer.statements.length = 0;
  const other = new SqliteConnection(path, { readOnly: true });
  t.after(() => other.close());
  return {
    path,
    database,
    writer,
    names: () => other.all("SELECT name FROM names ORDER BY name").map(({ name }) => String(name)),
    rows: () => other.all("SELECT seq, caller, detail FROM audit ORDER BY seq"),
  };
}

function add(sql: Transaction, name: string): Promise<number> {
  return sql.run("INSERT INTO names (name) VALUES (:name)", { name });
}

function note(sql: Transaction, detail: string): void {
  sql.note({ action: "tested", grantId: null, generation: null, outcome: "done", detail });
}

function full(): Error {
  return storeUnavailable("the database is on a full disk", "free some space; nothing was lost");
}
