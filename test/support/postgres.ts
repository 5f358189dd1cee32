import { randomBytes } from "node:crypto";
import { after } from "node:test";
import type { TestContext } from "node:test";
import { Client } from "pg";
import { systemClock } from "../../src/core/clock.ts";
import { postgres } from "../../src/store/postgres/index.ts";
import { newServer } from "./postgres-server.ts";

/** The server that `DATABASE_URL` names, or else one that all tests of this process share. */
interface SharedServer {
  url(database: string): string;
  remove?(): Promise<void>;
}

let shared: Promise<SharedServer> | undefined;
/** Names of databases of tests that are over: those to be dropped, and those with a schema, to be used again. */
const used: string[] = [];
const spare: string[] = [];

// Runs after the last test of the process; t.after() would run after the first test that asks for a database.
after(async () => {
  if (shared === undefined) return;
  const server = await shared;
  used.push(...spare);
  await dropUsed(server);
  await server.remove?.();
});

async function sharedServer(): Promise<SharedServer> {
  const given = process.env["DATABASE_URL"];
  if (given !== undefined) return { url: (database) => withDatabase(given, database) };
  const server = await newServer();
  await server.start();
  return server;
}

/** A fresh, empty database for one test. Returns its connection string. */
export async function freshDatabase(t: TestContext): Promise<string> {
  shared ??= sharedServer();
  const server = await shared;
  await dropUsed(server);
  const name = await create(server);
  // Dropped later: what else the test cleans up may still need it.
  t.after(() => void used.push(name));
  return server.url(name);
}

/** A database with the schema and nothing in it, for a test that changes no more than its contents. Much quicker. */
export async function emptyDatabase(t: TestContext): Promise<string> {
  shared ??= sharedServer();
  const server = await shared;
  const known = spare.pop();
  const name = known ?? (await create(server));
  t.after(() => void spare.push(name));
  await (known === undefined ? migrate(server.url(name)) : empty(server.url(name)));
  return server.url(name);
}

async function migrate(connectionString: string): Promise<void> {
  const store = postgres(connectionString);
  await store.open({ clock: systemClock });
  await store.close();
}

async function empty(connectionString: string): Promise<void> {
  await administer(
    connectionString,
    `TRUNCATE meta, data_keys, client_keys, registered_clients, grants, external_ids, grant_changes, attempts, owners, orphans, intakes, callers, audit,
              tickets, connects, deposits, probes, signals, grant_signals, handles, sessions, events, dashboard_links, operator_sessions, refresh_counts, webhook, webhook_waiting, provider_conditions, store_marks, store_epochs;
     UPDATE change_counter SET change_seq = 0; UPDATE audit_head SET seq = 0, link = ''; UPDATE event_head SET seq = 0, pruned = 0`,
  );
}

async function create(server: SharedServer): Promise<string> {
  const name = `onbehalf_test_${randomBytes(6).toString("hex")}`;
  await administer(server.url("postgres"), `CREATE DATABASE ${name}`);
  return name;
}

/** Runs one statement on a connection of its own. */
export async function administer(connectionString: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

async function dropUsed(server: SharedServer): Promise<void> {
  for (const name of used.splice(0)) await administer(server.url("postgres"), `DROP DATABASE ${name} WITH (FORCE)`);
}

function withDatabase(connectionString: string, database: string): string {
  const url = new URL(connectionString);
  url.pathname = `/${database}`;
  return url.href;
}
