/** Whole refreshes and codes: from who asks, by the provider, to the commit. */
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { postgres } from "../../src/store/postgres/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { startProgram } from "../child.ts";
import type { Child } from "../child.ts";
import { fillStore } from "../filled-store.ts";
import { startPostgres } from "../postgres.ts";
import { quantile } from "../quantile.ts";
import { versionOf } from "../result.ts";
import type { Aim, Table } from "../result.ts";
import { inTurn } from "../rounds.ts";
import type { Tell, Told } from "../servers/provider.ts";
import { rowsOf } from "../suite.ts";
import type { Compared, Run, Suite } from "../suite.ts";
import { tell } from "../worker.ts";

const atOnce = 64;
const clientId = "bench-client";

/** Where the contenders of one database keep their grants: each has a database of its own. */
interface Databases {
  readonly kind: "SQLite" | "PostgreSQL";
  /** A new one, as a path or an address. */
  readonly make: (name: string) => Promise<string>;
  readonly settings: string;
  readonly addedMs: number;
  readonly refreshesPerSecond: number;
}

interface Worker {
  readonly name: string;
  readonly child: Child<unknown>;
  readonly settings?: string;
  readonly isOurs: boolean;
}

async function tablesFor(
  run: Run,
  databases: Databases,
  baseUrl: string,
  alone: Child<unknown>,
): Promise<readonly Table[]> {
  await using stack = new AsyncDisposableStack();
  const { kind } = databases;
  const [many, few] = [run.size(2_000, 6), run.size(150, 3)];
  const grants = (many + few) * (run.rounds + 1);
  const started = async (program: string, args: readonly string[]): Promise<Child<unknown>> =>
    stack.adopt(await startProgram<unknown>(program, { args }), (each) => each.end());
  const ours = async (name: string, keeper: string): Promise<Worker> => {
    const where = await databases.make(keeper.replace("-", "_"));
    run.tell(`filling ${kind} for ${name}`);
    const [setting, open] =
      kind === "SQLite"
        ? ([`sqlite:${where}`, () => sqlite(where)] as const)
        : ([where, () => postgres(where)] as const);
    const filled = await fillStore(setting, open, grants, { baseUrl });
    return {
      name,
      child: await started("servers/refreshing.ts", [JSON.stringify(filled), keeper]),
      settings: `exchangeRate of 100,000 a second, otherwise defaults; ${databases.settings}`,
      isOurs: true,
    };
  };
  const workers: Worker[] = [];
  const google = versionOf("google-auth-library");
  if (google === undefined) run.leaveOut("google-auth-library", "not installed: npm ci --prefix bench");
  else {
    workers.push({
      name: `google-auth-library and ${kind === "SQLite" ? "node:sqlite" : "pg"} by hand`,
      child: await started("peers/google-client-by-hand.ts", [
        await databases.make("hand"),
        String(grants),
        baseUrl,
        clientId,
      ]),
      settings: `${google}; a client for each grant, one UPDATE in a transaction of its own; tokens as they come, not sealed; ${databases.settings}`,
      isOurs: false,
    });
  }
  const betterAuth = versionOf("better-auth");
  if (betterAuth === undefined) run.leaveOut("Better Auth", "not installed: npm ci --prefix bench");
  else {
    const users = run.size(500, 3);
    workers.push({
      name: "Better Auth",
      child: await started("peers/better-auth-refreshing.ts", [
        await databases.make("better_auth"),
        String(users),
        baseUrl,
        clientId,
      ]),
      settings: `${betterAuth}; auth.api.getAccessToken of ${users} users, tokens not encrypted (its default), global fetch; codes by genericOAuth: a sign-in and the callback of its redirect, the ID token read and not verified; ${databases.settings}`,
      isOurs: false,
    });
  }
  const peers = workers.map(({ name }) => name);
  const best = peers.at(-1);
  workers.push(await ours("onbehalf, embedded", "in-process"), await ours("onbehalf, with a keeper", "process"));

  const cpuMs = new Map<string, number[]>();
  const perSecond = (worker: Worker, what: string, aim?: Aim): Compared => ({
    name: worker.name,
    ...(worker.settings === undefined ? {} : { settings: worker.settings }),
    ...(worker.isOurs && best !== undefined ? { against: best } : {}),
    ...(aim === undefined ? {} : { aim }),
    async measure() {
      const done = await tell(worker.child, { what, times: many, atOnce });
      const key = `${what} ${worker.name}`;
      cpuMs.set(key, [...(cpuMs.get(key) ?? []), (done.cpuSeconds * 1_000) / many]);
      return many / done.seconds;
    },
  });
  const added = (worker: Worker): Compared => ({
    name: worker.name,
    ...(worker.isOurs ? { aim: { of: "figure", atMost: databases.addedMs } as const } : {}),
    async measure() {
      const task = { what: "refresh", times: few, atOnce: 1, isTimed: true };
      const without = await tell(alone, task);
      const withIt = await tell(worker.child, task);
      return quantile(withIt.tookMs, 0.5) - quantile(without.tookMs, 0.5);
    },
  });
  const aimOf = (worker: Worker, figure: number): Aim | undefined =>
    worker.isOurs && worker.name.includes("keeper") ? { of: "figure", atLeast: figure } : undefined;
  const cpuTable = (title: string, what: string, some: readonly Worker[]): Table => ({
    title,
    unit: "milliseconds of CPU time each, of the process and its keeper",
    rows: some.map(({ name }) => ({ name, figures: (cpuMs.get(`${what} ${name}`) ?? []).slice(run.isTrial ? 0 : 1) })),
  });

  const refreshing = workers.map((worker) => perSecond(worker, "refresh", aimOf(worker, databases.refreshesPerSecond)));
  const refreshed = rowsOf(refreshing, await inTurn(refreshing, run));
  const adding = workers.map(added);
  const addedRows = rowsOf(adding, await inTurn(adding, run));
  const taking = workers.map((worker) => perSecond(worker, "code", aimOf(worker, 1_500)));
  const taken = rowsOf(taking, await inTurn(taking, run));
  return [
    {
      title: `Whole refreshes, ${kind}, ${atOnce} at once`,
      unit: "refreshes per second",
      rows: refreshed,
      notes: [
        `${many} a round, each of another grant; the provider, the database and all contenders share the machine`,
      ],
    },
    cpuTable(`What a refresh costs, ${kind}`, "refresh", workers),
    {
      title: `What a refresh adds to the provider's latency, ${kind}, one at a time`,
      unit: "milliseconds",
      rows: addedRows,
      notes: [`the median of ${few}, less that of the provider, asked by node:http in the same round`],
    },
    {
      title: `Codes taken, ${kind}, ${atOnce} at once`,
      unit: "codes per second",
      rows: taken,
      notes: [`${many} a round, each of another person`],
    },
  ];
}

