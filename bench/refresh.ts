/**
 * `npm run bench:refresh`: whole refreshes and whole sign-ins, from a caller to the commit, against a provider of a few
 * lines in a process of its own. How many a second, one at a time and 64 at once; what each costs of the CPU time of the
 * process that serves, of its keeper, of the provider and of PostgreSQL; and how much one at a time adds to the provider's
 * own latency. In turn with it: the same by hand, a fetch and two commits with node:sqlite.
 *
 * `BENCH_REFRESHES`: how many 64 at once make, of each. `BENCH_ROUNDS`: rounds of all, of which the medians are printed.
 * `BENCH_SETTINGS`: some of the settings, separated by semicolons. `BENCH_STEADY=1`: prints each round as it ends. `BENCH_PROFILE`: a
 * folder, where a CPU profile of each part of the work is written; with the keeper in process it shows all that one costs.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../src/index.ts";
import { postgres } from "../src/store/postgres/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import { newServer } from "../test/support/postgres-server.ts";
import type { PostgresServer } from "../test/support/postgres-server.ts";
import { once } from "./measured-server.ts";
import { quantile } from "./quantile.ts";

const many = Number(process.env["BENCH_REFRESHES"] ?? 4_000);
const few = Math.ceil(many / 8);
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3);
const atOnce = 64;
const clientId = "1234-bench.apps.googleusercontent.com";
/** As long as Google's are. */
const accessToken = `ya29.${"a".repeat(215)}`;

/** One row of what is measured. `cpu` is milliseconds for each, by whose they are. */
interface Figure {
  readonly what: string;
  readonly perSecond: number;
  readonly cpu: Readonly<Record<string, number>>;
}

interface Work {
  readonly setting: string;
  readonly provider: string;
  readonly folder: string;
  readonly database?: string;
  /** Whose CPU time is counted besides that of the process and its keeper. */
  readonly others: Readonly<Record<string, number>>;
}

const settings: readonly string[] = process.env["BENCH_SETTINGS"]?.split(";") ?? [
  "by hand, sqlite",
  "sqlite, embedded",
  "sqlite, keeper",
  "postgres, embedded",
  "postgres, keeper",
];

switch (process.argv[2] ?? "") {
  case "provider":
    provider();
    break;
  case "work":
    process.once("message", (work: Work) => {
      const figures = work.setting.startsWith("by hand") ? byHand(work) : byVault(work);
      void figures.then((told) => process.send?.(told, undefined, {}, () => process.disconnect?.()));
    });
    process.send?.("ready");
    break;
  default:
    await main();
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-bench-"));
  const child = fork(import.meta.filename, ["provider"]);
  const { port } = await once<{ port: number }>(child);
  const server = settings.some((each) => each.includes("postgres")) ? await durableServer() : undefined;
  const found = new Map<string, Figure[]>();
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const [at, setting] of settings.entries()) {
        const database = setting.includes("postgres") ? await newDatabase(server, `bench_${at}_${round}`) : undefined;
        const work: Work = {
          setting,
          provider: `http://127.0.0.1:${port}`,
          folder: join(folder, `${round}-${setting.replaceAll(/\W+/g, "-")}`),
          ...(database === undefined ? {} : { database }),
          others: { provider: child.pid ?? 0, ...(server === undefined ? {} : { database: postmasterOf(server) }) },
        };
        const figures = await inProcess(work);
        for (const figure of figures) {
          const key = `${setting}: ${figure.what}`;
          found.set(key, [...(found.get(key) ?? []), figure]);
          if (process.env["BENCH_STEADY"] !== undefined)
            process.stderr.write(`round ${round}: ${key}: ${shown([figure])}\n`);
        }
      }
    }
    for (const [key, figures] of found) process.stdout.write(`${key}: ${shown(figures)}\n`);
  } finally {
    child.kill();
    await server?.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

function shown(figures: readonly Figure[]): string {
  const middle = (values: readonly number[]): number => quantile([...values], 0.5);
  const perSecond = middle(figures.map((each) => each.perSecond));
  const whose = Object.keys(figures[0]?.cpu ?? {});
  const cpu = whose.map((name) => `${name} ${middle(figures.map((each) => each.cpu[name] ?? 0)).toFixed(2)}`);
  return `${perSecond.toFixed(0)} a second, ${(1_000 / perSecond).toFixed(2)} ms each; CPU ms each: ${cpu.join(", ")}`;
}

async function inProcess(work: Work): Promise<readonly Figure[]> {
  const child: ChildProcess = fork(import.meta.filename, ["work"]);
  await once(child);
  const figures = once<readonly Figure[]>(child);
  child.send(work);
  return figures;
}

/** A PostgreSQL that flushes each commit to the disk: without that, its figures would mean nothing. */
async function durableServer(): Promise<PostgresServer> {
  const server = await newServer({ durable: true });
  await server.start();
  return server;
}

async function newDatabase(server: PostgresServer | undefined, name: string): Promise<string> {
  if (server === undefined) throw new TypeError("there is no server");
  const { Client } = await import("pg");
  const client = new Client({ connectionString: server.url("postgres") });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    // The server is stopped next: whoever is still connected then would hear of it in place of what went wrong.
    await client.end();
  }
  return server.url(name);
}

