import { readdirSync, readFileSync } from "node:fs";
import type { OnbehalfError } from "../../core/errors.ts";
import { text } from "./column.ts";
import { storeUnusable } from "./failure.ts";
import type { Sql, Transaction } from "./sql.ts";

export interface Migration {
  /** The file's name without its ending, such as `0001-initial`. */
  readonly name: string;
  readonly text: string;
}

const nameColumn = text("name");

/** The numbered files of one database, in order. */
export function migrationsFor(dialect: "sqlite" | "postgres"): Migration[] {
  const folder = new URL(`../../../migrations/${dialect}/`, import.meta.url);
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.*\.sql$/.test(file))
    .sort()
    .map((file) => ({ name: file.slice(0, -4), text: readFileSync(new URL(file, folder), "utf8") }));
}

/**
 * Brings the schema up to date.
 *
 * @param sql a transaction beside which no other migration runs
 * @param migrate false: change nothing, and throw where a migration is missing
 * @throws {OnbehalfError} `store_unusable`: a newer version has migrated this database, or `migrate` is false and the
 *   schema is behind
 */
export async function bringUpToDate(sql: Transaction, known: readonly Migration[], migrate: boolean): Promise<void> {
  await sql.script(
    "CREATE TABLE IF NOT EXISTS onbehalf_migrations (name TEXT PRIMARY KEY, applied_at BIGINT NOT NULL)",
  );
  const { pending } = await compareMigrations(sql, known);
  if (pending.length > 0 && !migrate) throw schemaBehind(pending);
  for (const migration of pending) {
    await sql.script(migration.text);
    await sql.run("INSERT INTO onbehalf_migrations (name, applied_at) VALUES (:name, :appliedAt)", {
      name: migration.name,
      appliedAt: await sql.now(),
    });
  }
}

/**
 * Splits the known migrations into those that were applied and those that are still to come.
 *
 * @throws {OnbehalfError} `store_unusable`: a newer version of this program has migrated this database
 */
export async function compareMigrations(
  sql: Sql,
  known: readonly Migration[],
): Promise<{ applied: string[]; pending: Migration[] }> {
  const rows = await sql.all("SELECT name FROM onbehalf_migrations ORDER BY name");
  const applied = rows.map(nameColumn.read);
  const names = new Set(known.map(({ name }) => name));
  const unknown = applied.find((name) => !names.has(name));
  if (unknown !== undefined) {
    throw storeUnusable(
      `the database has the migration ${unknown}, which this version of onbehalf does not know`,
      "a newer version of onbehalf has used this database: run that version, or restore the backup from before the update",
    );
  }
  return { applied, pending: known.filter(({ name }) => !applied.includes(name)) };
}

function schemaBehind(pending: readonly Migration[]): OnbehalfError<"store_unusable"> {
  const names = pending.map(({ name }) => name).join(", ");
  return storeUnusable(`the database's schema is behind: it lacks ${names}`, "run: onbehalf migrate");
}
