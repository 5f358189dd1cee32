import type { OnbehalfError } from "../../core/errors.ts";
import { text, textOrNull } from "./column.ts";
import { storeUnusable } from "./failure.ts";
import type { Sql, Transaction } from "./sql.ts";

/** A step of the schema. It is part of the code, so that no other file can be taken for it. */
export interface Migration {
  /** Such as `0001-initial`. */
  readonly name: string;
  /** SHA-256 of `text`, in hexadecimal. */
  readonly checksum: string;
  readonly text: string;
}

/** Makes the table of applied migrations; the migrations themselves add the rest of its columns. */
export const migrationsTable =
  "CREATE TABLE IF NOT EXISTS onbehalf_migrations (name TEXT PRIMARY KEY, applied_at BIGINT NOT NULL)";

const nameColumn = text("name");
const checksumColumn = textOrNull("checksum");

/**
 * Brings the schema up to date.
 *
 * @param sql a transaction beside which no other migration runs
 * @param migrate false: change nothing, and throw where a migration is missing
 * @throws {OnbehalfError} `store_unusable`: a newer version has migrated this database, a migration was applied with
 *   another text, or `migrate` is false and the schema is behind
 */
export async function bringUpToDate(sql: Transaction, known: readonly Migration[], migrate: boolean): Promise<void> {
  await sql.script(migrationsTable);
  const { pending } = await compareMigrations(sql, known);
  if (pending.length > 0 && !migrate) throw schemaBehind(pending);
  for (const migration of pending) {
    await sql.script(migration.text);
    await sql.run("INSERT INTO onbehalf_migrations (name, applied_at) VALUES (:name, :appliedAt)", {
      name: migration.name,
      appliedAt: await sql.now(),
    });
  }
  // The first migrations come before the column for their checksums.
  for (const { name, checksum } of pending.length > 0 ? known : []) {
    await sql.run("UPDATE onbehalf_migrations SET checksum = :checksum WHERE name = :name AND checksum IS NULL", {
      name,
      checksum,
    });
  }
}

/**
 * Splits the known migrations into those that were applied and those that are still to come.
 *
 * @throws {OnbehalfError} `store_unusable`: a newer version of this program has migrated this database, or a migration
 *   was applied with another text
 */
export async function compareMigrations(
  sql: Sql,
  known: readonly Migration[],
): Promise<{ applied: string[]; pending: Migration[] }> {
  // Every column that is there: versions before the checksums made the table without them.
  const rows = await sql.all("SELECT * FROM onbehalf_migrations ORDER BY name");
  const applied = rows.map(nameColumn.read);
  const byName = new Map(known.map((migration) => [migration.name, migration]));
  for (const row of rows) {
    const name = nameColumn.read(row);
    const migration = byName.get(name);
    if (migration === undefined) throw migratedByNewer(name);
    const checksum = "checksum" in row ? checksumColumn.read(row) : null;
    if (checksum !== null && checksum !== migration.checksum) throw migratedDifferently(migration, checksum);
  }
  return { applied, pending: known.filter(({ name }) => !applied.includes(name)) };
}

function schemaBehind(pending: readonly Migration[]): OnbehalfError<"store_unusable"> {
  const names = pending.map(({ name }) => name).join(", ");
  return storeUnusable(`the database's schema is behind: it lacks ${names}`, "run: onbehalf migrate");
}

function migratedByNewer(name: string): OnbehalfError<"store_unusable"> {
  return storeUnusable(
    `the database has the migration ${name}, which this version of onbehalf does not know`,
    "a newer version of onbehalf has used this database: run that version, or restore the backup from before the update",
  );
}

function migratedDifferently({ name, checksum }: Migration, applied: string): OnbehalfError<"store_unusable"> {
  return storeUnusable(
    `the database's migration ${name} is not the one of this version of onbehalf: its checksum is ${short(applied)}, ` +
      `and not ${short(checksum)}`,
    "a changed or unreleased build of onbehalf made this schema: run that build, or restore a backup from before it",
  );
}

/** Enough of a checksum to tell two apart. */
function short(checksum: string): string {
  return `${checksum.slice(0, 12)}…`;
}
