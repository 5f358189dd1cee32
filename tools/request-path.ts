/**
 * `node tools/request-path.ts`: how much of `src/` somebody reads who follows one request. Which files and functions one
 * refresh enters, from an expired token to the committed new one, which ones one code exchange enters, and how often
 * each reads the grant's row. With `--max-refresh 30 --max-exchange 32 --max-reads 3` it exits non-zero beyond them.
 *
 * It opens a vault over a SQLite file as an app would, in this process, with the stand-in in another one, so that only
 * the vault's own code counts. What is counted is what V8 saw entered: a file that was only loaded is not on the way.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Session } from "node:inspector/promises";
import type { Profiler } from "node:inspector";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { StatementSync } from "node:sqlite";
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generateMasterKey, keyringFromKeys } from "../src/crypto/master-key.ts";
import { google } from "../src/providers/google.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import { openVault } from "../src/open.ts";

/** Rounds of background work fall into some of the repetitions, and into none of them every time. */
const repetitions = 5;
/** The stand-in's access tokens live an hour. */
const pastExpirySeconds = 3_700;

const root = new URL("../", import.meta.url);

/** What one request entered: `src/…` -> functions, in the order of the file. And the reads that brought a grant's row. */
interface Path {
  readonly files: ReadonlyMap<string, ReadonlySet<string>>;
  readonly reads: readonly string[];
}

type SqliteRow = Record<string, SQLOutputValue>;

