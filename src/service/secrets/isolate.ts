/**
 * Makes the process that serves one that was never given a secret: what it was started with can be read in the process
 * table for as long as it lives, and stays in its memory.
 */
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { notStarted, unavailable } from "../../keeper-process/unavailable.ts";
import { keeperHints } from "../keeper-hints.ts";
import { secretVariablesIn } from "../settings/given-settings.ts";
import type { Settings } from "../settings/settings.ts";
import { smallMemoryFlags, smallMemoryVariables } from "../../keeper-process/small-memory.ts";
import { closedToDebuggers } from "../../keeper-process/closed-to-debuggers.ts";
import { heldVariable } from "./held-secrets.ts";
import { divideSecrets } from "./secret-names.ts";
import type { DividedSecrets } from "./secret-names.ts";

/**
 * Puts this program, in the same process, in the place of itself: with the same id, and without what is secret in its
 * environment, arguments and memory. A process of its own holds that meanwhile. Returns only where the system cannot do
 * that, as Windows cannot.
 *
 * @param settings from flags and environment together
 * @param args what the program is started with then, after its own name
 * @throws {OnbehalfError} `keeper_unavailable`: the process that holds the secrets could not be started
 */
export async function isolate(
  settings: Settings,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const [, program] = process.argv;
  if (process.execve === undefined || process.platform === "win32" || program === undefined) return;
  const divided = divideSecrets(settings, environment, secretVariablesIn(settings.providersFile));
  const address = await startHolder(divided);
  process.execve(process.execPath, [process.execPath, ...flagsFor(environment), program, ...args], {
    ...smallMemoryVariables(divided.open),
    [heldVariable]: address,
  });
}

function flagsFor({ NODE_OPTIONS }: NodeJS.ProcessEnv): string[] {
  return [...new Set([...smallMemoryFlags(process.execArgv, NODE_OPTIONS), ...closedToDebuggers])];
}

async function startHolder({ open, serving, keeper }: DividedSecrets): Promise<string> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const { pathname } = new URL(`holder.${extension}`, import.meta.url);
  const program = [...flagsFor(open), decodeURIComponent(pathname), "start"];
  const child = started(program, smallMemoryVariables(open));
  const failed = once(child, "error").then(([error]) => {
    throw notStarted(error, keeperHints);
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(JSON.stringify({ serving, keeper }));
  for await (const line of createInterface({ input: child.stdout })) {
    failed.catch(() => undefined);
    return line;
  }
  await Promise.race([failed, once(child, "exit")]);
  throw unavailable("the process that holds the secrets ended before it was ready", keeperHints.start);
}

function started(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcessByStdio<Writable, Readable, null> {
  try {
    return spawnHolder(args, env);
  } catch (error) {
    throw notStarted(error, keeperHints);
  }
}

function spawnHolder(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcessByStdio<Writable, Readable, null> {
  return spawn(process.execPath, args, { env, stdio: ["pipe", "pipe", "inherit"], detached: true });
}
