import { readdirSync, readFileSync } from "node:fs";
import { OnbehalfError } from "../../core/errors.ts";
import { Columns } from "./sql.ts";
import type { Sql, Transaction } from "./sql.ts";

export interface Migration {
  /** The file's name without its ending, such as `0001-initial`. */
  readonly name: string;
  readonly text: string;
}

/** The numbered files of one database, in order. */
export function migrationsFor(dialect: "sqlite" | "postgres"): Migration[] {
  const folder = new URL(`../../../migrations/${dialect}/`, import.meta.url);
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.*\.sql$/.test(file))
    .sort()
    .map((file) => ({ name: file.slice(0, -4), text: readFileSync(new URL(file, folder), "utf8") }));
}

/**
 * Brings the schema up to date within a transaction that no other migration runs beside.
 *
 * @throws {OnbehalfError} `store_unusable`: a newer version has written here, or `migrate` is false and some wait
 */
export async function bringUpToDate(sql: Transaction, known: readonly Migration[], migrate: boolean): Promise<void> {
  await sql.script(
    "CREATE TABLE IF NOT EXISTS onbehalf_migrations (name TEXT PRIMARY KEY, applied_at BIGINT NOT NULL)",
  );
  const { pending } = await compareMigrations(sql, known);
  if (pending.length > 0 && !migrate) throw behind(pending.length);
  for (const { name, text } of pending) {
    await sql.script(text);
    await sql.run("INSERT INTO onbehalf_migrations (name, applied_at) VALUES (?, ?)", name, await sql.now());
  }
}

/**
 * Splits the known migrations into those that were applied and those that wait.
 *
 * @throws {OnbehalfError} `store_unusable`: a newer version of this program has written here
 */
export async function compareMigrations(
  sql: Sql,
  known: readonly Migration[],
): Promise<{ applied: string[]; pending: Migration[] }> {
  const rows = await sql.all("SELECT name FROM onbehalf_migrations ORDER BY name");
  const applied = rows.map((row) => new Columns(row).text("name"));
  const names = new Set(known.map(({ name }) => name));
  const unknown = applied.find((name) => !names.has(name));
  if (unknown !== undefined) {
    throw new OnbehalfError("store_unusable", `the store has a migration that this version does not know: ${unknown}`, {
      hint: "a newer version has used it: run that one, or restore the backup from before",
      details: {},
    });
  }
  return { applied, pending: known.filter(({ name }) => !applied.includes(name)) };
}

/** What to say to those who want no migration done for them. */
export function behind(migrations: number): OnbehalfError<"store_unusable"> {
  return new OnbehalfError("store_unusable", `the store's schema is behind by ${migrations} migration(s)`, {
    hint: "run: onbehalf migrate",
    details: {},
  });
}
