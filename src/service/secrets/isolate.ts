/**
 * Makes the process that serves one that was never given a secret: what it was started with can be read in the process
 * table for as long as it lives, and stays in its memory.
 */
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { notStarted } from "../../keeper-process/unavailable.ts";
import { keeperHints } from "../keeper-hints.ts";
import { secretVariablesIn } from "../settings/given-settings.ts";
import type { Settings } from "../settings/settings.ts";
import { flagsForKeeper, variablesForKeeper } from "../../keeper-process/node-flags.ts";
import { smallMemoryFlags, smallMemoryVariables } from "../../keeper-process/small-memory.ts";
import { closedToDebuggers } from "../../keeper-process/closed-to-debuggers.ts";
import { programFile } from "../programs.ts";
import { heldVariable } from "./held-variable.ts";
import type { Holding } from "./holder.ts";
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
  process.execve(process.execPath, [process.execPath, ...flagsFor(process.execArgv, environment), program, ...args], {
    ...smallMemoryVariables(divided.open),
    [heldVariable]: address,
  });
}

function flagsFor(given: readonly string[], { NODE_OPTIONS }: NodeJS.ProcessEnv): string[] {
  return [...new Set([...smallMemoryFlags(given, NODE_OPTIONS), ...closedToDebuggers])];
}

/**
 * Starts the process that holds the secrets, and gives them to it. It does not wait until that one listens: who asks does, and
 * meanwhile this process can be replaced.
 *
 * @returns where it is going to listen
 */
async function startHolder({ open, serving, keeper }: DividedSecrets): Promise<string> {
  const flags = flagsFor(flagsForKeeper(process.execArgv), open);
  const program = [...flags, fileURLToPath(programFile("secrets/holder"))];
  const child = started(program, smallMemoryVariables(variablesForKeeper(open)));
  const address = `${newName()} ${randomBytes(32).toString("hex")} ${child.pid ?? 0}`;
  const holding: Holding = { address, held: { serving, keeper } };
  try {
    await Promise.race([
      once(child, "error").then(([error]) => Promise.reject(error)),
      pipeline([JSON.stringify(holding)], child.stdin),
    ]);
  } catch (error) {
    throw notStarted(error, keeperHints);
  }
  return address;
}

/** On Linux a name in no folder; elsewhere a file in a folder that only this user may enter. */
function newName(): string {
  if (process.platform === "linux") return `@onbehalf-${randomBytes(16).toString("hex")}`;
  return join(mkdtempSync(join(tmpdir(), "onbehalf-")), "secrets");
}

function started(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcessByStdio<Writable, null, null> {
  try {
    // In a process group of its own: what ends this one's group must not end it.
    return spawn(process.execPath, args, { env, stdio: ["pipe", "ignore", "inherit"], detached: true });
  } catch (error) {
    throw notStarted(error, keeperHints);
  }
}
