/**
 * `npm run bench:hour`: a service under mixed load for an hour, or for as long as it is told: reads of tokens, refreshes of tokens
 * that live two minutes, codes, revocations, lists, calls through the proxy, wrong keys, and a provider that is away for five
 * seconds every two minutes. It writes what it finds as JSON, part by part, and exits with 1 where memory or the 99th percentile
 * grew, or where an answer was an error that the load does not explain.
 *
 * - `--minutes 60`: how long. Parts are a minute, or a tenth of a shorter run.
 * - `--json FILE`; `--store sqlite` or `postgres`; `--times 2`: twice the load; `--grants 2000`.
 */
import { writeFileSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client } from "pg";
import { postgres } from "../src/store/postgres/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import { grantIdOf } from "../tools/key-rotation/fill.ts";
import { isKeeper, processesOf } from "../tools/chaos/processes.ts";
import { startProgram } from "./child.ts";
import { fillStore, settingsOf } from "./filled-store.ts";
import { ask, mixedLoad } from "./hour-load.ts";
import type { Kind } from "./hour-load.ts";
import { verdictOf } from "./hour-verdict.ts";
import type { HourResult, Part } from "./hour-verdict.ts";
import { startPostgres } from "./postgres.ts";
import { memoryOf } from "./process-cpu.ts";
import { quantile } from "./quantile.ts";
import { loadNow, thisMachine } from "./result.ts";
import type { Tell, Told } from "./servers/provider.ts";
import { startService } from "./service.ts";
import { permissions } from "../src/vault/http/callers.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    json: { type: "string" },
    store: { type: "string", default: "sqlite" },
    times: { type: "string", default: "1" },
    grants: { type: "string", default: "2000" },
  },
});
const seconds = Number(values.minutes) * 60;
const grants = Number(values.grants);
const partSeconds = Math.min(60, seconds / 10);
/** Caches fill, and the tokens of all grants are fetched for the first time: none of that is measured. */
const warmUpSeconds = Math.min(120, seconds / 4);
/** Ten minutes of an hour. */
const share = 1 / 6;
const tokenSeconds = 120;
const awayEverySeconds = 120;
const awaySeconds = 5;
const mostLateMs = 100;
const clientId = "bench-client";

await using stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), "onbehalf-hour-"));
stack.defer(() => rm(folder, { recursive: true, force: true }));
const provider = stack.adopt(await startProgram<{ port: number }>("servers/provider.ts"), (each) => each.end());
const tell = (message: Tell): Promise<Told> => provider.ask<Told>(message);
await tell({ clientId, isRotating: true, expiresIn: tokenSeconds, latencyMs: 50 });
const path = join(folder, "grants.db");
const server = values.store === "postgres" ? await startPostgres() : undefined;
if (server !== undefined) stack.defer(() => server.end());
const address = await server?.database("hour");
say(`filling a ${values.store} store with ${grants} grants`);
const filled = await fillStore(
  address ?? `sqlite:${path}`,
  () => (address === undefined ? sqlite(path) : postgres(address)),
  grants,
  { baseUrl: `http://127.0.0.1:${provider.ready.port}`, isRotating: true },
  permissions,
);
const service = await startService({ ...settingsOf(filled), ONBEHALF_EXCHANGES_PER_SECOND: "500" });
stack.defer(() => service.end());

const kinds = mixedLoad(grants, Number(values.times));
const allowed = new Set(kinds.flatMap(({ name, mayBe }) => mayBe.map((code) => `${name}: ${code}`)));
const parts: Part[] = [];
let took = new Map<string, number[]>();
let errors: Record<string, number> = {};
let leftOut = 0;
const over = new AbortController();

function note(kind: Kind, since: number, status: number, body: string): void {
  const times = took.get(kind.name) ?? [];
  times.push(performance.now() - since);
  took.set(kind.name, times);
  kind.onAnswer?.(status, body);
  if (status >= 200 && status < 300) return;
  const code = codeOf(body);
  const error = `${kind.name}: ${code}`;
  const shown = allowed.has(error) ? error : `${kind.name}: ${code} (${status})`;
  errors[shown] = (errors[shown] ?? 0) + 1;
}

function codeOf(body: string): string {
  try {
    const { error, type } = JSON.parse(body) as { error?: unknown; type?: unknown };
    if (typeof error !== "string") return "";
    // An error of ours has a type; one without it came from the API behind the proxy.
    return type === undefined ? `passed on, ${error}` : error;
  } catch {
    return "";
  }
}

/**
 * Sends requests when they are due, whatever became of those before. One for which this process comes too late is left out and
 * counted: that says nothing about the service.
 */
async function keepSending(kind: Kind): Promise<void> {
  const begun = performance.now();
  for (let n = 0; !over.signal.aborted; n += 1) {
    const dueAt = begun + (n * 1_000) / kind.perSecond;
    const ahead = dueAt - performance.now();
    if (ahead < -mostLateMs) {
      leftOut += 1;
      continue;
    }
    await (ahead > 1 ? sleep(ahead) : setImmediate());
    // From when it was due, where this process is late: who waits for their turn waits, too.
    const since = Math.min(dueAt, performance.now());
    void ask(service.port, filled.callerKey, kind.send()).then(
      ({ status, body }) => note(kind, since, status, body),
      (error: unknown) => note(kind, since, 0, JSON.stringify({ error: `no answer: ${String(error)}`, type: "" })),
    );
  }
}

