/**
 * `npm run bench:one-grant`: many callers want the token of one expired grant at once, in one process and in two, in
 * processes that refresh themselves and in services whose keepers do, on SQLite and on PostgreSQL. Prints how many exchanges
 * the provider saw, how many callers were given no token, and when the last one had its answer.
 *
 * `BENCH_LATENCY`: how long the provider takes, milliseconds; 100 by default. `BENCH_CALLERS`: how many callers there are in
 * all. `BENCH_ROUNDS`: how often each is done; the median of the last answers is printed.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../src/index.ts";
import type { Store, Vault } from "../src/index.ts";
import { runService, settingsFrom } from "../src/service/index.ts";
import { postgres } from "../src/store/postgres/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import { permissions } from "../src/vault/http/callers.ts";
import { newServer } from "../test/support/postgres-server.ts";
import type { PostgresServer } from "../test/support/postgres-server.ts";
import { once } from "./measured-server.ts";
import { quantile } from "./quantile.ts";

const latencyMs = Number(process.env["BENCH_LATENCY"] ?? 100);
const callers = (process.env["BENCH_CALLERS"] ?? "200,1000").split(",").map(Number);
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 5);
const clientId = "1234-bench.apps.googleusercontent.com";

/** Where a process of a run finds all it needs. */
interface Place {
  readonly kind: "embedded" | "served";
  /** The path of a SQLite file, or a connection string. */
  readonly store: string;
  readonly key: string;
  readonly keyFile: string;
  readonly provider: string;
}

interface Wave {
  readonly grantId: string;
  readonly callers: number;
}

/** What came of a wave of callers. */
interface Outcome {
  readonly lastMs: number;
  readonly failed: number;
}

