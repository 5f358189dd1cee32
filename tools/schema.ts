/** The schemas that the migrations result in, as text: reviewed in diffs, and compared by the tests. */
import { DatabaseSync } from "node:sqlite";
import { Client } from "pg";
import { migrationsTable } from "../src/store/sql/migrate.ts";
import { migrationFiles } from "./embedded-migrations.ts";

const header =
  "-- What the migrations of this folder result in. Written by tools/dump-schema.ts; not run by anything.\n\n";

export function sqliteSchema(): string {
  const database = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
  database.exec(migrationsTable);
  for (const { text } of migrationFiles("sqlite")) database.exec(text);
  const rows = database
    .prepare(
      `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
       ORDER BY tbl_name, CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, name`,
    )
    .all();
  database.close();
  return header + rows.map((row) => `${String(row["sql"])};\n`).join("\n");
}

/** @param connectionString of an empty database */
export async function postgresSchema(connectionString: string): Promise<string> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query(migrationsTable);
    for (const { text } of migrationFiles("postgres")) await client.query(text);
    const { rows } = await client.query<{ text: string }>(`
      SELECT text FROM (${tables} UNION ALL ${indexes} UNION ALL ${triggers} UNION ALL ${functions}) AS parts
      ORDER BY relation COLLATE "C", rank, text COLLATE "C"`);
    return header + rows.map(({ text }) => `${text.trim()};\n`).join("\n");
  } finally {
    await client.end();
  }
}

const ours = "relnamespace = current_schema()::regnamespace";

const columns = `
  SELECT string_agg(format('  %I %s%s%s%s', attname, format_type(atttypid, atttypmod),
      (SELECT format(' COLLATE %I', collname) FROM pg_collation WHERE pg_collation.oid = attcollation AND collname <> 'default'),
      CASE WHEN attnotnull THEN ' NOT NULL' END,
      (SELECT CASE attgenerated WHEN 's' THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(adbin, adrelid))
          ELSE ' DEFAULT ' || pg_get_expr(adbin, adrelid) END
        FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum)),
    E',\\n' ORDER BY attnum)
  FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped`;

/** NOT NULL stands with its column; newer servers name it as a constraint as well. */
const constraints = `
  SELECT string_agg(format(E',\\n  CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)), '' ORDER BY conname)
  FROM pg_constraint WHERE conrelid = pg_class.oid AND contype IN ('p', 'u', 'c', 'f')`;

const tables = `
  SELECT relname::text AS relation, 0 AS rank,
    format(E'CREATE TABLE %I (\\n%s%s\\n)', relname, (${columns}), (${constraints})) AS text
  FROM pg_class WHERE relkind = 'r' AND ${ours}`;

const indexes = `
  SELECT relname::text, 1, pg_get_indexdef(indexrelid)
  FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
  WHERE ${ours} AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)`;

const triggers = `
  SELECT relname::text, 2, pg_get_triggerdef(pg_trigger.oid)
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE ${ours} AND NOT tgisinternal`;

const functions = `
  SELECT '~functions', 3, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = current_schema()::regnamespace`;