async function awayNowAndThen(): Promise<void> {
  for (
    let next = awayEverySeconds / 2;
    next + awaySeconds < seconds + warmUpSeconds && !over.signal.aborted;
    next += awayEverySeconds
  ) {
    await sleepUntil(next);
    await tell({ isAway: true });
    await sleep(awaySeconds * 1_000);
    await tell({ isAway: false });
  }
}

// All of them have ended: they are refreshed some at a time, since a thousand at once is another measurement.
let refreshed = 0;
const refreshNext = async (): Promise<void> => {
  while (refreshed < grants) {
    const { status, body } = await ask(service.port, filled.callerKey, {
      path: `/v1/grants/${grantIdOf(refreshed++)}/token`,
    });
    if (status !== 200) throw new Error(`the service answered ${status}: ${body}`);
  }
};
await Promise.all(Array.from({ length: 16 }, refreshNext));

const began = performance.now();
const startedAt = new Date().toISOString();
/** In slices, so that the end of the run does not wait for the whole of it. */
async function sleepUntil(second: number): Promise<void> {
  for (;;) {
    const left = second * 1_000 - (performance.now() - began);
    if (left <= 0 || over.signal.aborted) return;
    await sleep(Math.min(left, 500));
  }
}

async function diskMB(): Promise<number> {
  if (address === undefined) {
    const sizes = await Promise.all(["", "-wal"].map((end) => stat(path + end).catch(() => ({ size: 0 }))));
    return sizes.reduce((sum, { size }) => sum + size, 0) / 1e6;
  }
  const client = new Client({ connectionString: address });
  await client.connect();
  const { rows } = await client.query<{ size: string }>("SELECT pg_database_size(current_database()) AS size");
  await client.end();
  return Number(rows[0]?.size) / 1e6;
}

function memoryNow(): Part["memory"] {
  const megabytes = (pid: number): Part["memory"][string] => {
    const { rss, anonymous } = memoryOf(pid);
    return { rss: round(rss / 1e6), anonymous: round(anonymous / 1e6) };
  };
  const named = processesOf(service.run).flatMap((each) => {
    const name = each.pid === service.pid ? "service" : isKeeper(each) ? "keeper" : "holder";
    return [[name, megabytes(each.pid)] as const];
  });
  return Object.fromEntries(named);
}

function round(value: number): number {
  return Number(value.toFixed(2));
}

async function endPart(): Promise<Part> {
  const found = took;
  const [wrong, missed] = [errors, leftOut];
  took = new Map();
  [errors, leftOut] = [{}, 0];
  return {
    at: Math.round((performance.now() - began) / 1_000),
    kinds: Object.fromEntries(
      [...found].map(([name, times]) => [
        name,
        {
          count: times.length,
          p50: round(quantile(times, 0.5)),
          p99: round(quantile(times, 0.99)),
          max: round(quantile(times, 1)),
        },
      ]),
    ),
    memory: memoryNow(),
    errors: wrong,
    leftOut: missed,
    diskMB: round(await diskMB()),
    load: loadNow(),
  };
}

function write(): void {
  if (values.json === undefined || parts.length === 0) return;
  const verdict = verdictOf(parts, share, (error) => allowed.has(error));
  const result: HourResult = {
    startedAt,
    machine: thisMachine(),
    minutes: Number(values.minutes),
    store: values.store,
    grants,
    times: Number(values.times),
    partSeconds,
    verdict,
    parts,
  };
  writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

say(`${seconds} s of load after ${warmUpSeconds} s that are not counted`);
const sending = [...kinds.map(keepSending), awayNowAndThen()];
await sleepUntil(warmUpSeconds);
await endPart();
for (let end = warmUpSeconds + partSeconds; end <= warmUpSeconds + seconds + 0.001; end += partSeconds) {
  await sleepUntil(end);
  const part = await endPart();
  parts.push(part);
  write();
  const token = part.kinds["token"];
  const memory = Object.entries(part.memory).map(([name, { rss }]) => `${name} ${rss.toFixed(0)} MB`);
  say(
    `${part.at} s: ${token?.count} tokens, median ${token?.p50} ms, 99th percentile ${token?.p99} ms; ` +
      `${memory.join(", ")}; disk ${part.diskMB.toFixed(0)} MB; ${JSON.stringify(part.errors)}` +
      (part.leftOut === 0 ? "" : `; ${part.leftOut} left out`),
  );
}
over.abort();
await Promise.all(sending);

const verdict = verdictOf(parts, share, (error) => allowed.has(error));
const { first, last, ratio } = verdict.p99;
process.stdout.write(`99th percentile of token reads: ${first} ms first, ${last} ms last, ratio ${ratio.toFixed(2)}\n`);
for (const [name, memory] of Object.entries(verdict.memory)) {
  process.stdout.write(`memory of the ${name}: ${memory.first} MB first, ${memory.last} MB last\n`);
}
for (const failure of verdict.failures) process.stdout.write(`FAILED: ${failure}\n`);
process.exitCode = verdict.failures.length === 0 ? 0 : 1;
