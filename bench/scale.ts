/**
 * `npm run bench:scale`: what many grants cost against 1,000, on SQLite and PostgreSQL: the start of `serve` and its idle CPU,
 * each sweep, list and look-up of an app that embeds a vault, how long its event loop stands still, memory, and disk.
 * Ratios within one run count; durations are the machine's. Build first.
 *
 * BENCH_SIZES=1000,100000,1000000 which sizes; default: 1,000 and BENCH_GRANTS (300,000).
 * BENCH_FOLDER=DIR                where filled stores are kept for the next run; default: a temporary folder.
 * BENCH_STORES=sqlite             one store alone; default: both.
 * BENCH_READS=200000              how many grants are read for the figures of memory; default: 60,000.
 * BENCH_IDLE_SECONDS=70           how long idle CPU is measured; default: 20.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { Client } from "pg";
import { keepAliveSlots } from "../src/core/keep-alive.ts";
import { masterKeysOf } from "../src/crypto/master-key.ts";
import { generateMasterKey, google, keyringFromFile, openVault } from "../src/index.ts";
import type { Vault } from "../src/index.ts";
import { postgres } from "../src/store/postgres/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import type { Store } from "../src/store/store.ts";
import { openStoreKeyring } from "../src/vault/open/open-keyring.ts";
import { fillPostgres, fillSqlite, wideClientId } from "../test/support/many-grants.ts";
import { newServer } from "../test/support/postgres-server.ts";
import type { PostgresServer } from "../test/support/postgres-server.ts";

const sizes = (process.env["BENCH_SIZES"] ?? `1000,${process.env["BENCH_GRANTS"] ?? 300_000}`).split(",").map(Number);
const stores = (process.env["BENCH_STORES"] ?? "sqlite,postgres").split(",");
const reads = Number(process.env["BENCH_READS"] ?? 60_000);
const idleSeconds = Number(process.env["BENCH_IDLE_SECONDS"] ?? 20);
const starts = 7;
/** As long as Google's are. */
const token = `ya29.${"a".repeat(215)}`;

type Figures = Record<string, number>;

/** A store that has been filled, and how large it is. */
interface Filled {
  readonly grants: number;
  /** As the setting has it. */
  readonly url: string;
  readonly make: () => Store;
  readonly bytes: () => Promise<number>;
}

const kept = process.env["BENCH_FOLDER"];
const folder = kept === undefined ? await mkdtemp(join(tmpdir(), "onbehalf-bench-")) : resolve(kept);
await mkdir(folder, { recursive: true });
const keyFile = join(folder, "master.key");
if (!existsSync(keyFile)) writeFileSync(keyFile, `${generateMasterKey().expose()}\n`, { mode: 0o600 });
const clientFile = join(folder, "client.json");
const client = { client_id: wideClientId, client_secret: "secret", redirect_uris: ["http://127.0.0.1"] };
writeFileSync(clientFile, JSON.stringify({ web: client }));
let server: PostgresServer | undefined;
try {
  for (const kind of stores) {
    const filled: Filled[] = [];
    for (const grants of sizes) filled.push(await (kind === "sqlite" ? filledSqlite(grants) : filledPostgres(grants)));
    print(kind, await measure(filled));
  }
} finally {
  await server?.remove();
  if (kept === undefined) await rm(folder, { recursive: true });
}
process.exit();

async function measure(filled: readonly Filled[]): Promise<Figures[]> {
  const startMs = filled.map((): number[] => []);
  // Round by round, so that what else the machine does harms all sizes alike.
  for (let round = 0; round < starts; round += 1) {
    for (const [n, each] of filled.entries()) {
      const began = performance.now();
      const service = await serve(each);
      startMs[n]?.push(performance.now() - began);
      await stop(service);
    }
  }
  const all: Figures[] = [];
  for (const [n, each] of filled.entries()) {
    const served = { "start of serve, ms": median(startMs[n] ?? []), ...(await idle(each)) };
    all.push({
      ...served,
      ...(await embedded(each)),
      "on disk for each grant, bytes": (await each.bytes()) / each.grants,
    });
  }
  return all;
}

