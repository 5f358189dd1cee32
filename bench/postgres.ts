/** A PostgreSQL server that flushes each commit to the disk: without that, its figures would mean nothing. */
import { Client } from "pg";
import { newServer } from "../test/support/postgres-server.ts";

export interface BenchServer {
  /** Makes a database, and returns its address. */
  readonly database: (name: string) => Promise<string>;
  readonly version: string;
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
    async database(name) {
      await ask(`CREATE DATABASE ${name}`);
      return server.url(name);
    },
    end: () => server.remove(),
  };
}
