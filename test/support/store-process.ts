/**
 * A process that works on a store, for tests of several. Told what to do by its arguments, a JSON list; prints one line
 * of JSON.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TestContext } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { isOnbehalfError } from "../../src/core/errors.ts";
import { postgres } from "../../src/store/postgres/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import type { Store } from "../../src/store/store.ts";
import { owner, read, tokens } from "../../src/store/suite/rows.ts";

export type Task =
  /** Opens and closes. */
  | { readonly do: "open" }
  /** Refreshes a grant until it is at a generation; answers how many of the commits were its own. */
  | { readonly do: "refresh"; readonly grantId: string; readonly until: number }
  /**
   * Begins attempts on all of these grants at once, over and over, each in the place of the last: `GRANT 0`, `GRANT 1` and so
   * on. Prints each id as soon as it hears that the attempt stands, and goes on until it is killed.
   */
  | { readonly do: "flood"; readonly grantIds: readonly string[] }
  /** Begins an attempt and waits to be killed; answers once it stands. */
  | { readonly do: "hold"; readonly grantId: string; readonly attemptId: string };

/** `sqlite:PATH` or a PostgreSQL connection string. */
export function storeAt(where: string): Store {
  return where.startsWith("sqlite:") ? sqlite(where.slice(7)) : postgres(where);
}

export interface StoreProcess {
  readonly child: ChildProcess;
  /** The first line that it prints. */
  readonly answer: Promise<unknown>;
  /** What it has printed since, each line as it comes. */
  readonly lines: Interface;
}

/** Starts such a process; killed after the test if it still runs. */
export function storeProcess(t: TestContext, where: string, task: Task): StoreProcess {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), where, JSON.stringify(task)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout });
  const answer = once(lines, "line").then(([line]) => JSON.parse(String(line)));
  return { child, answer, lines };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , where = "", task = ""] = process.argv;
  process.stdout.write(`${JSON.stringify(await work(storeAt(where), JSON.parse(task) as Task))}\n`);
}

async function work(store: Store, task: Task): Promise<unknown> {
  try {
    await store.open({ clock: systemClock });
    switch (task.do) {
      case "open":
        return (await store.migrations()).applied;
      case "refresh":
        return await refresh(store, task);
      case "flood":
        return await Promise.all(task.grantIds.map((grantId) => flood(store, grantId)));
      case "hold":
        await store.announceOwner?.(owner(task.attemptId));
        return (await begin(store, task)).kind;
    }
  } catch (error) {
    if (isOnbehalfError(error)) return { error: error.code, message: error.message };
    throw error;
  } finally {
    // A process that was told to hold an attempt holds it until it is killed.
    if (task.do === "hold") setInterval(() => undefined, 60_000);
    else await store.close();
  }
}

async function refresh(store: Store, { grantId, until }: Task & { do: "refresh" }): Promise<number> {
  for (let own = 0; ;) {
    const { generation } = await read(store, grantId);
    if (generation >= until) return own;
    if (await store.commitAttempt(grantId, generation, tokens(String(process.pid)), 1)) own += 1;
  }
}

async function flood(store: Store, grantId: string): Promise<never> {
  for (let count = 0; ; count++) {
    const attemptId = `${grantId} ${count}`;
    const attempt = { grantId, attemptId, generation: 1, owner: owner("flood"), at: 0 };
    const { kind } = await store.beginAttempt(attempt, `${grantId} ${count - 1}`);
    if (kind !== "begun") throw new Error(`${attemptId} was ${kind}`);
    process.stdout.write(`${JSON.stringify(attemptId)}\n`);
  }
}

function begin(store: Store, { grantId, attemptId }: Task & { do: "hold" }): ReturnType<Store["beginAttempt"]> {
  return store.beginAttempt({ grantId, attemptId, generation: 1, owner: owner(attemptId), at: 0 });
}