async function run(run: Run): Promise<readonly Table[]> {
  await using stack = new AsyncDisposableStack();
  const provider = stack.adopt(await startProgram<{ port: number }>("servers/provider.ts"), (each) => each.end());
  const baseUrl = `http://127.0.0.1:${provider.ready.port}`;
  const people = run.size(2_000, 6) * (run.rounds + 1);
  run.tell(`signing ${people} ID tokens`);
  await provider.ask<Told>({ clientId, people } satisfies Tell);
  const alone = stack.adopt(await startProgram<unknown>("servers/asking.ts", { args: [`${baseUrl}/token`] }), (each) =>
    each.end(),
  );
  const folder = await mkdtemp(join(run.folder, "refresh-"));
  const inSqlite = await tablesFor(
    run,
    {
      kind: "SQLite",
      make: async (name) => join(folder, `${name}.db`),
      settings: "a file with journal_mode=WAL and synchronous=FULL",
      addedMs: 2,
      refreshesPerSecond: 2_000,
    },
    baseUrl,
    alone,
  );
  const server = await startPostgres();
  stack.defer(() => server.end());
  const inPostgres = await tablesFor(
    run,
    {
      kind: "PostgreSQL",
      make: server.database,
      settings: `PostgreSQL ${server.version} on the same machine, fsync and synchronous_commit on`,
      addedMs: 4,
      refreshesPerSecond: 1_500,
    },
    baseUrl,
    alone,
  );
  return [...inSqlite, ...inPostgres];
}

export const refresh: Suite = {
  name: "refresh",
  title: "whole refreshes and codes",
  rounds: 3,
  isPinned: false,
  seconds: (rounds) => 45 + rounds * 35,
  run,
};
