import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { EmbeddedPostgres } from "../../tools/embedded-postgres.ts";
import { freePort } from "./free-port.ts";

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

export async function newServer({ durable = false }: { readonly durable?: boolean } = {}): Promise<PostgresServer> {
  const port = await freePort();
  const databaseDir = await mkdtemp(join(tmpdir(), "onbehalf-postgres-"));
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "test password/with?odd#characters@",
    createPostgresUser: userInfo().uid === 0,
    persistent: true,
    initdbFlags: ["--no-sync", "--set", "scram_iterations=1"],
    // In tests nothing must survive a power cut, and every test makes a database.
    postgresFlags: [
      ...(durable ? [] : ["fsync=off", "full_page_writes=off"]),
      "max_connections=300",
      "listen_addresses=127.0.0.1",
    ]
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
