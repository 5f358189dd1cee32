/** What many grants cost that nobody asks for: starting, idling, lists, memory, and room on the disk. */
import { spawnSync } from "node:child_process";
import { mkdtemp, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { defined } from "../../src/core/defined.ts";
import { generateMasterKey } from "../../src/index.ts";
import { postgres } from "../../src/store/postgres/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { startCommand, startProgram } from "../child.ts";
import { shown } from "../figures.ts";
import { fillStore, referenceOf, settingsOf } from "../filled-store.ts";
import { connections, mixed, tokenRequest } from "../http-contender.ts";
import type { Listening } from "../http-contender.ts";
import { loadAll } from "../load.ts";
import { startPostgres } from "../postgres.ts";
import type { BenchServer } from "../postgres.ts";
import { cpuSecondsOfAll, memoryOf } from "../process-cpu.ts";
import { versionOf } from "../result.ts";
import type { Aim, Row, Table } from "../result.ts";
import { inTurn } from "../rounds.ts";
import { programs, startService } from "../service.ts";
import { tokensInSqlite } from "../servers/by-hand-tokens.ts";
import { rowsOf } from "../suite.ts";
import type { Compared, Run, Suite } from "../suite.ts";
import { tell } from "../worker.ts";

/** Other numbers of grants than those that are measured by default, such as `1000,300000`. */
const sizes = process.env["BENCH_SIZES"]?.split(",").map(Number);

interface Place {
  readonly name: string;
  readonly kind: "SQLite" | "PostgreSQL";
  readonly grants: number;
  readonly setting: string;
  readonly masterKey: string;
}

/** A store with so many grants that open with no key: nobody asks for their tokens. */
function placeOf(kind: Place["kind"], where: string, grants: number): Place {
  const masterKey = generateMasterKey().expose();
  const program = fileURLToPath(new URL("../servers/filling.ts", import.meta.url));
  const args = [program, kind, where, String(grants), masterKey];
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error(`${where} was not filled`);
  const setting = kind === "SQLite" ? `sqlite:${where}` : where;
  return { name: `onbehalf serve, ${kind}, ${shown(grants)} grants`, kind, grants, setting, masterKey };
}

async function run(run: Run): Promise<readonly Table[]> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(run.quickFolder, "scale-"));
  const server = await startPostgres();
  stack.defer(() => server.end());
  const few = run.size(1_000, 50);
  const program = run.isTrial ? programs.source : builtProgram(run);
  const places: Place[] = [];
  const all = run.isTrial ? [few] : (sizes ?? [few, 100_000, 1_000_000]);
  for (const kind of ["SQLite", "PostgreSQL"] as const) {
    for (const grants of all) {
      run.tell(`filling ${kind} with ${shown(grants)} grants`);
      const where = kind === "SQLite" ? join(folder, `${grants}.db`) : await server.database(`scale_${grants}`);
      places.push(placeOf(kind, where, grants));
    }
  }
  run.tell("waiting until what was written is on the disk");
  await settled(server, places);
  const first = (place: Place): Place | undefined => places.find(({ kind }) => kind === place.kind);
  const settingsFor = ({ setting, masterKey }: Place): NodeJS.ProcessEnv =>
    settingsOf({ setting, masterKey, callerKey: "", grants: 0 });
  const against = (place: Place): { readonly against?: string } =>
    place === first(place) ? {} : { against: first(place)?.name ?? "" };

  // Start: from the first instruction to the line that says that it serves.
  const peers = peersIn(run, folder);
  const timed = async (start: () => Promise<{ readonly end: () => Promise<void> }>): Promise<number> => {
    const since = performance.now();
    const { end } = await start();
    const took = performance.now() - since;
    await end();
    return took;
  };
  const starts: Compared[] = [
    ...peers.map(({ name, settings, start }) => ({ name, settings, measure: () => timed(start) })),
    ...places.map((place) => ({
      name: place.name,
      ...(place === places[0]
        ? { settings: "the built package, defaults; holder, keeper and the process that answers" }
        : {}),
      ...against(place),
      aim: { of: "figure", atMost: 250 } as Aim,
      measure: () => timed(() => startService(settingsFor(place), { program })),
    })),
  ];
  const started = rowsOf(starts, await inTurn(starts, run));

  const lists = await listTables(run, places, first);

  // Idling, all of them at the same time.
  const idling = [
    ...(await Promise.all(
      places.map(async (place) => {
        const service = await startService(settingsFor(place), { program });
        stack.defer(() => service.end());
        return { name: place.name, pids: () => service.pids(), place };
      }),
    )),
    ...(await Promise.all(
      peers.map(async ({ name, start }) => {
        const child = await start();
        stack.defer(() => child.end());
        return { name, pids: () => [child.pid], place: undefined };
      }),
    )),
  ];
  await sleep(run.size(5_000, 10));
  const idleMs = run.size(10_000, 50);
  const idle = idling.map((): number[] => []);
  for (let round = 1; round <= Math.min(run.rounds, 3); round += 1) {
    const before = idling.map(({ pids }) => cpuSecondsOfAll(pids()));
    await sleep(idleMs);
    for (const [at, { pids }] of idling.entries()) {
      idle[at]?.push(((cpuSecondsOfAll(pids()) - (before[at] ?? 0)) * 1e6) / idleMs);
    }
    run.tell(`idle round ${round}`);
  }
  const idleRows: Row[] = idling.map(({ name, place }, at) => {
    const aim = place === undefined ? undefined : ({ of: "figure", atMost: 5 } as const);
    const other = place === undefined ? undefined : against(place).against;
    return defined({ name, figures: idle[at] ?? [], aim, against: other });
  });

  return [
    {
      title: "Start, until it serves",
      unit: "milliseconds",
      rows: started,
    },
    {
      title: "Idle: CPU time of all processes",
      unit: "milliseconds of CPU time a second",
      rows: idleRows,
      notes: [`over ${idleMs / 1_000} s, all at the same time`],
    },
    ...lists,
    ...(await memoryTables(run, folder, program, await roomInPostgres(run, server))),
  ];
}

