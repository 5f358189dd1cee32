import { OnbehalfError } from "../errors.ts";
import { appliedTable, compareMigrations, migrationsFor, pendingRefusal } from "./migrate.ts";
import { SqliteDatabase } from "./sqlite-database.ts";
import { sqlStore } from "./sql-store.ts";
import type { Store } from "./store.ts";

/**
 * The embedded store: one SQLite file on a local disk, shared by any number of processes of this machine.
 *
 * @param path of the file, made where it does not exist; `:memory:` for a test
 * @returns a store, opened by the vault it is given to
 * @see https://sqlite.org/wal.html
 */
export function sqlite(path: string): Store {
  const known = migrationsFor("sqlite");
  return sqlStore<SqliteDatabase>({
    kind: "sqlite",
    location: path,

    async connect({ clock, migrate = true }) {
      const database = new SqliteDatabase(path, clock);
      try {
        const damage = database.damage();
        if (damage !== "") throw damaged(path, damage);
        await database.transaction(async (sql) => {
          await sql.run(appliedTable);
          const { pending } = await compareMigrations(sql, known);
          if (pending.length > 0 && !migrate) throw pendingRefusal(pending);
          for (const { name, text } of pending) {
            for (const statement of statementsOf(text)) await sql.run(statement);
            await sql.run("INSERT INTO schema_migrations (name, applied_at) VALUES (?, ?)", name, clock.now());
          }
        });
        return database;
      } catch (error) {
        database.close();
        throw error;
      }
    },

    async migrations(database) {
      const { applied, pending } = await compareMigrations(database, known);
      return { applied, pending: pending.map(({ name }) => name) };
    },

    async disconnect(database) {
      database.close();
    },
  });
}

function damaged(path: string, damage: string): OnbehalfError<"store_unusable"> {
  return new OnbehalfError("store_unusable", `the database ${path} is damaged: ${damage}`, {
    hint: "restore it from a backup, and keep a copy of the damaged file; nothing was changed",
    details: {},
  });
}

/** Our migrations hold no trigger and no semicolon within a statement. */
function statementsOf(text: string): string[] {
  return text
    .replaceAll(/^\s*--.*$/gm, "")
    .split(";")
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
