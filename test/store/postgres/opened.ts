import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { Client, Pool } from "pg";
import { systemClock } from "../../../src/core/clock.ts";
import { PostgresDatabase } from "../../../src/store/postgres/database.ts";
import { clientConfig } from "../../../src/store/postgres/options.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import type { Store } from "../../../src/store/store.ts";

/**
 * A proxy that, once it is told to, cuts a connection in place of passing on an answer that contains these bytes.
 *
 * @param times how often; always by default
 */
export async function cutBefore(
  t: TestContext,
  url: string,
  bytes: Buffer,
  times = Infinity,
): Promise<{ readonly url: string; begin(): void; cuts(): number; sent(): number }> {
  const behind = new URL(url);
  let isCutting = false;
  let cuts = 0;
  let sent = 0;
  const server = createServer((near) => {
    const far = connect(Number(behind.port), behind.hostname);
    near.on("error", () => undefined);
    far.on("error", () => undefined);
    near.pipe(far);
    near.on("data", () => (sent += 1));
    far.on("data", (chunk: Buffer) => {
      if (isCutting && cuts < times && chunk.includes(bytes)) {
        cuts += 1;
        near.destroy();
      } else near.write(chunk);
    });
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const near = new URL(url);
  near.port = String((server.address() as AddressInfo).port);
  return { url: near.href, begin: () => void (isCutting = true), cuts: () => cuts, sent: () => sent };
}

export function openDatabase(t: TestContext, url: string, max = 4): PostgresDatabase {
  const database = new PostgresDatabase("here");
  const pool = new Pool({ ...clientConfig(url), max });
  pool.on("error", () => undefined);
  database.open(pool);
  t.after(() => database.close());
  return database;
}

export async function connectClient(t: TestContext, url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  t.after(() => client.end());
  await client.connect();
  return client;
}

export async function openStore(t: TestContext, url: string): Promise<Store> {
  const store = postgres(url);
  t.after(() => store.close());
  await store.open({ clock: systemClock });
  return store;
}