/**
 * A start that is measured beside what is left of filling measures that: the server looks through its new tables, and the system
 * writes gigabytes.
 */
async function settled(server: BenchServer, places: readonly Place[]): Promise<void> {
  for (const { kind, setting } of places) if (kind === "PostgreSQL") await asked(setting, "VACUUM ANALYZE");
  await server.ask("CHECKPOINT");
  spawnSync("sync");
}

async function asked(address: string, statement: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: address });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(statement);
  await client.end();
  return rows;
}

interface Peer {
  readonly name: string;
  readonly settings: string;
  readonly start: () => Promise<{ readonly pid: number; readonly end: () => Promise<void> }>;
}

function peersIn(run: Run, folder: string): Peer[] {
  const [hono, betterAuth] = [versionOf("hono"), versionOf("better-auth")];
  if (hono === undefined || betterAuth === undefined) {
    run.leaveOut("hono with node:sqlite, and Better Auth", "not installed: npm ci --prefix bench");
    return [];
  }
  const cache = join(folder, "compiled");
  const start = (file: string, args: readonly string[]) => async () => {
    const path = fileURLToPath(new URL(`../peers/${file}`, import.meta.url));
    const child = await startCommand([process.execPath, path, ...args], { env: { NODE_COMPILE_CACHE: cache } });
    return { pid: child.process.pid ?? 0, end: child.end };
  };
  const node = `@hono/node-server ${versionOf("@hono/node-server")}`;
  return [
    {
      name: "hono with node:sqlite by hand",
      settings: `${hono}, ${node}, one table, one route; compile cache warm`,
      start: start("hono-service.ts", [join(folder, "hono.db")]),
    },
    {
      name: "Better Auth behind hono",
      settings: `${betterAuth}, ${node}, node:sqlite, tables made before; compile cache warm`,
      start: start("better-auth-service.ts", [join(folder, "better-auth.db"), "migrate"]),
    },
  ];
}

