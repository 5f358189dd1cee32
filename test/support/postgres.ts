import { randomBytes } from "node:crypto";
import { after } from "node:test";
import type { TestContext } from "node:test";
import { Client } from "pg";
import { newServer } from "./postgres-server.ts";

/** The server that `DATABASE_URL` names, or else one that all tests of this process share. */
interface SharedServer {
  url(database: string): string;
  remove?(): Promise<void>;
}

let shared: Promise<SharedServer> | undefined;
/** Databases of tests that are over. */
const used: string[] = [];

// At the end of the process's last test, not of the first one that asks for a database.
after(async () => {
  if (shared === undefined) return;
  const server = await shared;
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
  const name = `onbehalf_test_${randomBytes(6).toString("hex")}`;
  await administer(server.url("postgres"), `CREATE DATABASE ${name}`);
  // Dropped later: what else the test cleans up may still need it.
  t.after(() => void used.push(name));
  return server.url(name);
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
