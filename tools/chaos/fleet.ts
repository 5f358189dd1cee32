/** The services of a run: each is killed or stopped now and then, and another one takes its place. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { openSync } from "node:fs";
import { isKeeper, pause, processesOf, signal } from "./processes.ts";
import type { RunningProcess } from "./processes.ts";

/** A place for one service. When the service ends, another one is started in the same slot. */
interface Slot {
  child: ChildProcess;
  url: string | undefined;
  /** Aborts when a fault is injected into the service or its keeper. */
  disturbed: AbortController;
}

/** A fault that was injected into a process. */
export interface InjectedFault {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly kind: "kill" | "pause";
  readonly victim: "service" | "keeper";
}

export class Fleet {
  readonly injectedFaults: InjectedFault[] = [];
  readonly #run: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #logFile: number;
  readonly #slots: Slot[] = [];
  readonly #paused = new Map<number, NodeJS.Timeout>();
  #closing = false;

  /**
   * @param run the name that marks every process of the run
   * @param environment the environment variables of the services
   * @param logPath the file into which the services write their logs
   */
  constructor(run: string, environment: NodeJS.ProcessEnv, logPath: string) {
    this.#run = run;
    this.#environment = environment;
    this.#logFile = openSync(logPath, "a");
  }

  async start(services: number): Promise<void> {
    for (let n = 0; n < services; n++) {
      const slot: Slot = { child: this.#fork(), url: undefined, disturbed: new AbortController() };
      this.#slots.push(slot);
      this.#watch(slot);
    }
    await this.allUp(60_000);
  }

  /** Services that should answer now. `disturbed` aborts when a fault is injected into one. */
  get up(): { readonly url: string; readonly disturbed: AbortSignal }[] {
    return this.#slots.flatMap((slot) =>
      slot.url === undefined || this.#isPaused(slot) ? [] : [{ url: slot.url, disturbed: slot.disturbed.signal }],
    );
  }

  async allUp(withinMs: number): Promise<void> {
    for (const until = performance.now() + withinMs; this.up.length < this.#slots.length; await pause(20)) {
      if (performance.now() > until) throw new Error("not all services answer; look at services.log");
    }
  }

  /** Services and keepers that may be stopped: all but those of the first slot, so that one service always answers. */
  victims(): RunningProcess[] {
    const [first] = this.#slots;
    const own = first?.child.pid;
    return this.all().filter(({ pid, parentPid }) => pid !== own && parentPid !== own);
  }

  /** Services and keepers that run. */
  all(): RunningProcess[] {
    const services = new Set(this.#slots.map(({ child }) => child.pid));
    return processesOf(this.#run).filter((each) => services.has(each.pid) || isKeeper(each));
  }

  get pausedCount(): number {
    return this.#paused.size;
  }

  kill(victim: RunningProcess): void {
    this.#disturb(victim);
    if (signal(victim.pid, "SIGKILL")) this.#record("kill", victim);
  }

  /** Stops a process with SIGSTOP, and lets it go on after `ms`. */
  pause(victim: RunningProcess, ms: number): void {
    if (this.#paused.has(victim.pid) || !signal(victim.pid, "SIGSTOP")) return;
    this.#disturb(victim);
    this.#record("pause", victim);
    this.#paused.set(
      victim.pid,
      setTimeout(() => this.#resume(victim), ms),
    );
  }

  isPaused(pid: number): boolean {
    return this.#paused.has(pid);
  }

  /** Lets every stopped process go on. */
  resumeAll(): void {
    for (const victim of this.all()) this.#resume(victim);
  }

  /**
   * Sends SIGTERM to all services, and resolves when they have ended.
   *
   * @returns whether each ended with 0, within the time
   */
  async stop(withinMs: number): Promise<boolean> {
    this.#closing = true;
    this.resumeAll();
    const codes = await Promise.all(
      this.#slots.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
        const ended = Promise.withResolvers<number | null | "late">();
        child.once("exit", ended.resolve);
        const late = setTimeout(() => ended.resolve("late"), withinMs);
        child.kill("SIGTERM");
        return ended.promise.finally(() => clearTimeout(late));
      }),
    );
    return codes.every((code) => code === 0);
  }

  /** Kills every service and keeper at once. */
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

  #watch(slot: Slot): void {
    slot.child.once("message", (message) => {
      slot.url = (message as { url: string }).url;
    });
    slot.child.once("exit", () => {
      slot.url = undefined;
      if (this.#closing) return;
      // A service that finds its store locked ends at once. Without the wait, starting it anew would take all the
      // processor time that the others need to unlock the store.
      setTimeout(() => {
        if (this.#closing) return;
        slot.child = this.#fork();
        this.#watch(slot);
      }, 100);
    });
  }

  #resume(victim: RunningProcess): void {
    clearTimeout(this.#paused.get(victim.pid));
    if (!this.#paused.delete(victim.pid)) return;
    this.#disturb(victim);
    signal(victim.pid, "SIGCONT");
  }

  #isPaused({ child: { pid } }: Slot): boolean {
    return pid !== undefined && this.#paused.has(pid);
  }

  #disturb({ pid, parentPid }: RunningProcess): void {
    for (const slot of this.#slots) {
      if (slot.child.pid !== pid && slot.child.pid !== parentPid) continue;
      slot.disturbed.abort();
      slot.disturbed = new AbortController();
    }
  }

  #record(kind: InjectedFault["kind"], victim: RunningProcess): void {
    this.injectedFaults.push({ at: Date.now(), kind, victim: isKeeper(victim) ? "keeper" : "service" });
  }
}
