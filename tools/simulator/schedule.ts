/** One step of a simulated process that waits for its turn: an access to the store, the wire, or the clock. */
interface Step {
  readonly process: SimulatedProcess;
  readonly label: string;
  /** Not before this time, milliseconds. */
  readonly dueAt: number;
  readonly run: () => void;
}

/** A process as the scheduler sees it. */
export class SimulatedProcess {
  readonly name: string;
  /** False once it was killed. */
  alive = true;
  /** It has done what callers asked of it. */
  served = false;
  /** It ended by itself, with nothing left to do. */
  exited = false;
  pausedUntil = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** So many resolved promises may follow one step; a process that has not asked for another by then has ended. */
const longestChain = 60;

/**
 * Runs processes step by step, in an order that the seed decides. Between two steps of one process anything may
 * happen: to others, to the clock, to itself.
 */
export class Schedule {
  now = 1_000_000;
  steps = 0;
  readonly trace: string[] = [];
  readonly random: () => number;
  readonly #waiting: Step[] = [];

  constructor(random: () => number) {
    this.random = random;
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  /** Suspends the process until its turn; then `effect` happens, at that moment and whole. */
  turn<T>(process: SimulatedProcess, label: string, effect: () => T, dueAt = this.now): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(effect());
        } catch (error) {
          reject(error);
        }
      };
      // The dead may have promises that were kept before they died: what follows from them does not happen.
      if (process.alive) this.#waiting.push({ process, label, dueAt, run });
    });
  }

  /** The process stops for good: nothing of it that has not happened yet will. */
  kill(process: SimulatedProcess): void {
    process.alive = false;
    this.trace.push(`${process.name} dies`);
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      if (this.#waiting[index]?.process === process) this.#waiting.splice(index, 1);
    }
  }

  /**
   * Runs until `ended` or until nobody waits.
   *
   * @param between is asked before each step: the place for crashes and pauses
   * @returns whether it ended within the bound
   */
  async run(ended: () => boolean, between: (next: SimulatedProcess) => void, bound: number): Promise<boolean> {
    await this.#settle();
    for (let count = 0; count < bound; count++) {
      if (ended()) return true;
      const step = this.#next() ?? (await this.#settle().then(() => this.#next()));
      if (step === undefined) return ended();
      between(step.process);
      if (!step.process.alive || step.process.pausedUntil > this.now) continue;
      this.#waiting.splice(this.#waiting.indexOf(step), 1);
      this.steps += 1;
      this.trace.push(`${String(this.now - 1_000_000).padStart(8)} ${step.process.name} ${step.label}`);
      step.run();
      await this.#settle();
    }
    return ended();
  }

  /** Somebody whose turn has come, at random; the clock moves on where nobody's has. */
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
      // It waits again: a few more rounds for what else it may have begun beside that.
      if (this.#waiting.length > waiting) left = Math.min(left, 6);
    }
  }
}
