import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { openSync } from "node:fs";
import { isKeeper, pause, processesOf, signal } from "./processes.ts";
import type { RunningProcess } from "./processes.ts";

/** One place in the fleet: a service, and another one as soon as that has ended. */
interface Berth {
  child: ChildProcess;
  url: string | undefined;
  /** Aborts when something is done to the service or its keeper. */
  calm: AbortController;
}

/** What was done to a process, and when, milliseconds since the epoch. */
export interface Blow {
  readonly at: number;
  readonly what: "kill" | "pause";
  readonly victim: "service" | "keeper";
}

/** Services that are killed and stopped, and come back. */
export class Fleet {
  readonly blows: Blow[] = [];
  readonly #run: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #logFile: number;
  readonly #berths: Berth[] = [];
  readonly #paused = new Map<number, NodeJS.Timeout>();
  #closing = false;

  /**
   * @param run marks every process
   * @param environment settings of the services
   * @param logPath where they write their logs
   */
  constructor(run: string, environment: NodeJS.ProcessEnv, logPath: string) {
    this.#run = run;
    this.#environment = environment;
    this.#logFile = openSync(logPath, "a");
  }

  async start(services: number): Promise<void> {
    for (let n = 0; n < services; n++) {
      const berth: Berth = { child: this.#fork(), url: undefined, calm: new AbortController() };
      this.#berths.push(berth);
      this.#watch(berth);
    }
    await this.allUp(60_000);
  }

  /** Services that answer now, as far as is known; `disturbed` aborts when something is done to one. */
  get up(): { readonly url: string; readonly disturbed: AbortSignal }[] {
    return this.#berths.flatMap((berth) =>
      berth.url === undefined || this.#isPaused(berth) ? [] : [{ url: berth.url, disturbed: berth.calm.signal }],
    );
  }

  async allUp(patienceMs: number): Promise<void> {
    for (const until = performance.now() + patienceMs; this.up.length < this.#berths.length; await pause(20)) {
      if (performance.now() > until) throw new Error("the services do not come up; look at services.log");
    }
  }

  /** Services and keepers, those of the first berth aside: somebody has to be there. */
  expendable(): RunningProcess[] {
    const [first] = this.#berths;
    const own = first?.child.pid;
    return this.all().filter(({ pid, parentPid }) => pid !== own && parentPid !== own);
  }

  all(): RunningProcess[] {
    const services = new Set(this.#berths.map(({ child }) => child.pid));
    return processesOf(this.#run).filter((each) => services.has(each.pid) || isKeeper(each));
  }

  get pausedCount(): number {
    return this.#paused.size;
  }

  kill(victim: RunningProcess): void {
    this.#disturb(victim);
    if (signal(victim.pid, "SIGKILL")) this.#note("kill", victim);
  }

  /** Stops a process with SIGSTOP and lets it go on after `ms`. */
  pause(victim: RunningProcess, ms: number): void {
    if (this.#paused.has(victim.pid) || !signal(victim.pid, "SIGSTOP")) return;
    this.#disturb(victim);
    this.#note("pause", victim);
    this.#paused.set(
      victim.pid,
      setTimeout(() => this.#resume(victim), ms),
    );
  }

  isPaused(pid: number): boolean {
    return this.#paused.has(pid);
  }

  /** Everybody goes on. */
  resumeAll(): void {
    for (const victim of this.all()) this.#resume(victim);
  }

  /** SIGTERM to all services. Resolves when they have ended; true where each ended with 0, in time. */
  async stop(patienceMs: number): Promise<boolean> {
    this.#closing = true;
    this.resumeAll();
    const codes = await Promise.all(
      this.#berths.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
        const ended = Promise.withResolvers<number | null | "late">();
        child.once("exit", ended.resolve);
        const late = setTimeout(() => ended.resolve("late"), patienceMs);
        child.kill("SIGTERM");
        return ended.promise.finally(() => clearTimeout(late));
      }),
    );
    return codes.every((code) => code === 0);
  }

  /** Ends everything at once. */
  abandon(): void {
    this.#closing = true;
    for (const timer of this.#paused.values()) clearTimeout(timer);
    for (const { pid } of this.all()) signal(pid, "SIGKILL");
  }

  #fork(): ChildProcess {
    return fork(new URL("service.ts", import.meta.url), {
      env: this.#environment,
      stdio: ["ignore", this.#logFile, this.#logFile, "ipc"],
    });
  }

  #watch(berth: Berth): void {
    berth.child.once("message", (message) => {
      berth.url = (message as { url: string }).url;
    });
    berth.child.once("exit", () => {
      berth.url = undefined;
      if (this.#closing) return;
      // A store that is locked keeps one from starting: not every processor second belongs to trying again.
      setTimeout(() => {
        if (this.#closing) return;
        berth.child = this.#fork();
        this.#watch(berth);
      }, 100);
    });
  }

  #resume(victim: RunningProcess): void {
    clearTimeout(this.#paused.get(victim.pid));
    if (!this.#paused.delete(victim.pid)) return;
    this.#disturb(victim);
    signal(victim.pid, "SIGCONT");
  }

  #isPaused({ child: { pid } }: Berth): boolean {
    return pid !== undefined && this.#paused.has(pid);
  }

  #disturb({ pid, parentPid }: RunningProcess): void {
    for (const berth of this.#berths) {
      if (berth.child.pid !== pid && berth.child.pid !== parentPid) continue;
      berth.calm.abort();
      berth.calm = new AbortController();
    }
  }

  #note(what: Blow["what"], victim: RunningProcess): void {
    this.blows.push({ at: Date.now(), what, victim: isKeeper(victim) ? "keeper" : "service" });
  }
}
