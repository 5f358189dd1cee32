/** The agents of one kind: so many processes, each of which is started again when it is killed. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runVariable } from "../chaos/processes.ts";
import { keyVariable } from "./messages.ts";
import type { FromWorker, WorkerOptions } from "./messages.ts";

export interface AgentCounts {
  readonly calls: number;
  readonly unauthorized: number;
  readonly late: number;
  /** Other failures, each with how often it came. */
  readonly failures: ReadonlyMap<string, number>;
  readonly kills: number;
}

export class Agents {
  readonly #options: Omit<WorkerOptions, "seed">;
  readonly #run: string;
  readonly #key: string;
  readonly #onUnauthorized: (person: number) => void;
  readonly #processes: (ChildProcess | undefined)[] = [];
  readonly #failures = new Map<string, number>();
  readonly #ended: Promise<void>[] = [];
  #nextSeed: number;
  #calls = 0;
  #unauthorized = 0;
  #late = 0;
  #kills = 0;
  #isStopping = false;

  constructor(
    options: Omit<WorkerOptions, "seed">,
    {
      run,
      key,
      seed,
      onUnauthorized,
    }: { run: string; key: string; seed: number; onUnauthorized: (person: number) => void },
  ) {
    this.#options = options;
    this.#run = run;
    this.#key = key;
    this.#nextSeed = seed;
    this.#onUnauthorized = onUnauthorized;
  }

  get counts(): AgentCounts {
    return {
      calls: this.#calls,
      unauthorized: this.#unauthorized,
      late: this.#late,
      failures: this.#failures,
      kills: this.#kills,
    };
  }

  /** Resolves when each has opened what it needs. */
  async start(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, at) => this.#start(at)));
  }

  /** `kill -9` of one. False where it is just being started. */
  kill(at: number): boolean {
    const killed = this.#processes[at]?.kill("SIGKILL") ?? false;
    if (killed) this.#kills += 1;
    return killed;
  }

  /** Lets each finish what it is at. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const child of this.#processes) if (child?.connected === true) child.send("stop", () => undefined);
    await Promise.all(this.#ended);
  }

  #start(at: number): Promise<void> {
    const { NODE_TEST_CONTEXT: _runner, ...inherited } = process.env;
    const options: WorkerOptions = { ...this.#options, seed: this.#nextSeed++ };
    const child = fork(fileURLToPath(new URL("worker.ts", import.meta.url)), [JSON.stringify(options)], {
      env: { ...inherited, [runVariable]: this.#run, [keyVariable]: this.#key },
      execArgv: [],
      // The SDK writes a line for each token that it finds in a file.
      stdio: ["ignore", "inherit", this.#options.kind === "files" ? "ignore" : "inherit", "ipc"],
    });
    this.#processes[at] = child;
    const ready = Promise.withResolvers<void>();
    child.on("message", (message: FromWorker) => {
      if (message.type === "ready") ready.resolve();
      else this.#note(message);
    });
    child.on("error", () => undefined);
    this.#ended.push(
      new Promise((resolve) => {
        child.once("exit", (code, signal) => {
          ready.resolve();
          if (signal !== "SIGKILL" && code !== 0) this.#count(`the process ended with ${code ?? signal}`);
          if (!this.#isStopping) void this.#start(at);
          resolve();
        });
      }),
    );
    return ready.promise;
  }

  #note(message: Exclude<FromWorker, { type: "ready" }>): void {
    if (message.type === "called") {
      this.#calls += 1;
      return;
    }
    if (message.why === "other") this.#count(message.what);
    else if (message.why === "late") this.#late += 1;
    else {
      this.#unauthorized += 1;
      this.#onUnauthorized(message.person);
    }
  }

  #count(what: string): void {
    this.#failures.set(what, (this.#failures.get(what) ?? 0) + 1);
  }
}
