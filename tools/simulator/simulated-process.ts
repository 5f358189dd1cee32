/** A process of a schedule, as far as the scheduler and the checks know it. The code that it runs: start-process.ts. */
export class SimulatedProcess {
  readonly name: string;
  /** False once it was killed. */
  alive = true;
  /** It has done the refreshes that its callers asked for. */
  served = false;
  /** It ended by itself, with nothing left to do. */
  exited = false;
  /** What it does just now is asked for by no caller. */
  isInBackground = false;
  /** Until this time it takes no step, as a process that was stopped; milliseconds of virtual time. */
  pausedUntil = 0;

  constructor(name: string) {
    this.name = name;
  }
}
