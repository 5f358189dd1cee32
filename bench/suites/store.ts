/** Tokens that are read from the store, over HTTP: not in memory yet, or more of them than memory holds. */
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { postgres } from "../../src/store/postgres/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { postgresDatabase } from "../../tools/chaos/database.ts";
import { startProgram } from "../child.ts";
import { shown } from "../figures.ts";
import { fillStore, referenceOf, settingsOf } from "../filled-store.ts";
import type { FilledStore } from "../filled-store.ts";
import { askedServer, connections, mixed, tokenRequest } from "../http-contender.ts";
import type { Asked, Listening, Server } from "../http-contender.ts";
import { cores } from "../pinning.ts";
import type { Table } from "../result.ts";
import { inTurn } from "../rounds.ts";
import { startService } from "../service.ts";
import { rowsOf } from "../suite.ts";
import type { Compared, Run, Suite } from "../suite.ts";

const bare = "bare node:http, the same body";
const core = cores.server;
/** How many tokens as long as Google's a megabyte of the service's memory holds. */
const tokensInMB = 940;

interface Place {
  readonly title: string;
  readonly filled: FilledStore;
  /** Where what is done by hand keeps its tokens. */
  readonly byHand: string;
  readonly byHandSettings: string;
  /** How many answers a figure is made of. */
  readonly times: number;
  readonly leastOfBare: number;
  /** How many grants are in use at once where there are twice as many as memory holds; not measured where absent. */
  readonly workingSet?: number;
}

async function tableFor(run: Run, place: Place): Promise<Table> {
  await using stack = new AsyncDisposableStack();
  const { filled, times } = place;
  const started = async <T extends { readonly end: () => Promise<void> }>(starting: Promise<T>): Promise<T> =>
    stack.adopt(await starting, (each) => each.end());
  const program = async (file: string, args: readonly string[]): Promise<Server> => {
    const { pid, ready } = await started(startProgram<Listening>(file, { core, args }));
    return { pid, ...ready };
  };
  const requests = mixed(filled.grants).map((n) => tokenRequest(referenceOf.id(n), filled.callerKey));
  const asked = (name: string, server: Server, more: Partial<Asked> = {}): Compared =>
    askedServer(name, server, requests, { times, isOngoing: true, against: bare, ...more });

  const service = await started(startService(settingsOf(filled), { core }));
  const last = `${service.url}/v1/grants/${referenceOf.id(filled.grants - 1)}/token`;
  const answer = await fetch(last, { headers: { authorization: `Bearer ${filled.callerKey}` } });
  const body = await answer.text();
  if (answer.status !== 200) throw new Error(`the service answered ${answer.status}: ${body}`);
  const app = await program("servers/app-server.ts", [JSON.stringify(filled), "none"]);
  const contenders = [
    askedServer(bare, await program("servers/bare.ts", [body]), requests, {
      times,
      settings: `the answer of the token route, ${body.length} bytes, made once`,
    }),
    asked(
      "one read and one GCM open by hand",
      await program("servers/by-hand-server.ts", [place.byHand, String(filled.grants), filled.callerKey]),
      {
        settings: place.byHandSettings,
      },
    ),
    asked("startServer in an app, each grant once", app, {
      aim: { of: "ratio", atLeast: place.leastOfBare },
      settings: "audit: none, so that nothing is written; the token is not in memory yet",
    }),
    asked("onbehalf serve, each grant once", service, {
      settings: "defaults: that a caller got the token is in the audit log before it is answered",
    }),
  ];
  const { workingSet } = place;
  if (workingSet !== undefined) {
    const memory = { ONBEHALF_TOKEN_MEMORY_MB: String(Math.ceil(workingSet / 2 / tokensInMB)) };
    const busy = await started(startService({ ...settingsOf(filled), ...memory }, { core }));
    const draw = (): Buffer => requests[Math.floor(Math.random() * workingSet)] ?? Buffer.alloc(0);
    contenders.push(
      askedServer(`onbehalf serve, ${shown(workingSet)} grants in use at random`, busy, requests.slice(0, workingSet), {
        times,
        draw,
        isWarmed: true,
        against: bare,
        aim: { of: "ratio", atLeast: 0.35 },
        settings: `ONBEHALF_TOKEN_MEMORY_MB=${memory.ONBEHALF_TOKEN_MEMORY_MB}, which is enough for about half of them`,
      }),
    );
  }
  return {
    title: place.title,
    unit: "answers per second of the server's CPU time",
    rows: rowsOf(contenders, await inTurn(contenders, run)),
    notes: [
      `${shown(times)} answers a round, ${connections} connections that are kept open`,
      "the CPU time is that of the Node process alone",
    ],
  };
}

async function run(run: Run): Promise<readonly Table[]> {
  const folder = await mkdtemp(join(run.quickFolder, "store-"));
  const path = join(folder, "grants.db");
  const times = run.size(10_000, 20);
  const workingSet = run.size(60_000, 20);
  run.tell("filling a SQLite file");
  const inSqlite = await tableFor(run, {
    title: "A token from SQLite, over HTTP",
    filled: await fillStore(`sqlite:${path}`, () => sqlite(path), Math.max(times * (run.rounds + 1) + 1, workingSet)),
    workingSet,
    byHand: join(folder, "hand.db"),
    byHandSettings: "node:sqlite, one prepared SELECT by primary key, WITHOUT ROWID, WAL; AES-256-GCM with one key",
    times,
    leastOfBare: 0.3,
  });
  const database = await postgresDatabase();
  try {
    const few = run.size(5_000, 20);
    run.tell("filling a PostgreSQL database");
    const inPostgres = await tableFor(run, {
      title: "A token from PostgreSQL, over HTTP",
      filled: await fillStore(database.setting, () => postgres(database.setting), few * (run.rounds + 1) + 1),
      byHand: database.setting,
      byHandSettings: "pg, a pool of 10, one named statement by primary key; AES-256-GCM with one key",
      times: few,
      leastOfBare: 0.18,
    });
    return [inSqlite, inPostgres];
  } finally {
    await database.drop();
  }
}

export const store: Suite = {
  name: "store",
  title: "tokens that are read from the store, over HTTP",
  rounds: 5,
  isPinned: true,
  seconds: (rounds) => 70 + rounds * 14,
  run,
};
