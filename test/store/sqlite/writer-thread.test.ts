import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rename, stat } from "node:fs/promises";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import type { Worker } from "node:worker_threads";
import { fixedClock } from "../../../src/core/clock.ts";
import { SqliteConnection, openWriter } from "../../../src/store/sqlite/connection.ts";
import type { Control, Writer } from "../../../src/store/sqlite/connection.ts";
import { SqliteDatabase } from "../../../src/store/sqlite/database.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { WriterThread } from "../../../src/store/sqlite/writer-thread.ts";
import { storeUnavailable } from "../../../src/store/sql/failure.ts";
import type { Transaction } from "../../../src/store/sql/sql.ts";
import { storeSuite } from "../../../src/store/suite/index.ts";
import { fails } from "../../support/fails.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

storeSuite("sqlite in a file that a thread writes to", async (t) => open(`${await temporaryFolder(t)}/onbehalf.db`), {
  again: (first) => open(first.location),
});

describe("a thread that writes to a SQLite file", () => {
  test("many transactions share a commit in the thread as in this one, and a body that throws undoes itself alone", async (t) => {
    const { database, names, commits } = await newDatabase(t);
    const ends = await Promise.allSettled(
      ["one", "two", "three"].map((name) =>
        database.transaction(async (sql) => {
          await add(sql, name);
          if (name === "two") throw new Error("not this one");
        }),
      ),
    );
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(names(), ["one", "three"]);
    assert.equal(commits(), 1);
  });

  test("an error of the thread is the one that this thread would have thrown", async (t) => {
    const { database, path } = await newDatabase(t);
    const here = new SqliteDatabase(path, { patienceMs: 0 });
    await here.open(fixedClock(0));
    t.after(() => here.close());
    await here.transaction((sql) => add(sql, "there already"));
    const bodies: ((sql: Transaction) => Promise<unknown>)[] = [
      (sql) => sql.all("SELECT 1 FROM nowhere"),
      (sql) => add(sql, "there already"),
      (sql) => sql.all("SELECT :one", {}),
      (sql) => sql.all("SELECT 1", { two: 2 }),
      (sql) => sql.all("SELECT nonsense FROM"),
    ];
    for (const body of bodies) {
      assert.deepEqual(described(await thrownBy(database, body)), described(await thrownBy(here, body)));
    }
    const holder = openWriter(path);
    t.after(() => holder.close());
    holder.control("BEGIN IMMEDIATE");
    const waits = (sql: Transaction): Promise<number> => add(sql, "held");
    assert.deepEqual(described(await thrownBy(database, waits)), described(await thrownBy(here, waits)));
  });

  test("bytes go to the thread and come back as they are, without what stands beside them in memory", async (t) => {
    const { database } = await newDatabase(t);
    const around = Buffer.from("before, the bytes, after");
    const bytes = around.subarray(8, 17);
    const [row] = await database.transaction((sql) =>
      sql.all("SELECT :bytes AS bytes, :none AS none", { bytes, none: null }),
    );
    const back = row?.["bytes"];
    assert.ok(back instanceof Uint8Array);
    assert.deepEqual(Buffer.from(back), bytes);
    assert.equal(back.buffer.byteLength, bytes.byteLength);
    assert.equal(row?.["none"], null);
  });

  test("a thread that ends between two transactions is replaced by the next one", async (t) => {
    const { database, names, threads } = await newDatabase(t);
    await database.transaction((sql) => add(sql, "one"));
    await threads.at(-1)?.terminate();
    await database.transaction((sql) => add(sql, "two"));
    assert.deepEqual(names(), ["one", "two"]);
    assert.equal(threads.length, 2);
  });

  test("a thread that is replaced is set up as the first was", async (t) => {
    const { database, threads } = await newDatabase(t);
    const settings = (): Promise<unknown[]> =>
      database.transaction(async (sql) => [
        await sql.all("PRAGMA synchronous"),
        await sql.all("PRAGMA journal_mode"),
        await sql.all("PRAGMA foreign_keys"),
        await sql.all("PRAGMA mmap_size"),
        await sql.all("PRAGMA temp_store"),
      ]);
    const before = await settings();
    await threads.at(-1)?.terminate();
    assert.deepEqual(await settings(), before);
    assert.equal(threads.length, 2);
  });

  test("a thread that ends in the middle of a group leaves nothing behind, and each of the group is done by the next thread", async (t) => {
    const { database, names, threads, before } = await newDatabase(t);
    let ends = 1;
    before.statement = async (text) => {
      if (text.includes("three") && ends-- > 0) await threads.at(-1)?.terminate();
    };
    await Promise.all(["one", "two", "three", "four"].map((name) => database.transaction((sql) => add(sql, name))));
    assert.deepEqual(names(), ["four", "one", "three", "two"]);
  });

  test("a thread that ends over and over fails with store_unavailable only the transaction at which it does", async (t) => {
    const { database, names, threads, before } = await newDatabase(t);
    before.statement = async (text) => {
      if (text.includes("three")) await threads.at(-1)?.terminate();
    };
    const ends = await Promise.allSettled(
      ["one", "two", "three", "four"].map((name) => database.transaction((sql) => add(sql, name))),
    );
    assert.ok(fails("store_unavailable", "has ended")((ends[2] as PromiseRejectedResult).reason));
    assert.deepEqual(names(), ["four", "one", "two"]);
  });

  for (const isDone of [false, true]) {
    test(`a thread that ends during a commit that was ${isDone ? "" : "not "}carried out: nobody is told that it was, and nothing is done twice`, async (t) => {
      const { database, names, threads, before, after, runs } = await newDatabase(t);
      (isDone ? after : before).control = async (text) => {
        if (text === "COMMIT") await threads.at(-1)?.terminate();
      };
      const ends = await Promise.allSettled(
        ["one", "two"].map((name) => database.transaction((sql) => add(sql, name))),
      );
      for (const end of ends) assert.ok(fails("store_unavailable")((end as PromiseRejectedResult).reason));
      assert.deepEqual(names(), isDone ? ["one", "two"] : []);
      assert.equal(runs(), 2);
      before.control = after.control = async () => undefined;
      await database.transaction((sql) => add(sql, "three"));
    });
  }

  test("closing waits for what is under way, and ends the thread", async (t) => {
    const { database, path, threads } = await newDatabase(t);
    const ended = threads.map((thread) => new Promise((resolve) => thread.once("exit", resolve)));
    const work = Array.from({ length: 100 }, (_, number) => database.transaction((sql) => add(sql, `${number}`)));
    await Promise.all([...work, database.close()]);
    await Promise.all(ended);
    const reader = new SqliteConnection(path, { readOnly: true });
    t.after(() => reader.close());
    assert.equal(reader.all("SELECT name FROM names").length, 100);
  });

  test("a file that was moved away is written to no more, also not by a thread that takes the place of one that ended", async (t) => {
    const { database, path, threads } = await newDatabase(t);
    await threads.at(-1)?.terminate();
    await rename(path, `${path}.away`);
    await assert.rejects(
      database.transaction((sql) => add(sql, "lost")),
      fails("store_unavailable", "was moved"),
    );
    await assert.rejects(stat(path), { code: "ENOENT" });
  });

  test("a store that a thread writes to keeps no process alive, opened or with nothing to do", async (t) => {
    const path = `${await temporaryFolder(t)}/onbehalf.db`;
    const index = pathToFileURL("src/store/sqlite/index.ts").href;
    const program = `import { sqlite } from ${JSON.stringify(index)};
      const store = sqlite(${JSON.stringify(path)}, { writerThread: true });
      await store.open({});
      await store.createKeys({ instance: "one", keys: [] });
      console.log((await store.readKeys()).instance);`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      timeout: 30_000,
    });
    assert.deepEqual([status, stdout, stderr], [0, "one\n", ""]);
  });

  test("a file that a thread cannot open fails as it does in this thread", async (t) => {
    const folder = await temporaryFolder(t);
    await assert.rejects(open(`${folder}/nowhere/onbehalf.db`).open({}), fails("store_unavailable"));
    assert.throws(() => sqlite(`${folder}/onbehalf.db`, { writerThread: 1 as never }), fails("configuration_invalid"));
  });

  test("a database in memory needs no thread", async () => {
    const { threads, stop } = startedThreads();
    const store = sqlite(":memory:", { writerThread: true });
    await store.open({});
    await store.close();
    stop();
    assert.equal(threads.length, 0);
  });
});