function postmasterOf({ port }: PostgresServer): number {
  const found = readdirSync("/proc").find((pid) => {
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return args[0]?.endsWith("postgres") === true && args.includes(String(port));
    } catch {
      return false;
    }
  });
  return Number(found ?? 0);
}

/** CPU time of a process and of those that it started, milliseconds. */
function cpuOf(pid: number): number {
  let own: number;
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    own = (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
  return own + childrenOf(pid).reduce((sum, each) => sum + cpuOf(each), 0);
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/**
 * The provider: a token endpoint that looks at nothing, and keys. ID tokens are signed before they are needed, one for each
 * person, so that signing costs nothing while others are measured. The access tokens of codes live a second.
 */
function provider(): void {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k", alg: "RS256", use: "sig" };
  const text = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  // For bench/one-grant.ts: how long a refresh takes, and how many there were.
  const latencyMs = Number(process.env["BENCH_LATENCY"] ?? 0);
  let refreshes = 0;
  const idTokens = new Map<string, string>();
  const idTokenOf = (sub: string): string => {
    const known = idTokens.get(sub);
    if (known !== undefined) return known;
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: "https://accounts.google.com",
      aud: clientId,
      sub,
      iat: now,
      exp: now + 3_600,
      email: `${sub}@example.com`,
      email_verified: true,
    };
    const signed = `${text({ alg: "RS256", kid: "k", typ: "JWT" })}.${text(claims)}`;
    const made = `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
    idTokens.set(sub, made);
    return made;
  };
  const scope = "openid https://www.googleapis.com/auth/userinfo.email";
  const server = createServer((message, response) => {
    const answer = (value: object): void => {
      const body = JSON.stringify(value);
      response.writeHead(200, {
        "content-type": "application/json; charset=utf-8",
        "content-length": Buffer.byteLength(body),
      });
      response.end(body);
    };
    if (message.url?.startsWith("/sign/") === true) {
      for (let n = 0; n < Number(message.url.slice(6)); n += 1) idTokenOf(`p${n}`);
      answer({});
      return;
    }
    if (message.method !== "POST") {
      answer(message.url === "/refreshes" ? { refreshes } : { keys: [jwk] });
      return;
    }
    let body = "";
    message.setEncoding("utf8");
    message.on("data", (chunk: string) => (body += chunk));
    message.on("end", () => {
      const sent = new URLSearchParams(body);
      const person = (sent.get("code") ?? sent.get("refresh_token") ?? "").split("/")[1] ?? "";
      const isCode = sent.has("code");
      refreshes += isCode ? 0 : 1;
      const later = isCode || latencyMs === 0 ? answer : (value: object) => setTimeout(answer, latencyMs, value);
      later({
        access_token: accessToken,
        expires_in: isCode ? 1 : 3_599,
        ...(isCode ? { refresh_token: `1/${person}/${"r".repeat(90)}` } : {}),
        scope,
        token_type: "Bearer",
        id_token: idTokenOf(person),
      });
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
}

async function byVault({ setting, provider: baseUrl, folder, database, others }: Work): Promise<readonly Figure[]> {
  const { mkdir } = await import("node:fs/promises");
  await mkdir(folder, { recursive: true });
  const vault = await openVault({
    provider: google({ clientId, clientSecret: "secret", baseUrl }),
    store: database === undefined ? sqlite(join(folder, "bench.db")) : postgres(database),
    keyring: keyringFromKeys(generateMasterKey()),
    exchangeRate: { perSecond: 100_000, burst: 100_000 },
    keeper: setting.endsWith("keeper") ? "process" : "in-process",
  });
  const [keeper] = childrenOf(process.pid);
  const whose = { ...others, ...(keeper === undefined ? {} : { keeper }) };
  await fetch(`${baseUrl}/sign/${many + 2 * few}`);
  const grantIds: string[] = [];
  const signIn = async (n: number): Promise<void> => {
    grantIds[n] = (await vault.exchangeCode({ code: `4/p${n}/${"c".repeat(60)}`, source: "android" })).grantId;
  };
  const refresh = async (n: number): Promise<void> => {
    await vault.getAccessToken({ grantId: grantIds[n] ?? "" });
  };
  const figures: Figure[] = [];
  // The first few of each warm everything up.
  await measure("", 0, few, atOnce, signIn, whose);
  figures.push(await measure("codes, 64 at once", few, few + many, atOnce, signIn, whose));
  figures.push(await measure("codes, one at a time", few + many, many + 2 * few, 1, signIn, whose));
  // Until the tokens of the codes have ended.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await measure("", 0, few, atOnce, refresh, whose);
  figures.push(await measure("refreshes, 64 at once", few, few + many, atOnce, refresh, whose));
  figures.push(await measure("refreshes, one at a time", few + many, many + 2 * few, 1, refresh, whose));
  const ask = sender(baseUrl);
  figures.push(
    await measure(
      "the provider alone, one at a time",
      0,
      few,
      1,
      async (n) => void (await ask(`refresh_token=1/p${n}/`)),
      others,
    ),
  );
  await vault.close();
  return figures;
}

/** What somebody would write who has one table and no crashes: read the token, send it, write what came, in two commits. */
async function byHand({ provider: baseUrl, folder, others }: Work): Promise<readonly Figure[]> {
  const { mkdir } = await import("node:fs/promises");
  await mkdir(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, "hand.db"));
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(
    "CREATE TABLE grants (id INTEGER PRIMARY KEY, access TEXT, refresh TEXT, expires_at INTEGER, attempt INTEGER) STRICT",
  );
  const insert = database.prepare("INSERT INTO grants (id, refresh) VALUES (?, ?)");
  const begin = database.prepare("UPDATE grants SET attempt = ? WHERE id = ? RETURNING refresh");
  const end = database.prepare("UPDATE grants SET access = ?, expires_at = ?, attempt = NULL WHERE id = ?");
  await fetch(`${baseUrl}/sign/${many + 2 * few}`);
  database.exec("BEGIN");
  for (let n = 0; n < many + 2 * few; n += 1) insert.run(n, `1/p${n}/${"r".repeat(90)}`);
  database.exec("COMMIT");
  const refresh = async (n: number): Promise<void> => {
    const row = begin.get(Date.now(), n) as { refresh: string };
    const response = await fetch(`${baseUrl}/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "refresh_token",
        refresh_token: row.refresh,
        client_id: clientId,
        client_secret: "secret",
      }),
    });
    const answer = (await response.json()) as { access_token: string; expires_in: number };
    end.run(answer.access_token, Date.now() + answer.expires_in * 1_000, n);
  };
  await measure("", 0, few, atOnce, refresh, others);
  const figures = [
    await measure("refreshes, 64 at once", few, few + many, atOnce, refresh, others),
    await measure("refreshes, one at a time", few + many, many + 2 * few, 1, refresh, others),
  ];
  database.close();
  return figures;
}