async function idle(filled: Filled): Promise<Figures> {
  const service = await serve(filled);
  await pause(3_000);
  const pids = [service.pid ?? 0, ...childrenOf(service.pid ?? 0)];
  const before = pids.map(cpuMs);
  await pause(idleSeconds * 1_000);
  const [served = 0, ...kept] = pids.map((pid, n) => cpuMs(pid) - (before[n] ?? 0));
  await stop(service);
  return {
    "idle service, ms of CPU a second": served / idleSeconds,
    "idle keeper, ms of CPU a second": kept.reduce((sum, ms) => sum + ms, 0) / idleSeconds,
  };
}

async function embedded(filled: Filled): Promise<Figures> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  // Loaded and compiled before.
  await (await open(filled)).close();
  delay.enable();
  const vault = await open(filled);
  await pause(10_000);
  delay.disable();
  const store = filled.make();
  await store.open({});
  const hash = new Uint8Array(32);
  const seq = await store.latestChange();
  const now = Date.now();
  const page = { after: { at: 0, grantId: "" }, limit: 200, clientId: wideClientId };
  const works: Record<string, () => Promise<unknown>> = {
    "list: all, ms": () => vault.grants({}),
    "list: active, ms": () => vault.grants({ state: "active" }),
    "list: lapsed, ms": () => vault.grants({ state: "lapsed" }),
    "list: suspect, of which there is none, ms": () => vault.grants({ state: "suspect" }),
    "list: of an unknown external id, ms": () => vault.grants({ externalId: "nobody" }),
    "list: of an unknown subject, ms": () => vault.grants({ subject: "nobody" }),
    "look-up: by id, ms": () => store.grantById("g_777"),
    "look-up: by an unknown subject, ms": () => store.grantsBySubject(hash),
    "look-up: by an unknown external id, ms": () => store.grantsByExternalId(hash),
    "sweep: keep-alive, all slots, ms": async () => {
      await store.idleGrants({ ...page, by: "announced-end", before: now });
      for (let slot = 0; slot < keepAliveSlots; slot += 1) {
        await store.idleGrants({ ...page, by: "exchange", slot, before: now - 31 * 86_400_000 });
      }
    },
    "sweep: looks, ms": () => store.grantsToLookAt(now, 100),
    "sweep: revocations, ms": () => store.listGrants({ state: "revoking", limit: 100 }),
    "sweep: late answers, ms": () => store.listGrants({ state: "revoked", withLateAnswers: true, limit: 100 }),
    "sweep: attempts, ms": () => store.attempts(),
    "sweep: intakes, ms": () => store.openIntakes(),
    "sweep: held sign-ins, ms": () => store.heldIntakes(now, 100),
    "sweep: rejected codes, ms": () => store.sweepRejected(now - 60_000, now),
    "poll of changes, ms": () => store.changesSince(seq),
  };
  const figures: Figures = { "longest stall of an embedded event loop, ms": delay.max / 1e6 };
  for (const [name, work] of Object.entries(works)) figures[name] = await timed(50, work);
  await store.close();
  return { ...figures, ...(await memory(vault, filled.grants)) };
}

async function memory(vault: Vault, grants: number): Promise<Figures> {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const distinct = Math.min(grants, reads);
  for (let n = 1; n <= distinct; n += 1) if (n % 100 > 1) await vault.getAccessToken(`g_${n}`);
  globalThis.gc?.();
  const after = process.memoryUsage.rss();
  await vault.close();
  return { [`memory in all after the reads, MB`]: after / 1e6, "of that for these reads, MB": (after - before) / 1e6 };
}

