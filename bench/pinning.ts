/**
 * Which processor runs what: the server that is measured has one to itself, and the program that asks it another one, so that
 * the two do not take turns. Where there is one processor only, or no `taskset`, nothing is pinned, and the result says so.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** The processors of the server and of those who ask it. */
export const cores = { server: 0, client: 1 } as const;

/** Read before this process is pinned: afterwards Node counts one. */
const processors = availableParallelism();
const everywhere = `0-${processors - 1}`;

/** Whether processes can be pinned here. */
export const canPin: boolean = processors > 1 && hasTaskset();

/** Pins this process, with all its threads, to the clients' processor, or lets it run on all of them again. */
export function pinThisProcess(isPinned: boolean): void {
  if (!canPin) return;
  const where = isPinned ? String(cores.client) : everywhere;
  execFileSync("taskset", ["-acp", where, String(process.pid)], { stdio: "ignore" });
}

/**
 * The command that starts a program.
 *
 * @param core where it is pinned; the whole machine by default, whatever this process is pinned to
 */
export function pinned(command: readonly string[], core?: number): readonly [program: string, ...args: string[]] {
  const [program = "", ...args] = command;
  if (!canPin) return [program, ...args];
  return ["taskset", "-c", String(core ?? everywhere), program, ...args];
}

function hasTaskset(): boolean {
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
