import { systemClock } from "../../core/clock.ts";
import { OnbehalfError } from "../../core/errors.ts";
import { bringUpToDate, migrationsFor } from "../sql/migrate.ts";
import { SqliteDatabase } from "./database.ts";
import { sqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";

export interface SqliteOptions {
  /** How long a file that other processes hold is waited for, milliseconds; 5,000 by default. */
  readonly patienceMs?: number;
}

/**
 * The embedded store: one SQLite file on a local disk, shared by any number of processes of this machine.
 *
 * @param path of the file, made where it does not exist; `:memory:` for a test
 * @returns a store, opened by the vault it is given to
 * @throws {OnbehalfError} `configuration_invalid`: no path, or an URI
 * @see https://sqlite.org/wal.html
 */
export function sqlite(path: string, { patienceMs = 5_000 }: SqliteOptions = {}): Store {
  // SQLite takes an empty name for a file that is deleted when it is closed, and every grant with it.
  if (path === "" || path.startsWith("file:")) throw noPath(path);
  const known = migrationsFor("sqlite");
  return sqlStore<SqliteDatabase>({
    kind: "sqlite",
    location: path,
    known,

    async connect({ clock = systemClock, migrate = true }) {
      const database = await SqliteDatabase.open({ path, clock, patienceMs });
      try {
        const damage = await database.damage();
        if (damage !== "") throw damaged(path, damage);
        await database.transaction((sql) => bringUpToDate(sql, known, migrate));
        return database;
      } catch (error) {
        await database.close();
        throw error;
      }
    },

    async disconnect(database) {
      await database.close();
    },
  });
}

function damaged(path: string, damage: string): OnbehalfError<"store_unusable"> {
  return new OnbehalfError("store_unusable", `the database ${path} is damaged: ${damage}`, {
    hint: "restore it from a backup, and keep a copy of the damaged file; nothing was changed",
    details: {},
  });
}

function noPath(path: string): OnbehalfError<"configuration_invalid"> {
  const problem = path === "" ? "the SQLite store has no path" : `the SQLite store wants a plain path, not ${path}`;
  return new OnbehalfError("configuration_invalid", problem, {
    hint: "name a file on a local disk, such as onbehalf.db",
    details: { problems: [problem] },
  });
}
