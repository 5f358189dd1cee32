import { readFileSync, readdirSync } from "node:fs";

/** The variable that marks every process of one run, and all that those start: keepers are detached by design. */
export const runVariable = "ONBEHALF_CHAOS_RUN";

export interface RunningProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly command: string;
}

/** Every process that belongs to a run and lives. A zombie does not. */
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
        // It ended while we looked.
        return [];
      }
    });
}

export function isKeeper({ command }: RunningProcess): boolean {
  return /keeper[\\/]main\.[jt]s/.test(command);
}

/** Sends a signal; false where there was nobody any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Whether all processes of a run have ended, waiting for it so long, milliseconds. */
export async function allEnded(run: string, patienceMs: number): Promise<boolean> {
  for (const until = performance.now() + patienceMs; performance.now() < until; await pause(50)) {
    if (processesOf(run).length === 0) return true;
  }
  return processesOf(run).length === 0;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
