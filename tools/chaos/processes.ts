/** The processes of a run, found in the process table of Linux by a variable in their environment. */
import { readFileSync, readdirSync } from "node:fs";

/** Every process of a run has this variable, and passes it on: keepers are detached, so they are no children of it. */
export const runVariable = "ONBEHALF_CHAOS_RUN";

export interface RunningProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly command: string;
}

/** Every living process of a run. A zombie does not count as living. */
export function processesOf(run: string): RunningProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const environment = readFileSync(`/proc/${name}/environ`, "latin1");
        if (!environment.split("\0").includes(`${runVariable}=${run}`)) return [];
        const stat = readFileSync(`/proc/${name}/stat`, "latin1");
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (state === "Z" || state === "X") return [];
        const command = readFileSync(`/proc/${name}/cmdline`, "latin1").split("\0").join(" ");
        return [{ pid: Number(name), parentPid: Number(parent), command }];
      } catch {
        // The process ended while it was read.
        return [];
      }
    });
}

export function isKeeper({ command }: RunningProcess): boolean {
  return /keeper(?:-process[\\/]child)?[\\/]process\.[jt]s|killing-keeper\.ts/.test(command);
}

/**
 * Sends a signal; false where the process does not exist any more.
 *
 * @throws TypeError for 0 and below: that is a whole group of processes, the one that asks among them
 */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  if (pid <= 0) throw new TypeError(`${pid} is no process id`);
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Waits until all processes of a run have ended. @returns whether they have, within the time */
export async function allEnded(run: string, withinMs: number): Promise<boolean> {
  for (const until = performance.now() + withinMs; performance.now() < until; await pause(50)) {
    if (processesOf(run).length === 0) return true;
  }
  return processesOf(run).length === 0;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