/** Sends a form and reads the answer, with as little as Node needs for it. */
function sender(baseUrl: string): (body: string) => Promise<string> {
  const agent = new Agent({ keepAlive: true });
  return (body) =>
    new Promise((resolve, reject) => {
      const sent = request(`${baseUrl}/token`, { method: "POST", agent, headers: { "content-length": body.length } });
      sent.once("error", reject);
      sent.once("response", (message) => {
        let text = "";
        message.setEncoding("utf8");
        message.on("data", (chunk: string) => (text += chunk));
        message.once("end", () => resolve(text));
      });
      sent.end(body);
    });
}

/** Does the work for each number, some at a time. */
async function measure(
  what: string,
  from: number,
  to: number,
  lanes: number,
  work: (n: number) => Promise<void>,
  whose: Readonly<Record<string, number>>,
): Promise<Figure> {
  const before = Object.entries(whose).map(([name, pid]) => [name, cpuOf(pid)] as const);
  const own = process.cpuUsage();
  const began = performance.now();
  let next = from;
  const lane = async (): Promise<void> => {
    while (next < to) await work(next++);
  };
  const profiled = what === "" ? undefined : await profile(`${what}.cpuprofile`);
  await Promise.all(Array.from({ length: lanes }, lane));
  await profiled?.();
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(own);
  const cpu = {
    own: (user + system) / 1_000 / (to - from),
    ...Object.fromEntries(before.map(([name, ms]) => [name, (cpuOf(whose[name] ?? 0) - ms) / (to - from)])),
  };
  return { what, perSecond: (to - from) / seconds, cpu };
}

/** Begins a profile of this process, where they are wanted. @returns ends it */
async function profile(name: string): Promise<(() => Promise<void>) | undefined> {
  const folder = process.env["BENCH_PROFILE"];
  if (folder === undefined) return undefined;
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
  return async () => {
    const { profile: taken } = await session.post("Profiler.stop");
    writeFileSync(join(folder, name.replaceAll(" ", "-")), JSON.stringify(taken));
    session.disconnect();
  };
}