switch (process.argv[2] ?? "") {
  case "work":
    process.once("message", (place: Place) => {
      void (place.kind === "embedded" ? embedded(place) : served(place));
    });
    process.once("disconnect", () => process.exit(0));
    break;
  default:
    await main();
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-bench-"));
  const provider = fork(new URL("refresh.ts", import.meta.url), ["provider"], {
    env: { ...process.env, BENCH_LATENCY: String(latencyMs) },
  });
  const { port } = await once<{ port: number }>(provider);
  const server = await newServer({ durable: true });
  await server.start();
  let made = 0;
  try {
    for (const database of ["sqlite", "postgres"] as const) {
      for (const kind of ["embedded", "served"] as const) {
        for (const processes of [1, 2]) {
          const name = `setting_${(made += 1)}`;
          await mkdir(join(folder, name));
          const key = generateMasterKey().expose();
          const keyFile = join(folder, name, "key");
          await writeFile(keyFile, key, { mode: 0o600 });
          const store = database === "sqlite" ? join(folder, name, "bench.db") : await newDatabase(server, name);
          const place: Place = { kind, store, key, keyFile, provider: `http://127.0.0.1:${port}` };
          process.stdout.write(`${database}, ${kind}, ${processes} process${processes === 1 ? "" : "es"}: `);
          process.stdout.write(`${await measured(place, processes)}\n`);
        }
      }
    }
  } finally {
    provider.kill();
    await server.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measured(place: Place, processes: number): Promise<string> {
  const setup = await vaultAt(place);
  // The first wave of each warms everything up.
  const waves = callers.flatMap((each) => Array.from({ length: rounds + 1 }, () => each));
  const grantIds: string[] = [];
  for (const n of waves.keys()) {
    const code = `4/p${n}/${"c".repeat(60)}`;
    grantIds.push((await setup.exchangeCode({ code, source: "android" })).grantId);
  }
  const { key } = await setup.callers.create("bench", { allow: permissions });
  await setup.close();
  // Until the tokens of the codes have ended.
  await pause(1_100);
  const children = Array.from({ length: processes }, () => fork(import.meta.filename, ["work"]));
  for (const child of children) child.send(place);
  const ready = await Promise.all(children.map((child) => once<{ url?: string }>(child)));
  const urls = ready.flatMap(({ url }) => url ?? []);
  const agents = urls.map((url) => clientOf(url, key.expose()));
  const found = new Map<number, { exchanges: number; failed: number; last: number[] }>();
  for (const [n, count] of waves.entries()) {
    const before = await refreshesAt(place);
    const wave = { grantId: grantIds[n] ?? "", callers: count / processes };
    const outcomes = await Promise.all(
      children.map(async (child, at) => (place.kind === "served" ? agents[at]?.(wave) : askedOf(child, wave))),
    );
    const exchanges = (await refreshesAt(place)) - before;
    const sum = found.get(count) ?? { exchanges: 0, failed: 0, last: [] };
    found.set(count, sum);
    sum.exchanges = Math.max(sum.exchanges, exchanges);
    sum.failed += outcomes.reduce((all, outcome) => all + (outcome?.failed ?? wave.callers), 0);
    if (n % (rounds + 1) > 0) sum.last.push(Math.max(...outcomes.map((outcome) => outcome?.lastMs ?? Infinity)));
  }
  for (const child of children) {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.disconnect();
    await gone;
  }
  return [...found]
    .map(([count, { exchanges, failed, last }]) => {
      const of = (share: number): string => quantile(last, share).toFixed(0);
      return `${count} callers: ${exchanges} exchange${exchanges === 1 ? "" : "s"} at most, ${failed} failed, last answer after ${of(0.5)} ms (${of(0)} to ${of(1)})`;
    })
    .join("; ");
}

function vaultAt({ store, key, provider }: Place): Promise<Vault> {
  return openVault({
    provider: google({ clientId, clientSecret: "secret", baseUrl: provider }),
    store: storeAt(store),
    keyring: keyringFromKeys(key),
  });
}

function storeAt(where: string): Store {
  return where.startsWith("postgres:") ? postgres(where) : sqlite(where);
}

async function refreshesAt({ provider }: Place): Promise<number> {
  return ((await (await fetch(`${provider}/refreshes`)).json()) as { refreshes: number }).refreshes;
}

function askedOf(child: ChildProcess, wave: Wave): Promise<Outcome> {
  const outcome = once<Outcome>(child);
  child.send(wave);
  return outcome;
}

/** All callers at once. */
async function waveOf(callersAtOnce: number, ask: () => Promise<boolean>): Promise<Outcome> {
  const began = performance.now();
  const given = await Promise.all(Array.from({ length: callersAtOnce }, () => ask().catch(() => false)));
  return { lastMs: performance.now() - began, failed: given.filter((each) => !each).length };
}

async function embedded(place: Place): Promise<void> {
  const vault = await vaultAt(place);
  process.on("message", ({ grantId, callers: count }: Wave) => {
    void waveOf(count, async () => (await vault.getAccessToken({ grantId })).token !== "").then((outcome) =>
      process.send?.(outcome),
    );
  });
  process.send?.({});
}

async function served({ store, keyFile, provider }: Place): Promise<void> {
  const { url } = await runService(
    settingsFrom({
      store: store.startsWith("postgres:") ? store : `sqlite:${store}`,
      keyFile,
      clientId,
      clientSecret: "secret",
      googleBaseUrl: provider,
      logLevel: "error",
      host: "127.0.0.1",
      port: "0",
    }),
  );
  process.send?.({ url });
}

/** Callers of a service, each with a connection of its own that is open before the wave. */
function clientOf(url: string, key: string): (wave: Wave) => Promise<Outcome> {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 2_000 });
  const get = (path: string): Promise<boolean> =>
    new Promise((resolve, reject) => {
      const sent = request(url + path, { agent, headers: { authorization: `Bearer ${key}` } });
      sent.once("error", reject);
      sent.once("response", (message) => {
        message.resume();
        message.once("end", () => resolve(message.statusCode === 200));
      });
      sent.end();
    });
  return async ({ grantId, callers: count }) => {
    await waveOf(count, () => get("/healthz"));
    return waveOf(count, () => get(`/v1/grants/${grantId}/token`));
  };
}

async function newDatabase(server: PostgresServer, name: string): Promise<string> {
  const { Client } = await import("pg");
  const client = new Client({ connectionString: server.url("postgres") });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return server.url(name);
}
