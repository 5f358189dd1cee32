/**
 * `npm run bench:scale`: what each look-up, list and sweep costs a store with many grants, beside one with a thousand, on SQLite
 * and PostgreSQL. All stores are filled before anything is measured, and sizes take turns, round by round.
 *
 * Beside the time stands what nothing else on the machine can change: the pages that PostgreSQL touched, and the steps that SQLite
 * took. Starting, idling, memory and room on the disk are in `npm run bench -- --suite scale`.
 *
 * BENCH_SIZES=1000,100000,1000000 which sizes; default: 1,000 and 300,000. The last is compared with the first.
 * BENCH_STORES=sqlite             one store alone; default: both.
 * BENCH_ROUNDS=9                  rounds that are counted.
 * BENCH_TRIES=200                 how often each piece of work is done in a round.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgres } from "../src/store/postgres/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import type { Store } from "../src/store/store.ts";
import { fillPostgres, fillSqlite } from "../test/support/many-grants.ts";
import { notePostgres, noteSqlite } from "../test/support/noted-statements.ts";
import type { NotedStatement, SentStatement } from "../test/support/noted-statements.ts";
import { PostgresWork, SqliteWork } from "../test/support/statement-work.ts";
import { startPostgres } from "./postgres.ts";
import { cpuSecondsOfAll, ownCpuSeconds } from "./process-cpu.ts";
import { quantile } from "./quantile.ts";
import { worksOn } from "./scale-works.ts";
import type { ScaleWork } from "./scale-works.ts";

const sizes = (process.env["BENCH_SIZES"] ?? "1000,300000").split(",").map(Number);
const kinds = (process.env["BENCH_STORES"] ?? "sqlite,postgres").split(",");
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 9);
const tries = Number(process.env["BENCH_TRIES"] ?? 200);
/** Of so many pieces of work the statements are looked at one by one. */
const looked = 5;

/** A store that has been filled. */
interface Filled {
  readonly kind: string;
  readonly grants: number;
  readonly store: Store;
  /** The processes of the database's server that work for this store alone. */
  readonly servers: readonly number[];
  /** What a piece of work cost the database: pages that PostgreSQL touched, steps that SQLite took; one alone, as a mean. */
  readonly counted: (work: ScaleWork) => Promise<number>;
}

/** What one piece of work cost in each round, milliseconds. */
interface Times {
  readonly cpu: number[];
  readonly wall: number[];
}

const notedSqlite = noteSqlite();
const notedPostgres = notePostgres();
const stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), "onbehalf-bench-"));
stack.defer(() => rm(folder, { recursive: true }));
try {
  const all: Filled[] = [];
  for (const kind of kinds) all.push(...(await (kind === "sqlite" ? allSqlite() : allPostgres())));
  for (const kind of kinds) print(kind, await measure(all.filter((filled) => filled.kind === kind)));
} finally {
  await stack.disposeAsync();
}

async function allSqlite(): Promise<Filled[]> {
  const filled: Filled[] = [];
  for (const grants of sizes) {
    tell(`filling SQLite with ${grants} grants`);
    const path = join(folder, `${grants}.db`);
    await fillSqlite(path, grants);
    const store = sqlite(path);
    await store.open({});
    stack.defer(() => store.close());
    const explained = new SqliteWork(path);
    stack.defer(() => explained.close());
    const counted = (work: ScaleWork): Promise<number> =>
      countedBy(notedSqlite, work, async (statement: NotedStatement) => explained.of(statement).steps);
    filled.push({ kind: "sqlite", grants, store, servers: [], counted });
  }
  return filled;
}

async function allPostgres(): Promise<Filled[]> {
  const server = await startPostgres();
  stack.defer(() => server.end());
  const urls: string[] = [];
  for (const grants of sizes) {
    tell(`filling PostgreSQL with ${grants} grants`);
    const url = await server.database(`scale_${grants}`);
    const store = postgres(url);
    await store.open({});
    await store.close();
    await fillPostgres(url, grants);
    urls.push(url);
  }
  // Or what the fill has left to be written would be written while the smaller stores are measured, or the larger ones.
  await server.ask("CHECKPOINT");
  const filled: Filled[] = [];
  for (const [at, url] of urls.entries()) {
    const grants = sizes[at] ?? 0;
    const store = postgres(url);
    await store.open({});
    stack.defer(() => store.close());
    // Its connections are made when they are needed.
    for (const work of Object.values(worksOn(store, grants))) await work(1);
    const servers = await server.pidsOf(`scale_${grants}`);
    const explained = new PostgresWork(url);
    await explained.open();
    stack.defer(() => explained.close());
    const counted = (work: ScaleWork): Promise<number> =>
      countedBy(notedPostgres, work, async (statement: SentStatement) => (await explained.of(statement)).pages);
    filled.push({ kind: "postgres", grants, store, servers, counted });
  }
  return filled;
}

