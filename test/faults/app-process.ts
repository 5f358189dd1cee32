import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { allEnded, isKeeper, processesOf, runVariable, signal } from "../../tools/chaos/processes.ts";
import type { TestVault } from "../support/test-vault.ts";
import { keyVariable } from "./app-with-keeper.ts";
import type { AppPlan } from "./app-with-keeper.ts";

/** An app in a process of its own, and its keeper in another. */
export interface AppProcess {
  readonly pid: number;
  /** Process ids of all its living keepers, also once it has died. */
  keepers(): readonly number[];
  output(): string;
  /** How it ended: its exit code, or the signal. */
  readonly ended: Promise<number | string>;
  /** Resolves to whether it and all its keepers end. */
  allEnded(): Promise<boolean>;
}

/** Starts one over the test vault's file, or another place; it ends with the test, and its keepers too. */
export function startApp(
  t: TestContext,
  { path, key, standin, provider: { rotation } }: TestVault,
  plan: Partial<AppPlan>,
  { environment = {}, flags = [] }: { environment?: NodeJS.ProcessEnv; flags?: readonly string[] } = {},
): AppProcess {
  const run = randomUUID();
  const { url, clientId, clientSecret } = standin;
  const whole: AppPlan = { where: `sqlite:${path}`, standin: { url, clientId, clientSecret }, rotation, ...plan };
  const { NODE_TEST_CONTEXT: _runner, ...inherited } = process.env;
  const program = fileURLToPath(new URL("app-with-keeper.ts", import.meta.url));
  const child = spawn(process.execPath, [...flags, program, JSON.stringify(whole)], {
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, as a shell gives to what it starts.
    detached: true,
    env: { ...inherited, [runVariable]: run, [keyVariable]: key.expose(), ...environment },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += String(chunk)));
  const ended = once(child, "close").then(([code, name]) => (code ?? name) as number | string);
  t.after(async () => {
    for (const { pid } of processesOf(run)) signal(pid, "SIGKILL");
    await ended;
  });
  return {
    pid: child.pid ?? 0,
    keepers: () =>
      processesOf(run)
        .filter(isKeeper)
        .map((each) => each.pid),
    output: () => output,
    ended,
    allEnded: () => allEnded(run, 30_000),
  };
}
