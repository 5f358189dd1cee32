/** Writes src/store/…/migrations.ts and migrations/…/schema.sql anew, after a migration was added. */
import { writeFile } from "node:fs/promises";
import { newServer } from "../test/support/postgres-server.ts";
import { migrationsModule } from "./embedded-migrations.ts";
import { postgresSchema, sqliteSchema } from "./schema.ts";

for (const dialect of ["sqlite", "postgres"] as const) {
  await writeFile(`src/store/${dialect}/migrations.ts`, migrationsModule(dialect));
}
await writeFile("migrations/sqlite/schema.sql", sqliteSchema());
const server = await newServer();
try {
  await server.start();
  await writeFile("migrations/postgres/schema.sql", await postgresSchema(server.url("postgres")));
} finally {
  await server.remove();
}