interface StandinProcess {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  control(route: string, body: object): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

const { values: limits } = parseArgs({
  options: {
    "max-refresh": { type: "string", default: "Infinity" },
    "max-exchange": { type: "string", default: "Infinity" },
    "max-reads": { type: "string", default: "Infinity" },
  },
});

const { refresh, exchange } = await measure();
process.stdout.write(
  `${listOf("one refresh, from an expired token to the committed new one", refresh)}\n` +
    `${listOf("one code exchange, of a person who signs in for the first time", exchange)}\n` +
    `refresh: ${refresh.files.size} files, ${refresh.reads.length} reads of the grant's row; ` +
    `exchange: ${exchange.files.size} files, ${exchange.reads.length} reads of the grant's row\n`,
);
const beyond =
  refresh.files.size > Number(limits["max-refresh"]) ||
  exchange.files.size > Number(limits["max-exchange"]) ||
  Math.max(refresh.reads.length, exchange.reads.length) > Number(limits["max-reads"]);
process.exit(beyond ? 1 : 0);

async function measure(): Promise<{ refresh: Path; exchange: Path }> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-request-path-"));
  const standin = await startStandinProcess();
  const { clientId, clientSecret, url: baseUrl } = standin;
  let aheadMs = 0;
  const vault = await openVault({
    provider: google({ clientId, clientSecret, baseUrl }),
    store: sqlite(join(folder, "grants.db")),
    keyring: keyringFromKeys(generateMasterKey()),
    // Seams that are ours: what an app hands in is no file of src/.
    clock: { now: () => Date.now() + aheadMs },
    onEvent: () => undefined,
  });
  try {
    const watch = await startWatching();
    const exchanges: Path[] = [];
    const refreshes: Path[] = [];
    // The first one of all fetches the provider's keys and compiles statements; it is not what every request does.
    for (let round = 0; round <= repetitions; round += 1) {
      const code = await newCode(standin, `person-${round}@example.com`);
      const exchanged = await watch(() => vault.exchangeCode({ code }));
      const { grantId } = exchanged.result;
      const before = await vault.getAccessToken(grantId);
      await standin.control("clock", { advance_seconds: pastExpirySeconds });
      const refreshed = await watch(() => {
        aheadMs += pastExpirySeconds * 1_000;
        return vault.getAccessToken(grantId);
      });
      if (refreshed.result.token === before.token) throw new Error("the token was not refreshed");
      if (round === 0) continue;
      exchanges.push(exchanged.path);
      refreshes.push(refreshed.path);
    }
    return { refresh: inEvery(refreshes), exchange: inEvery(exchanges) };
  } finally {
    await vault.close();
    await standin.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function newCode(standin: StandinProcess, email: string): Promise<string> {
  const { code } = await standin.control("code", { email });
  return String(code);
}

type Watch = <T>(request: () => Promise<T>) => Promise<{ readonly result: T; readonly path: Path }>;

/** Switches V8's counting on. The result tells what was entered, and read, while a request ran. */
async function startWatching(): Promise<Watch> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  const reads = noteReads();
  return async (request) => {
    // Taking the counts sets them back to zero.
    await session.post("Profiler.takePreciseCoverage");
    reads.length = 0;
    const result = await request();
    const readNow = [...reads];
    const { result: scripts } = await session.post("Profiler.takePreciseCoverage");
    return { result, path: { files: await entered(scripts), reads: readNow } };
  };
}

/** Notes each read that brings rows of the table of grants, by the text of its statement. */
function noteReads(): string[] {
  const reads: string[] = [];
  // eslint-disable-next-line typescript/unbound-method -- called with its statement below
  const all: (...values: SQLInputValue[]) => SqliteRow[] = StatementSync.prototype.all;
  StatementSync.prototype.all = function noted(this: StatementSync, ...values: unknown[]): SqliteRow[] {
    const rows = all.apply(this, values as SQLInputValue[]);
    const [, where] = /\bFROM grants\b(.*)/s.exec(this.sourceSQL) ?? [];
    if (rows.length > 0 && where !== undefined) reads.push(`FROM grants${where}`);
    return rows;
  };
  return reads;
}

/** Files of ours that were entered. A module's own top level is none of its functions: it ran when it was loaded. */
async function entered(scripts: readonly Profiler.ScriptCoverage[]): Promise<Map<string, Set<string>>> {
  const files = new Map<string, Set<string>>();
  for (const { url, functions } of scripts) {
    if (!url.startsWith(new URL("src/", root).href)) continue;
    const text = await readFile(fileURLToPath(url), "utf8");
    const names = functions
      .filter(({ ranges: [whole] }) => whole !== undefined && whole.count > 0 && whole.startOffset > 0)
      .map(({ functionName, ranges: [whole] }) => {
        const line = text.slice(0, whole?.startOffset).split("\n").length;
        return `${functionName === "" ? "(anonymous)" : functionName}:${line}`;
      });
    if (names.length > 0) files.set(url.slice(root.href.length), new Set(names));
  }
  return files;
}

/** What all repetitions have in common: the rest is background work that happened to fall into some. */
function inEvery(paths: readonly Path[]): Path {
  const [first, ...others] = paths;
  if (first === undefined) throw new TypeError("nothing was measured");
  const files = new Map<string, Set<string>>();
  for (const [file, names] of first.files) {
    const common = [...names].filter((name) => others.every((other) => other.files.get(file)?.has(name)));
    if (common.length > 0) files.set(file, new Set(common));
  }
  const fewest = paths.map(({ reads }) => reads).reduce((one, other) => (other.length < one.length ? other : one));
  return { files, reads: fewest };
}

function listOf(title: string, { files, reads }: Path): string {
  const lines = [...files]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([file, names]) => `  ${file}: ${[...names].join(", ")}\n`);
  return `${title}: ${files.size} files\n${lines.join("")}${reads.map((read) => `  read ${read}\n`).join("")}`;
}

/** The stand-in, in a process of its own, as `onbehalf standin` starts it. */
async function startStandinProcess(): Promise<StandinProcess> {
  const main = fileURLToPath(new URL("src/cli/main.ts", root));
  const child = spawn(process.execPath, [main, "standin", "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  const [line] = await Promise.race([
    once(createInterface(child.stdout), "line") as Promise<[string]>,
    gone.then(() => Promise.reject(new Error("the stand-in ended before it was ready"))),
  ]);
  const ready = JSON.parse(line) as { standin: string; client_id: string; client_secret: string };
  return {
    url: ready.standin,
    clientId: ready.client_id,
    clientSecret: ready.client_secret,
    async control(route, body) {
      const response = await fetch(`${ready.standin}/standin/${route}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const answer = (await response.json()) as Record<string, unknown>;
      if (!response.ok) throw new Error(`/standin/${route}: ${JSON.stringify(answer)}`);
      return answer;
    },
    async stop() {
      child.kill("SIGTERM");
      await gone;
    },
  };
}
