/**
 * The migrations as modules: `src/store/…/migrations.ts` hold the text of `migrations/…/*.sql`. Were the files read when
 * a store is opened, a bundled program would look for them beside its own bundle, and might run somebody else's.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import type { Migration } from "../src/store/sql/migrate.ts";

export type Dialect = "sqlite" | "postgres";

/** The numbered files of one database, in order. */
export function migrationFiles(dialect: Dialect): Migration[] {
  const folder = new URL(`../migrations/${dialect}/`, import.meta.url);
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.*\.sql$/.test(file))
    .sort()
    .map((file) => {
      // A checkout with other line ends has the same migrations.
      const text = readFileSync(new URL(file, folder), "utf8").replaceAll("\r\n", "\n");
      return { name: file.slice(0, -4), checksum: createHash("sha256").update(text).digest("hex"), text };
    });
}

/** The text of `src/store/…/migrations.ts`. */
export function migrationsModule(dialect: Dialect): string {
  const entries = migrationFiles(dialect).map(
    ({ name, checksum, text }) =>
      `  {\n    name: "${name}",\n    checksum: "${checksum}",\n    text: \`${escaped(text)}\`,\n  },\n`,
  );
  return `/* Written by tools/dump-schema.ts from the files in migrations/${dialect}/: change those, and not this one. */
import type { Migration } from "../sql/migrate.ts";

export const migrations: readonly Migration[] = [
${entries.join("")}];
`;
}

function escaped(text: string): string {
  return text.replaceAll(/\\|`|\$\{/g, (special) => `\\${special}`);
}