/** Does it a few times, and has each statement that was noted meanwhile looked at by itself. */
async function countedBy<S extends { readonly text: string }>(
  noted: readonly S[],
  work: ScaleWork,
  cost: (statement: S) => Promise<number>,
): Promise<number> {
  const from = noted.length;
  for (let n = 0; n < looked; n += 1) await work(n);
  let sum = 0;
  for (const statement of noted.slice(from)) {
    if (/^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)/.test(statement.text)) sum += await cost(statement);
  }
  return sum / looked;
}

async function measure(
  filled: readonly Filled[],
): Promise<ReadonlyMap<string, readonly (Times & { counted: number })[]>> {
  const works = filled.map(({ store, grants }) => worksOn(store, grants));
  const names = Object.keys(works[0] ?? {});
  const times = new Map(names.map((name) => [name, filled.map((): Times => ({ cpu: [], wall: [] }))]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      // In every other round in the opposite order: what comes first finds a colder processor.
      const order = [...filled.entries()];
      for (const [at, each] of round % 2 === 0 ? order : order.toReversed()) {
        const work = works[at]?.[name];
        const into = times.get(name)?.[at];
        if (work === undefined || into === undefined) continue;
        const { cpu, wall } = await timed(each, work, round * tries);
        // The first round warms them up.
        if (round === 0) continue;
        into.cpu.push(cpu);
        into.wall.push(wall);
      }
    }
    tell(`${filled[0]?.kind}: round ${round}`);
  }
  const results = new Map<string, (Times & { counted: number })[]>();
  for (const name of names) {
    const counts: number[] = [];
    for (const [at, { counted }] of filled.entries())
      counts.push(await counted(works[at]?.[name] ?? (() => undefined)));
    results.set(
      name,
      (times.get(name) ?? []).map(({ cpu, wall }, at) => ({ cpu, wall, counted: counts[at] ?? Number.NaN })),
    );
  }
  return results;
}

/** @returns milliseconds of one piece: of CPU time, of this process and of the server's, and by the clock on the wall */
async function timed({ servers }: Filled, work: ScaleWork, first: number): Promise<{ cpu: number; wall: number }> {
  const cpuSeconds = (): number => ownCpuSeconds() + cpuSecondsOfAll(servers);
  const [began, before] = [performance.now(), cpuSeconds()];
  for (let n = first; n < first + tries; n += 1) await work(n);
  return { cpu: ((cpuSeconds() - before) * 1_000) / tries, wall: (performance.now() - began) / tries };
}

function print(kind: string, results: ReadonlyMap<string, readonly (Times & { counted: number })[]>): void {
  const counts = kind === "sqlite" ? "steps" : "pages";
  const sizesText = sizes.map((size) => `${size}`).join(" / ");
  process.stdout.write(
    `${kind}, ${sizesText} grants: ${counts}; milliseconds of CPU; of the last to the first, round by round\n`,
  );
  for (const [name, each] of results) {
    const first = each[0]?.cpu ?? [];
    const ratios = (each.at(-1)?.cpu ?? []).map((cpu, at) => cpu / (first[at] ?? Number.NaN));
    process.stdout.write(
      [
        `  ${name}: ${each.map(({ counted }) => counted.toFixed(1)).join(" / ")} ${counts}`,
        each.map(({ cpu }) => quantile(cpu, 0.5).toFixed(3)).join(" / "),
        `${quantile(ratios, 0.5).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
        `by the clock ${each.map(({ wall }) => quantile(wall, 0.5).toFixed(3)).join(" / ")}`,
      ].join("; ") + "\n",
    );
  }
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
