/** Better Auth behind @hono/node-server, as its guide has it, over node:sqlite. Its argument: the path of its file. */
import { DatabaseSync } from "node:sqlite";
import { serve } from "@hono/node-server";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";

const database = new DatabaseSync(process.argv[2] ?? "");
database.exec("PRAGMA journal_mode = WAL");
const auth = betterAuth({
  baseURL: "http://127.0.0.1:8000",
  secret: "a secret of which nothing depends here, 32 and more",
  database,
  logger: { disabled: true },
  telemetry: { enabled: false },
  socialProviders: { google: { clientId: "client", clientSecret: "secret" } },
});
// An operator runs it once; afterwards it only looks.
if (process.argv[3] === "migrate") await (await getMigrations(auth.options)).runMigrations();
serve({ fetch: auth.handler, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ service: `http://127.0.0.1:${port}`, pid: process.pid })}\n`);
});
