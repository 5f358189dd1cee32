/** A PostgreSQL server that flushes each commit to the disk: without that, its figures would mean nothing. */
import { Client } from "pg";
import { newServer } from "../test/support/postgres-server.ts";

export interface BenchServer {
  /** Makes a database, and returns its address. */
  readonly database: (name: string) => Promise<string>;
  readonly version: string;
  /** Runs a statement as its superuser, in no database of anybody's. */
  readonly ask: (statement: string) => Promise<readonly Record<string, unknown>[]>;
  /** The server's processes that work for whoever is connected to this database. */
  readonly pidsOf: (name: string) => Promise<number[]>;
  readonly end: () => Promise<void>;
}

export async function startPostgres(): Promise<BenchServer> {
  const server = await newServer({ durable: true });
  await server.start();
  const ask = async (statement: string): Promise<readonly Record<string, unknown>[]> => {
    const client = new Client({ connectionString: server.url("postgres") });
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(statement);
    await client.end();
    return rows;
  };
  const [shown] = await ask("SHOW server_version");
  return {
    version: String(shown?.["server_version"]),
    ask,
    pidsOf: async (name) =>
      (await ask(`SELECT pid FROM pg_stat_activity WHERE datname = '${name}'`)).map(({ pid }) => Number(pid)),
    async database(name) {
      await ask(`CREATE DATABASE ${name}`);
      return server.url(name);
    },
    end: () => server.remove(),
  };
}
