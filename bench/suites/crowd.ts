/** Many callers who want the token of one grant at the same time, when it has ended and refresh tokens are good once. */
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { postgres } from "../../src/store/postgres/index.ts";
import { defined } from "../../src/core/defined.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { burst } from "../burst.ts";
import type { Burst } from "../burst.ts";
import { startProgram } from "../child.ts";
import { fillStore, referenceOf, settingsOf } from "../filled-store.ts";
import type { FilledStore } from "../filled-store.ts";
import { tokenRequest } from "../http-contender.ts";
import { startPostgres } from "../postgres.ts";
import { versionOf } from "../result.ts";
import type { Row, Table } from "../result.ts";
import type { Tell, Told } from "../servers/provider.ts";
import { startService } from "../service.ts";
import type { Run, Suite } from "../suite.ts";
import { tell } from "../worker.ts";

const latencyMs = 100;

interface Crowd {
  readonly name: string;
  readonly settings?: string;
  readonly isOurs: boolean;
  /** So many callers ask for the grant of this number. */
  readonly ask: (callers: number, grant: number) => Promise<Burst>;
}

async function run(run: Run): Promise<readonly Table[]> {
  await using stack = new AsyncDisposableStack();
  const sizes = [run.size(200, 4), run.size(1_000, 8)];
  const grants = sizes.length * (run.rounds + 1);
  const started = async <T extends { readonly end: () => Promise<void> }>(starting: Promise<T>): Promise<T> =>
    stack.adopt(await starting, (each) => each.end());
  const provider = await started(startProgram<{ port: number }>("servers/provider.ts"));
  const baseUrl = `http://127.0.0.1:${provider.ready.port}`;
  const told = (message: Tell): Promise<Told> => provider.ask<Told>(message);
  await told({ latencyMs, isRotating: true });
  const folder = await mkdtemp(join(run.folder, "crowd-"));
  const server = await started(startPostgres());

  const workers = async (name: string, program: string, args: readonly string[], processes: number): Promise<Crowd> => {
    const children = await Promise.all(
      Array.from({ length: processes }, () => started(startProgram<unknown>(program, { args }))),
    );
    return {
      name,
      isOurs: program.startsWith("servers/"),
      async ask(callers, grant) {
        const times = callers / processes;
        const task = { what: "crowd", times, atOnce: times, on: grant, mayFail: true };
        const done = await Promise.all(children.map((child) => tell(child, task)));
        return {
          lastMs: Math.max(...done.map(({ seconds }) => seconds * 1_000)),
          failed: done.reduce((sum, { failed }) => sum + failed, 0),
        };
      },
    };
  };
  const services = async (name: string, filled: FilledStore, processes: number): Promise<Crowd> => {
    const all = await Promise.all(Array.from({ length: processes }, () => started(startService(settingsOf(filled)))));
    return {
      name,
      isOurs: true,
      async ask(callers, grant) {
        const request = tokenRequest(referenceOf.id(grant), filled.callerKey);
        const ports = all.map(({ port }) => port);
        return burst(Array.from({ length: callers }, (_, n) => ({ port: ports[n % ports.length] ?? 0, request })));
      },
    };
  };

  const crowds: Crowd[] = [];
  for (const kind of ["SQLite", "PostgreSQL"] as const) {
    for (const processes of [1, 2]) {
      for (const way of ["embedded", "served"] as const) {
        const id = `${way}_${processes}`;
        run.tell(`filling ${kind} for ${id}`);
        const where = kind === "SQLite" ? join(folder, `${id}.db`) : await server.database(id);
        const [setting, open] =
          kind === "SQLite"
            ? ([`sqlite:${where}`, () => sqlite(where)] as const)
            : ([where, () => postgres(where)] as const);
        const filled = await fillStore(setting, open, grants, { baseUrl, isRotating: true });
        const name = `onbehalf, ${kind}, ${way === "served" ? "serve with a keeper" : "embedded"}, ${processes === 1 ? "1 process" : "2 processes"}`;
        crowds.push(
          way === "served"
            ? await services(name, filled, processes)
            : await workers(name, "servers/refreshing.ts", [JSON.stringify(filled), "in-process"], processes),
        );
      }
    }
  }
  const [google, betterAuth] = [versionOf("google-auth-library"), versionOf("better-auth")];
  if (google === undefined) run.leaveOut("google-auth-library", "not installed: npm ci --prefix bench");
  else {
    const args = (process: number): string[] => [
      join(folder, `hand-${process}.db`),
      String(grants),
      baseUrl,
      "bench-client",
    ];
    crowds.push({
      ...(await workers("google-auth-library, 1 process", "peers/google-client-by-hand.ts", args(1), 1)),
      settings: `${google}; one client for all who ask, which asks once; what it gets is in its memory alone`,
    });
  }
  if (betterAuth === undefined) run.leaveOut("Better Auth", "not installed: npm ci --prefix bench");
  else {
    const args = [join(folder, "better-auth.db"), String(grants), baseUrl, "bench-client"];
    crowds.push({
      ...(await workers("Better Auth, SQLite, 1 process", "peers/better-auth-refreshing.ts", args, 1)),
      settings: `${betterAuth}; auth.api.getAccessToken, node:sqlite with WAL and synchronous=FULL`,
    });
  }

  // The first refresh of a process loads what it needs for one; it is not counted.
  let grant = 0;
  const found = sizes.map(() =>
    crowds.map(() => ({ lastMs: [] as number[], exchanges: [] as number[], failed: [] as number[] })),
  );
  for (let round = run.isTrial ? 1 : 0; round <= run.rounds; round += 1) {
    for (const [size, callers] of sizes.entries()) {
      for (const [at, crowd] of crowds.entries()) {
        const { lastMs, failed } = await crowd.ask(callers, grant);
        const { exchanges } = await told({ forgets: true });
        run.tell(
          `round ${round}: ${callers}, ${crowd.name}: ${lastMs.toFixed(0)} ms, ${exchanges} exchanges, ${failed} failed`,
        );
        const figures = found[size]?.[at];
        if (round === 0 || figures === undefined) continue;
        figures.lastMs.push(lastMs);
        figures.exchanges.push(exchanges);
        figures.failed.push(failed);
      }
      grant += 1;
    }
  }
  return sizes.flatMap((callers, size) => {
    const rows = (what: "lastMs" | "exchanges" | "failed", most?: number): Row[] =>
      crowds.map(({ name, settings, isOurs }, at) => {
        const shownSettings = what === "lastMs" ? settings : undefined;
        const aim = isOurs && most !== undefined ? ({ of: "figure", atMost: most } as const) : undefined;
        return defined({ name, figures: found[size]?.[at]?.[what] ?? [], settings: shownSettings, aim });
      });
    const who = `${callers} callers for one grant whose token has ended`;
    return [
      {
        title: `${who}: until the last has its answer`,
        unit: "milliseconds",
        rows: rows("lastMs", callers <= 200 ? 1.5 * latencyMs + 50 : undefined),
        notes: [
          `the provider takes ${latencyMs} ms, replaces each refresh token, and ends the grant where one comes twice`,
        ],
      },
      { title: `${who}: exchanges with the provider`, unit: "exchanges", rows: rows("exchanges", 1) },
      { title: `${who}: callers who got no token`, unit: "callers", rows: rows("failed", 0) },
    ];
  });
}

export const crowd: Suite = {
  name: "crowd",
  title: "many callers for one grant",
  rounds: 5,
  isPinned: false,
  seconds: (rounds) => 40 + rounds * 12,
  run,
};