function open(path: string): ReturnType<typeof sqlite> {
  return sqlite(path, { writerThread: true });
}

/** What happens before or after the thread does something. */
interface Interference {
  control: (text: Control) => Promise<unknown>;
  statement: (values: string) => Promise<unknown>;
}

/** A thread of the store's own, between whose statements a test may get. */
class WatchedThread implements Writer {
  readonly isImmediate = false;
  readonly before: Interference = { control: async () => undefined, statement: async () => undefined };
  readonly after: Interference = { control: async () => undefined, statement: async () => undefined };
  readonly #thread: WriterThread;
  commits = 0;
  runs = 0;

  constructor(path: string) {
    this.#thread = new WriterThread(path);
  }

  get isInTransaction(): boolean {
    return this.#thread.isInTransaction;
  }

  get isLost(): boolean {
    return this.#thread.isLost;
  }

  get isInPlace(): boolean {
    return this.#thread.isInPlace;
  }

  all: Writer["all"] = (text, values) => this.#thread.all(text, values);
  script: Writer["script"] = (text) => this.#thread.script(text);
  rollBack: Writer["rollBack"] = () => this.#thread.rollBack();
  close: Writer["close"] = () => this.#thread.close();

  run: Writer["run"] = async (text, values) => {
    this.runs += 1;
    await this.before.statement(JSON.stringify(values));
    return this.#thread.run(text, values);
  };

