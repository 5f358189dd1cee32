/**
 * `npm run bench:flood`: what callers pay for a flood of codes that are none. 400 posts a second for a minute, of every
 * shape that somebody without a key may think of, against `onbehalf serve` and a stand-in in processes of their own.
 * Told are refreshes in quiet and in the flood, memory and disk; it fails where one is over its limit.
 *
 * FLOOD_STORE=postgres, FLOOD_SECONDS, FLOOD_PER_SECOND.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../src/index.ts";
import { postgresDatabase, sqliteFile } from "../tools/chaos/database.ts";
import { isKeeper, processesOf, runVariable } from "../tools/chaos/processes.ts";
import { floodShapes } from "./flood-shapes.ts";
import { quantile } from "./quantile.ts";

const seconds = Number(process.env["FLOOD_SECONDS"] ?? 60);
const perSecond = Number(process.env["FLOOD_PER_SECOND"] ?? 400);
const store = process.env["FLOOD_STORE"] ?? "sqlite";
const grantCount = 20;
/** Refreshes that callers ask for each second, in quiet as in the flood: each grant after its token has ended. */
const refreshesPerSecond = 4;
const tokenSeconds = 2;
const limits = { memoryMB: 64, diskMB: 5 };

const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const run = randomUUID();
const folder = await mkdtemp(join(tmpdir(), "onbehalf-flood-"));
const database = store === "postgres" ? await postgresDatabase() : sqliteFile(folder);
const children: ChildProcess[] = [];
const failures = new Set<string>();

async function program(args: readonly string[], settings: NodeJS.ProcessEnv): Promise<Record<string, string>> {
  const child = spawn(process.execPath, [main, ...args, "--json"], {
    env: { ...process.env, [runVariable]: run, ...settings },
    stdio: ["ignore", "pipe", "ignore"],
    cwd: folder,
  });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return JSON.parse(line) as Record<string, string>;
}

const agent = new Agent({ keepAlive: true, maxSockets: 512 });
/** Callers have connections of their own: their requests must not wait in the sender for the flood's. */
const callersAgent = new Agent({ keepAlive: true });
const ask = (url: string, init: { method?: string; headers?: Record<string, string>; body?: string } = {}) =>
  new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const { method = "GET", headers = {}, body } = init;
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const connections = headers["authorization"] === undefined ? agent : callersAgent;
    const sent = request(url, { method, agent: connections, headers: { ...headers, ...length } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });

/** Memory that a process has for itself, MB. */
const memoryOf = (pid: number): number =>
  Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1024;

async function onDisk(): Promise<number> {
  if (store !== "postgres") {
    const path = join(folder, "grants.db");
    return (
      ["", "-wal"].reduce((sum, end) => sum + (statSync(path + end, { throwIfNoEntry: false })?.size ?? 0), 0) / 2 ** 20
    );
  }
  const { Client } = await import("pg");
  const client = new Client({ connectionString: database.setting });
  await client.connect();
  const { rows } = await client.query<{ size: string }>("SELECT pg_database_size(current_database()) AS size");
  await client.end();
  return Number(rows[0]?.size) / 2 ** 20;
}

