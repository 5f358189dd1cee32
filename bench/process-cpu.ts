/** What processes have used, read from the process table of Linux. */
import { readFileSync, readdirSync } from "node:fs";

/**
 * CPU time that a process has used, of its threads that live, in seconds. It is counted in nanoseconds: the times of
 * `/proc/PID/stat` have steps of 10 ms.
 */
export function cpuSecondsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    try {
      const [ran = "0"] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ");
      return sum + Number(ran) / 1e9;
    } catch {
      // The thread ended while it was read.
      return sum;
    }
  }, 0);
}

/**
 * CPU time that this process has used, in seconds. Of a process that runs at this moment the process table is up to four
 * milliseconds behind, as much as a hundred short look-ups take.
 */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** CPU time of several processes together, in seconds; one that has ended counts for nothing. */
export function cpuSecondsOfAll(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    try {
      return sum + cpuSecondsOf(pid);
    } catch {
      return sum;
    }
  }, 0);
}

/** Memory that a process has in use, in bytes: all of it, and what it shares with no file. */
export function memoryOf(pid: number): { readonly rss: number; readonly anonymous: number } {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) * 1024;
  return { rss: bytes("VmRSS"), anonymous: bytes("RssAnon") };
}

/** The processes that a process has started and that have not ended. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1").trim().split(" ").filter(Boolean).map(Number),
  );
}