/** @returns the service's process, once it is ready */
async function serve({ url }: Filled): Promise<ChildProcess> {
  const env = {
    ...process.env,
    ONBEHALF_STORE: url,
    ONBEHALF_KEY_FILE: keyFile,
    ONBEHALF_CLIENT_SECRET_FILE: clientFile,
    ONBEHALF_GOOGLE_BASE_URL: "http://127.0.0.1:9",
    ONBEHALF_LOG_LEVEL: "silent",
    PORT: "0",
  };
  const service = spawn(process.execPath, ["dist/cli/main.js", "serve", "--json"], {
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = (await once(createInterface({ input: service.stdout }), "line")) as [string];
  if (!line.includes("http://")) throw new Error(line);
  return service;
}

async function stop(service: ChildProcess): Promise<void> {
  const gone = once(service, "exit");
  service.kill("SIGTERM");
  await gone;
}

function childrenOf(pid: number): number[] {
  const direct = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return [...direct, ...direct.flatMap(childrenOf)];
}

/** Of a process of Linux, in ticks of 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function open({ make }: Filled): Promise<Vault> {
  return openVault({
    provider: google({ clientId: wideClientId, clientSecret: "secret", baseUrl: "http://127.0.0.1:9" }),
    store: make(),
    keyring: keyringFromFile(keyFile),
  });
}

async function filledSqlite(grants: number): Promise<Filled> {
  const path = join(folder, `${grants}.db`);
  const filled: Filled = {
    grants,
    url: `sqlite:${path}`,
    make: () => sqlite(path),
    bytes: async () => statSync(path).size,
  };
  if (!existsSync(path)) {
    // Keys come first: none are made for a store that has grants already.
    await (await open(filled)).close();
    await fillSqlite(path, grants, { at: Date.now(), isWide: true });
  }
  const database = new DatabaseSync(path);
  const seal = database.prepare(
    "UPDATE grants SET access_sealed = ?, access_issued_at = ?, access_expires_at = ?, profile_sealed = ? WHERE grant_id = ?",
  );
  database.exec("PRAGMA synchronous = OFF; BEGIN");
  await sealTokens(filled, (values) => void seal.run(...values));
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  return filled;
}

async function filledPostgres(grants: number): Promise<Filled> {
  if (server === undefined) {
    server = await newServer();
    await server.start();
  }
  const name = `grants_${grants}`;
  await run(server.url("postgres"), `CREATE DATABASE ${name}`);
  const url = server.url(name);
  const bytes = async (): Promise<number> =>
    Number((await run(url, "SELECT pg_database_size(current_database()) AS bytes"))[0]?.["bytes"]);
  const filled: Filled = { grants, url, make: () => postgres(url), bytes };
  await (await open(filled)).close();
  await fillPostgres(url, grants, { at: Date.now(), isWide: true });
  const database = new Client({ connectionString: url });
  await database.connect();
  await database.query("SET synchronous_commit = off");
  const update = `UPDATE grants SET access_sealed = $1, access_issued_at = $2, access_expires_at = $3, profile_sealed = $4
    WHERE grant_id = $5`;
  const sealed: (readonly (string | number | Uint8Array)[])[] = [];
  await sealTokens(filled, (values) => void sealed.push(values));
  await database.query("BEGIN");
  for (const values of sealed) await database.query({ name: "seal", text: update, values: [...values] });
  await database.query("COMMIT");
  await database.query("VACUUM ANALYZE");
  await database.end();
  return filled;
}

async function run(connectionString: string, text: string): Promise<Record<string, unknown>[]> {
  const database = new Client({ connectionString });
  await database.connect();
  const { rows } = await database.query<Record<string, unknown>>(text);
  await database.end();
  return rows;
}

/** Seals anew what the reads will open, so that it is valid now; the rest of the store is noise that nobody opens. */
async function sealTokens(
  filled: Filled,
  write: (values: readonly [Uint8Array, number, number, Uint8Array, string]) => void,
): Promise<void> {
  const store = filled.make();
  await store.open({});
  const keyring = await openStoreKeyring(store, await masterKeysOf(keyringFromFile(keyFile)));
  await store.close();
  const now = Date.now();
  for (let n = 1; n <= Math.min(filled.grants, reads); n += 1) {
    if (n % 100 === 0) continue;
    const recordId = `g_${n}`;
    const place = { clientId: wideClientId, recordId };
    const access = keyring.seal(token, { ...place, column: "grants.access_token", generation: 1 });
    const person = JSON.stringify({ profile: { sub: recordId, name: "x".repeat(300) }, externalIds: [] });
    write([
      access,
      now,
      now + 3_600_000,
      keyring.seal(person, { ...place, column: "grants.profile", generation: 0 }),
      recordId,
    ]);
  }
}

async function timed(times: number, work: () => Promise<unknown>): Promise<number> {
  const each: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const began = performance.now();
    await work();
    each.push(performance.now() - began);
  }
  return median(each);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function print(kind: string, all: readonly Figures[]): void {
  process.stdout.write(
    `${kind}: ${sizes.map((size) => `${size} grants`).join(", ")}; ratio of the last to the first\n`,
  );
  for (const [name, base] of Object.entries(all[0] ?? {})) {
    const values = all.map((figures) => figures[name] ?? Number.NaN);
    const ratio = (values.at(-1) ?? Number.NaN) / base;
    process.stdout.write(`  ${name}: ${values.map((value) => value.toFixed(2)).join(", ")}; ${ratio.toFixed(2)}\n`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