try {
  const standin = await program(["standin", "--port", "0"], {});
  const key = generateMasterKey();
  const { client_id: clientId = "", client_secret: clientSecret = "", standin: baseUrl = "" } = standin;
  await ask(`${baseUrl}/standin/settings`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ access_token_ttl_seconds: tokenSeconds }),
  });
  const vault = await openVault({
    provider: google({ clientId, clientSecret, baseUrl }),
    store: database.open(),
    keyring: keyringFromKeys(key),
  });
  const codeOf = async (email: string): Promise<string> => {
    const body = JSON.stringify({ kind: "native", email, client_id: clientId, scope: "openid email" });
    const headers = { "content-type": "application/json" };
    const { text } = await ask(`${baseUrl}/standin/code`, { method: "POST", headers, body });
    return (JSON.parse(text) as { code: string }).code;
  };
  const grantIds: string[] = [];
  for (let n = 0; n < grantCount; n += 1) {
    const { grantId } = await vault.exchangeCode({ code: await codeOf(`person${n}@example.com`), source: "android" });
    grantIds.push(grantId);
  }
  const { key: caller } = await vault.callers.create("bench", { allow: ["token", "grants:read"] });
  await vault.close();
  const service = await program(["serve"], {
    ONBEHALF_STORE: database.setting,
    ONBEHALF_KEY: key.expose(),
    ONBEHALF_CLIENT_ID: clientId,
    ONBEHALF_CLIENT_SECRET: clientSecret,
    ONBEHALF_GOOGLE_BASE_URL: baseUrl,
    ONBEHALF_LOG_LEVEL: "warn",
    PORT: "0",
    ONBEHALF_METRICS_PORT: "0",
  });
  const authorization = `Bearer ${caller.expose()}`;
  const url = service["service"] ?? "";
  const pid = Number(service["pid"]);
  const keeper = processesOf(run).find(isKeeper)?.pid ?? 0;

  /** Refreshes one grant after the other, for a while; how long each took, milliseconds. */
  const refresh = async (forSeconds: number): Promise<number[]> => {
    const took: Promise<number>[] = [];
    const one = async (grantId: string): Promise<number> => {
      const begun = performance.now();
      const { status, text } = await ask(`${url}/v1/grants/${grantId}/token`, {
        headers: { authorization },
      });
      const ms = performance.now() - begun;
      if (status !== 200) failures.add(`a refresh was answered ${status}: ${text.slice(0, 200)}`);
      return ms;
    };
    for (let n = 0; n < forSeconds * refreshesPerSecond; n += 1) {
      took.push(one(grantIds[n % grantIds.length] ?? ""));
      await sleep(1000 / refreshesPerSecond);
    }
    return Promise.all(took);
  };
  const told = (name: string, times: readonly number[]): void => {
    const at = [0.5, 0.99, 1].map((share) => quantile(times, share).toFixed(0)).join(", ");
    process.stdout.write(`refreshes ${name}: median, 99th percentile, longest: ${at} ms (${times.length})\n`);
  };

  // The first round fills caches, and is not counted.
  await refresh(grantCount / refreshesPerSecond);
  const quiet = await refresh(Math.max(10, seconds / 3));
  told("in quiet", quiet);
  const before = { service: memoryOf(pid), keeper: memoryOf(keeper), disk: await onDisk() };

  const counts = new Map<string, number>();
  let flooding = true;
  const flood = async (): Promise<void> => {
    const begun = performance.now();
    const open: Promise<void>[] = [];
    for (let n = 0; n < seconds * perSecond; n += 1) {
      const shape = floodShapes[n % floodShapes.length];
      const sent = ask(`${url}/authcode`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-requested-with": "XMLHttpRequest" },
        body: JSON.stringify(shape?.(n)),
      }).then(
        ({ status }) => void counts.set(String(status), (counts.get(String(status)) ?? 0) + 1),
        () => void counts.set("broken off", (counts.get("broken off") ?? 0) + 1),
      );
      open.push(sent);
      const ahead = ((n + 1) * 1000) / perSecond - (performance.now() - begun);
      if (ahead > 5) await sleep(ahead);
    }
    await Promise.all(open);
    flooding = false;
    const lasted = (performance.now() - begun) / 1000;
    process.stdout.write(
      `the flood: ${((seconds * perSecond) / lasted).toFixed(0)} posts a second for ${lasted.toFixed(0)} s, `,
    );
    process.stdout.write(`answered ${JSON.stringify(Object.fromEntries(counts))}\n`);
  };
  const [, busy] = await Promise.all([flood(), refresh(seconds)]);
  if (flooding) throw new Error("the flood has not ended");
  told("in the flood", busy);

  const { text: counters } = await ask(`${service["metrics"] ?? ""}/metrics`);
  const lag = /^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(counters)?.[1];
  const cpu = (of: number): string => {
    const fields = readFileSync(`/proc/${of}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
    return ((Number(fields[11]) + Number(fields[12])) / 100).toFixed(1);
  };
  process.stdout.write(`event loop of the service, lag at the 99th percentile: ${lag ?? "unknown"} s; `);
  process.stdout.write(
    `CPU: service ${cpu(pid)}, keeper ${cpu(keeper)}, sender ${(process.cpuUsage().user / 1e6).toFixed(1)} s\n`,
  );
  const after = { service: memoryOf(pid), keeper: memoryOf(keeper), disk: await onDisk() };
  const [calm, rough] = [quantile(quiet, 0.99), quantile(busy, 0.99)];
  const grown = after.service - before.service + after.keeper - before.keeper;
  const written = after.disk - before.disk;
  process.stdout.write(
    `99th percentile: ${calm.toFixed(0)} ms quiet, ${rough.toFixed(0)} ms in the flood, ratio ${(rough / calm).toFixed(2)}; `,
  );
  process.stdout.write(`allowed: ${(2 * calm + 1_000).toFixed(0)} ms\n`);
  process.stdout.write(`memory: ${grown.toFixed(1)} MB more; allowed: ${limits.memoryMB}; before and after: `);
  process.stdout.write(`service ${before.service.toFixed(0)}, ${after.service.toFixed(0)}, `);
  process.stdout.write(`keeper ${before.keeper.toFixed(0)}, ${after.keeper.toFixed(0)} MB\n`);
  process.stdout.write(`on the disk: ${written.toFixed(2)} MB more; allowed: ${limits.diskMB}\n`);
  if (rough > 2 * calm + 1_000) failures.add("callers waited for the flood");
  if (grown > limits.memoryMB) failures.add("the memory grew");
  if (written > limits.diskMB) failures.add("the disk filled");
  for (const grantId of grantIds) {
    const { text } = await ask(`${url}/v1/grants/${grantId}`, { headers: { authorization } });
    const { state } = JSON.parse(text) as { state: string };
    if (state !== "active") failures.add(`${grantId} is ${state}`);
  }
  const body = JSON.stringify({ authCode: await codeOf("honest@example.com") });
  const headers = { "content-type": "application/json", "x-requested-with": "XMLHttpRequest" };
  const honest = await ask(`${url}/authcode`, { method: "POST", headers, body });
  if (honest.status !== 200) failures.add(`an honest code was answered ${honest.status}`);
  const settled = await refresh(10);
  told("afterwards", settled);
} finally {
  agent.destroy();
  callersAgent.destroy();
  for (const child of children.toReversed()) {
    const ended = once(child, "exit");
    if (child.exitCode === null && child.kill()) await ended;
  }
  await database.drop();
  await rm(folder, { recursive: true, force: true });
}
for (const failure of failures) process.stdout.write(`FAILED: ${failure}\n`);
process.exitCode = failures.size === 0 ? 0 : 1;
