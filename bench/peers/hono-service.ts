/** A token service by hand: hono over node:sqlite, one route that reads a token. Its argument: the path of its file. */
import { DatabaseSync } from "node:sqlite";
import { serve } from "@hono/node-server";
import { Hono } from "hono";

const database = new DatabaseSync(process.argv[2] ?? "");
database.exec(
  "PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS tokens (id TEXT PRIMARY KEY, token TEXT) WITHOUT ROWID",
);
const select = database.prepare("SELECT token FROM tokens WHERE id = ?");
const app = new Hono();
app.get("/healthz", (context) => context.text("ok"));
app.get("/token/:id", (context) => {
  const row = select.get(context.req.param("id"));
  return row === undefined ? context.notFound() : context.json(row);
});
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ service: `http://127.0.0.1:${port}`, pid: process.pid })}\n`);
});
