/** The scheduler: runs simulated processes step by step, in virtual time and in an order that the seed decides. */
import type { SimulatedProcess } from "./simulated-process.ts";

/** One step that a process waits to take: an access to the store, the wire, or the clock. */
interface Step {
  readonly process: SimulatedProcess;
  readonly event: string;
  /** Not before this time, milliseconds. */
  readonly dueAt: number;
  readonly run: () => void;
}

/** Is told of each moment after it happened: who did what, and what came of it. */
export type OnMoment = (who: string, event: string, result: string) => void;

/** Not 0: a time that was forgotten must not pass for one. Milliseconds. */
export const startOfTime = 1_000_000;

/**
 * A chain of this many resolved promises may follow one step. A process that has not asked for another step by then has
 * ended.
 */
const longestChain = 60;

/** Between two steps of one process anything may happen: to other processes, to the clock, to the process itself. */
export class Schedule {
  now = startOfTime;
  steps = 0;
  readonly random: () => number;
  readonly #waiting: Step[] = [];
  readonly #onMoment: OnMoment | undefined;
  #result = "";

  constructor(random: () => number, onMoment?: OnMoment) {
    this.random = random;
    this.#onMoment = onMoment;
  }

  chance(rate: number): boolean {
    return this.random() < rate;
  }

  /** Suspends the process until the scheduler chooses this step; then `effect` happens, whole and at that moment. */
  step<T>(process: SimulatedProcess, event: string, effect: () => T, dueAt = this.now): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(effect());
        } catch (error) {
          reject(error);
        }
      };
      // A killed process may have promises that were resolved before it died: what follows from them must not happen.
      if (process.alive) this.#waiting.push({ process, event, dueAt, run });
    });
  }

  /** For the effect of a step: what came of it, for the trace. */
  setResult(result: string): void {
    this.#result = result;
  }

  /** Adds a moment to the trace that is no step of a process. */
  record(who: string, event: string): void {
    this.#onMoment?.(who, event, "");
  }

  /** The process stops for good: it takes none of the steps that it waits for. */
  kill(process: SimulatedProcess): void {
    process.alive = false;
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      if (this.#waiting[index]?.process === process) this.#waiting.splice(index, 1);
    }
    this.record(process.name, "is killed");
  }

  /**
   * Runs until `ended` or until no process waits for a step.
   *
   * @param beforeStep called before each step with the process that is to take it: the place to inject faults
   * @param limit the most steps
   * @returns whether it ended within the limit
   */
  async run(ended: () => boolean, beforeStep: (next: SimulatedProcess) => void, limit: number): Promise<boolean> {
    await this.#settle();
    for (let count = 0; count < limit; count++) {
      if (ended()) return true;
      const step = this.#next() ?? (await this.#settle().then(() => this.#next()));
      if (step === undefined) return ended();
      beforeStep(step.process);
      if (!step.process.alive || step.process.pausedUntil > this.now) continue;
      this.#waiting.splice(this.#waiting.indexOf(step), 1);
      this.steps += 1;
      this.#result = "";
      step.run();
      this.#onMoment?.(step.process.name, step.event, this.#result);
      await this.#settle();
    }
    return ended();
  }

  /** Any of the steps that are due. Where none is, the clock moves on to the first that will be. */
  #next(): Step | undefined {
    if (this.#waiting.length === 0) return undefined;
    const due = (step: Step): number => Math.max(step.dueAt, step.process.pausedUntil);
    const ready = this.#waiting.filter((step) => due(step) <= this.now);
    if (ready.length > 0) return ready[Math.floor(this.random() * ready.length)];
    this.now = Math.min(...this.#waiting.map(due));
    return this.#next();
  }

  /** Lets every promise run as far as it gets without another step. */
  async #settle(): Promise<void> {
    const waiting = this.#waiting.length;
    let left = longestChain;
    while (left-- > 0) {
      await Promise.resolve();
      // The process waits again. A few more rounds, for what else it may have begun at the same time.
      if (this.#waiting.length > waiting) left = Math.min(left, 6);
    }
  }
}