  runEach: Writer["runEach"] = async (text, values) => {
    this.runs += values.length;
    await this.before.statement(JSON.stringify(values));
    return this.#thread.runEach(text, values);
  };

  async control(text: Control): Promise<void> {
    if (text === "COMMIT") this.commits += 1;
    await this.before.control(text);
    await this.#thread.control(text);
    await this.after.control(text);
    if (this.#thread.isLost) throw storeUnavailable("the answer to the commit was lost", "try again");
  }
}

interface Fixture {
  readonly path: string;
  readonly database: SqliteDatabase;
  readonly threads: readonly Worker[];
  readonly before: Interference;
  readonly after: Interference;
  readonly commits: () => number;
  readonly runs: () => number;
  /** What is committed, as another connection sees it. */
  readonly names: () => string[];
}

/** Every thread that is started from now on. */
function startedThreads(): { readonly threads: readonly Worker[]; readonly stop: () => void } {
  const threads: Worker[] = [];
  const note = (worker: Worker): void => void threads.push(worker);
  process.on("worker", note);
  return { threads, stop: () => void process.off("worker", note) };
}

async function newDatabase(t: TestContext): Promise<Fixture> {
  const path = `${await temporaryFolder(t)}/onbehalf.db`;
  const maker = openWriter(path);
  maker.script("PRAGMA journal_mode = WAL; CREATE TABLE names (name TEXT PRIMARY KEY) STRICT");
  maker.close();
  const { threads, stop } = startedThreads();
  t.after(stop);
  let watched: WatchedThread | undefined;
  const database = new SqliteDatabase(path, {
    patienceMs: 0,
    longestGroupMs: Infinity,
    openWriter: (file) => (watched = new WatchedThread(file)),
  });
  await database.open(fixedClock(0));
  t.after(() => database.close());
  const { before, after } = watched ?? new WatchedThread(path);
  const other = new SqliteConnection(path, { readOnly: true });
  t.after(() => other.close());
  return {
    path,
    database,
    threads,
    before,
    after,
    commits: () => watched?.commits ?? 0,
    runs: () => watched?.runs ?? 0,
    names: () => other.all("SELECT name FROM names ORDER BY name").map(({ name }) => String(name)),
  };
}

function add(sql: Transaction, name: string): Promise<number> {
  return sql.run("INSERT INTO names (name) VALUES (:name)", { name });
}

async function thrownBy(database: SqliteDatabase, body: (sql: Transaction) => Promise<unknown>): Promise<unknown> {
  return database.transaction(body).then(
    () => assert.fail("it threw nothing"),
    (error: unknown) => error,
  );
}

/** All by which a program or a person tells one error from another. */
function described(error: unknown): unknown {
  assert.ok(error instanceof Error);
  const { name, message } = error;
  const rest = Object.fromEntries(
    ["code", "hint", "details", "status", "errcode"].map((key) => [
      key,
      (error as unknown as Record<string, unknown>)[key],
    ]),
  );
  return { name, message, ...rest };
}