/** What a user runs is the built package: from source, each start would strip types, too. */
function builtProgram(run: Run): string {
  run.tell("building the package");
  const { status } = spawnSync(process.execPath, ["tools/build.ts"], { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error("the package does not build");
  return programs.built;
}

async function listTables(
  run: Run,
  places: readonly Place[],
  first: (place: Place) => Place | undefined,
): Promise<Table[]> {
  await using stack = new AsyncDisposableStack();
  const embedded = (place: Place): string => place.name.replace("onbehalf serve", "onbehalf, embedded");
  const whats = [
    "a list of a state that no grant is in",
    "a page of 10 that have lapsed",
    "a look-up of a user that is not there",
  ];
  const env = { BENCH_IDLE_MS: String(run.size(10_000, 20)) };
  const children = await Promise.all(
    places.map(async (place) => {
      const child = await startProgram<unknown>("servers/idle-vault.ts", {
        args: [place.setting, place.masterKey],
        env,
      });
      stack.defer(() => child.end());
      return child;
    }),
  );
  const stalls: number[][] = places.map(() => []);
  for (let round = 1; round <= Math.min(run.rounds, 3); round += 1) {
    const done = await Promise.all(
      children.map((child) => tell(child, { what: "stall", times: 1, atOnce: 1, mayFail: true })),
    );
    for (const [at, { failure = "" }] of done.entries()) stalls[at]?.push(Number(/([\d.]+) ms/.exec(failure)?.[1]));
  }
  const tables: Table[] = [
    {
      title: "Embedded, idle: the longest time that the event loop stood still",
      unit: "milliseconds",
      rows: places.map((place, at) => ({
        name: embedded(place),
        figures: stalls[at] ?? [],
        aim: { of: "figure", atMost: 20 } as const,
      })),
    },
  ];
  // So many that what the first hundreds cost, before their code is compiled, is not what is compared.
  const times = run.size(2_000, 2);
  for (const what of whats) {
    const contenders = places.map((place, at): Compared => {
      const base = first(place);
      return {
        name: embedded(place),
        ...(base === undefined || base === place
          ? {}
          : { against: embedded(base), aim: { of: "ratio", atMost: 1.2 } as const }),
        async measure() {
          const child = children[at];
          if (child === undefined) return Number.NaN;
          const { cpuSeconds } = await tell(child, { what, times, atOnce: 1 });
          return (cpuSeconds * 1_000) / times;
        },
      };
    });
    tables.push({
      title: `${what.charAt(0).toUpperCase()}${what.slice(1)}`,
      unit: "milliseconds of CPU time",
      rows: rowsOf(contenders, await inTurn(contenders, run)),
    });
  }
  return tables;
}

async function memoryTables(run: Run, folder: string, program: string, inPostgres: Row): Promise<Table[]> {
  await using stack = new AsyncDisposableStack();
  const grants = run.size(200_000, 100);
  run.tell(`filling a store with ${shown(grants)} grants whose tokens are read`);
  const path = join(folder, "read.db");
  const filled = await fillStore(`sqlite:${path}`, () => sqlite(path), grants);
  const { size } = await stat(path);
  const byHand = join(folder, "hand.db");
  tokensInSqlite(byHand, grants);
  const service = await startService(settingsOf(filled), { program });
  stack.defer(() => service.end());
  const map = await startProgram<Listening>("servers/map-server.ts", { args: [String(grants), filled.callerKey] });
  stack.defer(() => map.end());
  const requests = mixed(grants).map((n) => tokenRequest(referenceOf.id(n), filled.callerKey));
  const megabytes = (pid: number): number => memoryOf(pid).rss / 1e6;
  await loadAll(service.port, requests.slice(0, 100), 100, connections);
  const before = megabytes(service.pid);
  await loadAll(service.port, requests, grants, connections);
  await loadAll(map.ready.port, requests, grants, connections);
  const keeper = service.pids().reduce((sum, pid) => sum + megabytes(pid), 0);
  return [
    {
      title: `Memory after the tokens of ${shown(grants)} grants were read once`,
      unit: "MB in use (resident)",
      rows: [
        {
          name: "onbehalf serve, the process that answers",
          figures: [megabytes(service.pid)],
          aim: { of: "figure", atMost: 250 },
          settings: `the built package, defaults; ${before.toFixed(0)} MB before`,
        },
        { name: "onbehalf serve, all its processes", figures: [keeper] },
        { name: "a Map by hand", figures: [megabytes(map.pid)], settings: "a token and its end in an object each" },
      ],
    },
    {
      title: "Room on the disk",
      unit: "bytes a grant",
      rows: [
        {
          name: `onbehalf, SQLite, ${shown(grants)} grants with a user's id each`,
          figures: [size / grants],
          aim: { of: "figure", atMost: 2_000 },
        },
        inPostgres,
        {
          name: "a token, its end and an id in one table by hand, sealed",
          figures: [(await stat(byHand)).size / grants],
          settings: "node:sqlite, WITHOUT ROWID; an access token alone: no refresh token, nobody's name, no index",
        },
      ],
    },
  ];
}

async function roomInPostgres(run: Run, server: BenchServer): Promise<Row> {
  const grants = run.size(200_000, 100);
  run.tell(`filling PostgreSQL with ${shown(grants)} grants whose room is measured`);
  const address = await server.database("room");
  await fillStore(address, () => postgres(address), grants);
  await asked(address, "VACUUM");
  const [row] = await asked(address, "SELECT pg_database_size(current_database())::float8 AS bytes");
  return {
    name: `onbehalf, PostgreSQL, ${shown(grants)} grants with a user's id each`,
    figures: [Number(row?.["bytes"]) / grants],
    aim: { of: "figure", atMost: 2_000 },
    settings: "the whole database: its catalog, too, which is 8 MB in an empty one",
  };
}

export const scale: Suite = {
  name: "scale",
  title: "many grants that nobody asks for",
  rounds: 5,
  isPinned: false,
  seconds: (rounds) => 400 + rounds * 25,
  run,
};
