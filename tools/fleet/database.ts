/**
 * One PostgreSQL as a queue. A transaction costs CPU time on some cores; one that changes grants then waits for the lock
 * on the change counter, which it holds until its commit is on disk. Each process commits what is due together in one
 * transaction, two at a time, as the store does.
 */
import type { Calendar } from "./calendar.ts";
import { Durations, PerSecond } from "./figures.ts";

/** What things cost the database's server, measured. Milliseconds of CPU time where nothing else is said. */
export interface UnitCosts {
  readonly cores: number;
  /** A transaction by itself. */
  readonly transaction: number;
  /** The record of an attempt, in a transaction. */
  readonly attempt: number;
  /** The commit of an answer, with its change number and its row of the audit log. */
  readonly commit: number;
  /** The end of an attempt that brought nothing. */
  readonly end: number;
  /** A grant read for a caller. */
  readonly read: number;
  /** A look for changes, and each change that it finds. */
  readonly look: number;
  readonly change: number;
  /** A page of a sweep, and each row in it. */
  readonly page: number;
  readonly row: number;
  /** How long one flush of the log to the disk takes, and one round trip to the server, milliseconds. */
  readonly flush: number;
  readonly roundTrip: number;
}

export type Write = "attempt" | "commit" | "end";

interface Item {
  readonly what: Write;
  readonly at: number;
  readonly apply: () => void;
  readonly fail: () => void;
}

/** The transactions of one process. */
export interface Lane {
  waiting: Item[];
  underWay: number;
  /** Set where its process was killed: what it has not sent is never sent. */
  isClosed: boolean;
}

export function openLane(): Lane {
  return { waiting: [], underWay: 0, isClosed: false };
}

/** How many transactions of a process are under way, how many writes one takes, and in how many round trips. */
const [places, mostTogether, trips] = [2, 256, { attempt: 3, commit: 4, end: 3 }] as const;

/** How long a process waits for a connection that is lost before it says that the database is away, milliseconds. */
const failsAfterMs = 20;

export class Database {
  readonly #calendar: Calendar;
  readonly #costs: UnitCosts;
  /** Until when the cores, the lock and the disk are taken, milliseconds. */
  #cpuUntil = 0;
  #lockUntil = 0;
  #flushUntil = 0;
  #queued = 0;
  isDown = false;
  /** Incremented by each failover: transactions that were under way have failed. */
  #life = 0;
  readonly cpu: PerSecond;
  readonly transactions: PerSecond;
  /** Transactions that tell the others to look for changes. */
  readonly notifications: PerSecond;
  readonly writes: PerSecond;
  readonly reads: PerSecond;
  readonly queue: PerSecond;
  readonly writeTook = new Durations();

  constructor(calendar: Calendar, costs: UnitCosts, seconds: number) {
    this.#calendar = calendar;
    this.#costs = costs;
    const series = (): PerSecond => new PerSecond(seconds);
    [this.cpu, this.transactions, this.notifications] = [series(), series(), series()];
    [this.writes, this.reads, this.queue] = [series(), series(), series()];
  }

  get #second(): number {
    return Math.floor(this.#calendar.now / 1_000);
  }

  /** Counts what a second's statements cost that nobody waits for. */
  charge(ms: number): void {
    this.cpu.add(this.#second, ms);
    this.#cpuUntil = Math.max(this.#calendar.now, this.#cpuUntil) + ms / this.#costs.cores;
  }

  /** A look for changes that found so many. */
  look(changes: number, times = 1): void {
    this.charge(times * this.#costs.look + changes * this.#costs.change);
  }

  /** A sweep that reads so many rows. */
  sweep(rows: number, pageSize: number): void {
    this.charge((Math.floor(rows / pageSize) + 1) * this.#costs.page + rows * this.#costs.row);
  }

  /** Reads a grant. Returns how long that takes, milliseconds; undefined where the database is away. */
  read(): number | undefined {
    if (this.isDown) return undefined;
    this.reads.add(this.#second);
    this.charge(this.#costs.read);
    return Math.max(0, this.#cpuUntil - this.#calendar.now);
  }

  /**
   * Writes, in the next transaction of the process.
   *
   * @param apply what changes when it is committed; its result is the write's
   * @returns undefined where the database is away, and nothing was written
   */
  write<T>(lane: Lane, what: Write, apply: () => T): Promise<{ readonly value: T } | undefined> {
    return new Promise((resolve) => {
      if (lane.isClosed) return;
      this.#queued += 1;
      this.queue.most(this.#second, this.#queued);
      const at = this.#calendar.now;
      lane.waiting.push({ what, at, apply: () => resolve({ value: apply() }), fail: () => resolve(undefined) });
      if (lane.underWay < places) this.#begin(lane);
    });
  }

  fail(): void {
    this.isDown = true;
    this.#life += 1;
  }

  recover(): void {
    this.isDown = false;
    const { now } = this.#calendar;
    [this.#cpuUntil, this.#lockUntil, this.#flushUntil] = [now, now, now];
  }

  /** A process was killed: what it has sent is committed, what waits is not. */
  close(lane: Lane): void {
    lane.isClosed = true;
    this.#queued -= lane.waiting.length;
    lane.waiting = [];
  }

  #begin(lane: Lane): void {
    const items = lane.waiting.splice(
      0,
      Math.min(mostTogether, Math.ceil(lane.waiting.length / (places - lane.underWay))),
    );
    if (items.length === 0) return;
    lane.underWay += 1;
    const { now } = this.#calendar;
    const life = this.#life;
    const end = this.isDown ? now + failsAfterMs : this.#commitsAt(items);
    this.#calendar.timer(end, () => {
      this.#calendar.touch();
      this.#queued -= items.length;
      const failed = this.isDown || life !== this.#life;
      for (const item of items) {
        if (failed) item.fail();
        else {
          this.writeTook.add(end - item.at);
          item.apply();
        }
      }
      lane.underWay -= 1;
      if (!lane.isClosed) this.#begin(lane);
    });
  }

  /** When a transaction of these writes is on disk. */
  #commitsAt(items: readonly Item[]): number {
    const { transaction, flush } = this.#costs;
    this.transactions.add(this.#second);
    this.writes.add(this.#second, items.length);
    let numbered = 0;
    let cost = transaction;
    let roundTrips = 0;
    for (const { what } of items) {
      cost += this.#costs[what];
      roundTrips = Math.max(roundTrips, trips[what]);
      if (what !== "attempt") numbered += 1;
    }
    this.charge(cost);
    const done = this.#cpuUntil + roundTrips * this.#costs.roundTrip;
    if (numbered === 0) {
      // What is ready while the disk is flushed shares the next flush.
      const next = this.#flushUntil;
      if (done <= next - flush) return next;
      this.#flushUntil = Math.max(done, next) + flush;
      return this.#flushUntil;
    }
    this.notifications.add(this.#second);
    // Numbered by a row whose lock is held until the flush: one transaction after another.
    this.#lockUntil = Math.max(done, this.#lockUntil) + flush;
    return this.#lockUntil;
  }
}
