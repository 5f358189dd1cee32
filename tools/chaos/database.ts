/** The database of a run: a file of SQLite, or a database on a PostgreSQL server. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { postgres } from "../../src/store/postgres/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import type { Store } from "../../src/store/store.ts";

/** Where a run keeps its grants. */
export interface RunDatabase {
  /** The value of `ONBEHALF_STORE`. */
  readonly setting: string;
  open(): Store;
  drop(): Promise<void>;
}

export function sqliteFile(folder: string): RunDatabase {
  const path = join(folder, "grants.db");
  return { setting: `sqlite:${path}`, open: () => sqlite(path), drop: async () => undefined };
}

/** A new database, on the server that `DATABASE_URL` names or on one that is started for it. */
export async function postgresDatabase(given: string | undefined = process.env["DATABASE_URL"]): Promise<RunDatabase> {
  const server = given === undefined ? await startServer() : { url: new URL(given), stop: async () => undefined };
  const name = `onbehalf_chaos_${randomBytes(6).toString("hex")}`;
  const administer = async (statement: string): Promise<void> => {
    const { Client } = await import("pg");
    const client = new Client({ connectionString: server.url.href });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await administer(`CREATE DATABASE ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return {
    setting: url.href,
    open: () => postgres(url.href),
    async drop() {
      await administer(`DROP DATABASE ${name} WITH (FORCE)`);
      await server.stop();
    },
  };
}

async function startServer(): Promise<{ url: URL; stop: () => Promise<void> }> {
  const { EmbeddedPostgres } = await import("../embedded-postgres.ts");
  const databaseDir = await mkdtemp(join(tmpdir(), "onbehalf-chaos-postgres-"));
  const port = await freePort();
  const password = randomBytes(12).toString("hex");
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password,
    createPostgresUser: userInfo().uid === 0,
    persistent: true,
    postgresFlags: ["-c", "max_connections=400", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  return {
    url: new URL(`postgres://postgres:${password}@127.0.0.1:${port}/postgres`),
    async stop() {
      await server.stop();
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
