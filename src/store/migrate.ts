import { readdirSync, readFileSync } from "node:fs";
import { OnbehalfError } from "../errors.ts";
import { Columns } from "./sql.ts";
import type { Sql } from "./sql.ts";

export interface Migration {
  /** The file's name without its ending, such as `0001-initial`. */
  readonly name: string;
  readonly text: string;
}

/** The numbered files of one database, in order. */
export function migrationsFor(dialect: "sqlite" | "postgres"): Migration[] {
  const folder = new URL(`../../migrations/${dialect}/`, import.meta.url);
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.*\.sql$/.test(file))
    .sort()
    .map((file) => ({ name: file.slice(0, -4), text: readFileSync(new URL(file, folder), "utf8") }));
}

/** The table of what was applied; made by the store itself, under its own lock. */
export const appliedTable =
  "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, applied_at BIGINT NOT NULL)";

/**
 * Splits the known migrations into those that were applied and those that wait.
 *
 * @throws {OnbehalfError} `store_unusable`: a newer version of this program has written here
 */
export async function compareMigrations(
  sql: Sql,
  known: readonly Migration[],
): Promise<{ applied: string[]; pending: Migration[] }> {
  const rows = await sql.all("SELECT name FROM schema_migrations ORDER BY name");
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
export function pendingRefusal(pending: readonly Migration[]): OnbehalfError<"store_unusable"> {
  return new OnbehalfError("store_unusable", `the store's schema is behind by ${pending.length} migration(s)`, {
    hint: "run: onbehalf migrate",
    details: {},
  });
}
