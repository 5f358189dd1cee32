/*
 * The SQLite store: one file on a local disk, its rights, its locks, and which result code means what.
 * No statement on grants, attempts or intakes stands here: those are the same for every database, in ../sql/.
 */
import { truth } from "../../core/argument-checks.ts";
import { realpathSync, statSync } from "node:fs";
import type { Rule } from "../../core/argument-checks.ts";
import { systemClock } from "../../core/clock.ts";
import { assertStoreOptions } from "../sql/store-options.ts";
import type { OnbehalfError } from "../../core/errors.ts";
import { text } from "../sql/column.ts";
import { storeUnusable } from "../sql/failure.ts";
import { bringUpToDate } from "../sql/migrate.ts";
import { sqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";
import { describeStore } from "../store-description.ts";
import { copyInUse } from "./backup.ts";
import { damageAtOpening, damageInFile } from "./damage.ts";
import { SqliteDatabase } from "./database.ts";
import { migrations } from "./migrations.ts";
import { checkPath } from "./path.ts";
import { WriterThread } from "./writer-thread.ts";

export interface SqliteOptions {
  /** How long the store waits while other processes hold the file's lock, milliseconds; 5,000 by default. */
  readonly patienceMs?: number;
  /**
   * Whether a thread of its own writes, so that this one answers while a commit waits for the disk. Default false: each
   * statement then costs less, and a commit holds this thread up for as long as the disk takes. Reading stays in this thread.
   * A database in memory has no disk to wait for, and no thread.
   */
  readonly writerThread?: boolean;
}

/**
 * The embedded store: one SQLite file on a local disk, shared by any number of processes of this machine.
 *
 * @param path of the file, which is created if it does not exist; `:memory:` for a test
 * @returns a store that is not open yet: the vault that it is given to opens it
 * @throws {OnbehalfError} `configuration_invalid`: it is no path of a file: empty, a URI, with a query, percent-encoded
 * @throws {OnbehalfError} `configuration_invalid`: an option is not what it must be
 * @see https://sqlite.org/wal.html
 */
export function sqlite(path: string, options: SqliteOptions = {}): Store {
  checkPath(path);
  assertStoreOptions("sqlite", options, { patienceMs: milliseconds, writerThread: truth });
  const { patienceMs = 5_000, writerThread = false } = options;
  const database = new SqliteDatabase(path, {
    patienceMs,
    ...(writerThread && path !== ":memory:" ? { openWriter: (file) => new WriterThread(file) } : {}),
  });
  const store = sqlStore({
    kind: "sqlite",
    location: path,
    known: migrations,
    database,

    async open({ clock = systemClock, migrate = true }) {
      await database.open(clock);
      try {
        const damage = await damageAtOpening((text) => database.all(text));
        if (damage !== "") throw damaged(path, damage);
        await database.migration((sql) => bringUpToDate(sql, migrations, migrate));
      } catch (error) {
        await database.close();
        throw error;
      }
    },

    close: () => database.close(),
  });
  if (path === ":memory:") return store;
  const onDisk: Store = {
    ...store,
    async ping() {
      database.assertInPlace();
      await store.ping();
    },
    async vacuum() {
      const before = bytesOnDisk(path);
      await database.vacuum();
      return { before, after: bytesOnDisk(path) };
    },
    async place() {
      // Of the file itself: a link may lead to it from elsewhere.
      const file = realpathSync(path);
      return { id: String(statSync(file, { bigint: true }).ino), path: file };
    },
    async backup(to) {
      return { bytes: await copyInUse(path, to) };
    },
    async findDamage({ signal, unlessSoundSince } = {}) {
      const [last] = await database.all("SELECT value FROM meta WHERE name = 'sound_at'");
      if (last !== undefined && Number(soundAt.read(last)) > (unlessSoundSince ?? Infinity)) return "";
      const damage = await damageInFile(path, signal);
      // What is written to a damaged file may be lost, and may overwrite what could still be read.
      if (damage !== "") database.stopWriting(damaged(path, damage, "nothing is written any more"));
      if (damage === "" && unlessSoundSince !== undefined) await noteSound(database);
      return damage;
    },
  };
  return describeStore(onDisk, { kind: "sqlite", path, patienceMs });
}

/** With the log, in which the newest rows are. */
function bytesOnDisk(path: string): number {
  const sizes = [path, `${path}-wal`].map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size);
}

const soundAt = text("value");

const milliseconds: Rule = {
  fits: (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
  must: "a number of milliseconds, 0 or more",
};

/** So that of several processes on one file, and after a start, not each reads all of it again. */
async function noteSound(database: SqliteDatabase): Promise<void> {
  await database.transaction(async (sql) =>
    sql.run(
      `INSERT INTO meta (name, value) VALUES ('sound_at', :now) ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value`,
      { now: String(await sql.now()) },
    ),
  );
}

function damaged(path: string, damage: string, then = "nothing was changed"): OnbehalfError<"store_unusable"> {
  const hint = `${then}; keep a copy of the damaged file, and restore a backup`;
  return storeUnusable(`the database ${path} is damaged: ${damage}`, hint);
}
