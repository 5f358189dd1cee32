/** The services of a run: who is asked, who waits, and what keepers do without being asked. */
import { idleBefore, isKeepAliveDue, keepAliveSlots } from "../../src/core/keep-alive.ts";
import { isFresh } from "../../src/core/token-life.ts";
import { mayTakeOver } from "../../src/core/take-over.ts";
import { holderWaitMs } from "../../src/core/timing.ts";
import { atOnce, pageSize } from "../../src/vault/keeper/keep-alive.ts";
import { rounds } from "../../src/vault/keeper/upkeep.ts";
import { changePollMs } from "../../src/vault/tokens/change-poll.ts";
import { Process } from "./process.ts";
import type { Caller, Flight } from "./process.ts";
import { refreshGrant } from "./refresh.ts";
import type { Outcome, Reason } from "./refresh.ts";
import { exponential, poisson, sessionsASecond } from "./usage.ts";
import type { Usage } from "./usage.ts";
import { events, givenOut, leaveToUpkeep, tokenLifeMs } from "./model.ts";
import type { FleetModel } from "./model.ts";

/** How long a token must still live to be handed out, milliseconds: the default of `getAccessToken`. */
const minTtlMs = 60_000;
/** The longest pause of a caller that is turned away again and again, milliseconds. */
const longestPauseMs = 300_000;
/** How often somebody in a session comes back before they give up. A program never gives up. */
const mostTries = 8;

/** What keep-alive waits for where another refresh of the grant is under way in its process. */
const joined = Promise.resolve();

/** In a use's detail: that it is of a program, which goes on all day. Otherwise how many uses the session has left. */
const steadyUse = 1 << 10;

export interface FleetOptions {
  readonly services: number;
  readonly usage: Usage;
  readonly startHour: number;
  readonly keepAliveDays: number;
  /** How soon after one look for changes a commit makes a service look again, milliseconds; undefined: it only polls. */
  readonly hintMs: number | undefined;
  /** By which service a grant's callers are served: any of them, or always the same one. */
  readonly routing: "any" | "by-grant";
}

export class Fleet {
  readonly model: FleetModel;
  readonly processes: Process[];
  readonly #options: FleetOptions;
  readonly #steady: number;
  readonly #active: number;
  /** Grants that nobody uses, by the minute in which they become due. */
  readonly #dueIn = new Map<number, number[]>();
  #due: number[] = [];
  #lives = 0;
  /** Whether uses begin. At the end of a run they do not, so that what is under way can end. */
  isUsed = true;
  readonly #life = { issuedAt: 0, expiresAt: 0, isRefreshable: true };

  constructor(model: FleetModel, options: FleetOptions) {
    this.model = model;
    this.#options = options;
    this.#steady = Math.floor(model.grants.count * options.usage.steady);
    this.#active = Math.floor(model.grants.count * options.usage.active);
    this.processes = Array.from({ length: options.services }, (_, service) => this.#newProcess(service));
    for (const { service } of this.processes) this.#startUpkeep(service);
  }

  #newProcess(service: number): Process {
    this.#lives += 1;
    return new Process(this.model, service, this.#lives);
  }

  /** The first use of each steady grant, within the first minutes. */
  beginSteadyUses(withinMs: number): void {
    const { calendar, random } = this.model;
    for (let grant = 0; grant < this.#steady; grant += 1) {
      calendar.add(random() * withinMs, events.use, grant, steadyUse);
    }
  }

  /** A grant that nobody uses becomes due at a time. */
  idleUntil(grant: number, dueAt: number): void {
    const minute = Math.max(0, Math.floor(dueAt / 60_000));
    const due = this.#dueIn.get(minute);
    if (due === undefined) this.#dueIn.set(minute, [grant]);
    else due.push(grant);
  }

  /** Begins the sessions of a second, and what keepers do each second. */
  second(second: number): void {
    const { calendar, random, grants, counts, database, attempts } = this.model;
    const { usage, startHour, hintMs } = this.#options;
    if (this.isUsed) {
      const sessions = poisson(sessionsASecond(usage, grants.count, startHour + second / 3_600), random);
      for (let n = 0; n < sessions; n += 1) {
        const grant = this.#steady + Math.floor(random() * this.#active);
        const uses = Math.min(63, Math.floor(exponential(usage.usesASession, random)));
        calendar.add(second * 1_000 + 1_000 + random() * 1_000, events.use, grant, uses);
      }
    }
    if (second % 60 === 0) {
      // Those of the minute that has passed: all of them are due now.
      const minute = second / 60 - 1;
      const due = this.#dueIn.get(minute);
      if (due !== undefined) this.#due = [...this.#due, ...due];
      this.#dueIn.delete(minute);
    }
    const changes = counts.changes.at(second);
    const hinted = hintMs === undefined ? 0 : Math.min(database.notifications.at(second), 1_000 / hintMs);
    database.look(changes * this.processes.length, this.processes.length * Math.max(1_000 / changePollMs, hinted));
    database.sweep(attempts.size * this.processes.length, 10_000);
    counts.attemptsOpen.most(second, attempts.size);
    let queued = 0;
    let waiters = 0;
    let oldest = calendar.now;
    for (const { gate, flights } of this.processes) {
      queued += gate.queued;
      for (const { callers, beganAt } of flights.values()) {
        if (callers.length === 0) continue;
        waiters += callers.length;
        if (beganAt < oldest) oldest = beganAt;
      }
    }
    counts.gateQueue.add(second, queued);
    counts.waiters.add(second, waiters);
    counts.oldestWaiting.add(second, calendar.now - oldest);
  }

  handle(kind: number, grant: number, detail: number): void {
    if (kind === events.use) this.#use({ grant, askedAt: this.model.calendar.now, detail, tries: 0 });
    else if (kind === events.ahead) this.#ahead(grant, detail & 31, detail >>> 5);
    else this.#seen(grant);
  }

  #route(grant: number): Process | undefined {
    const { services, routing } = this.#options;
    const first = routing === "by-grant" ? grant % services : Math.floor(this.model.random() * services);
    for (let n = 0; n < services; n += 1) {
      const process = this.processes[(first + n) % services];
      if (process?.isOpen === true) return process;
    }
    return undefined;
  }

  #isFresh(grant: number, ttlMs: number): boolean {
    const life = this.#life;
    life.issuedAt = this.model.grants.issuedAt[grant] ?? 0;
    life.expiresAt = life.issuedAt + tokenLifeMs;
    return isFresh(life, this.model.calendar.now, ttlMs);
  }

  /** Somebody asks for a token. */
  #use(caller: Caller): void {
    const { grants, counts, calendar, database } = this.model;
    const { grant, tries } = caller;
    const second = Math.floor(calendar.now / 1_000);
    if (tries === 0) this.#countUse(grant, second);
    const process = this.#route(grant);
    if (process === undefined) return this.#turnAway(caller, 1_000);
    const holds = ((grants.held[grant] ?? 0) & ~(grants.stale[grant] ?? 0) & process.bit) !== 0;
    if (holds && this.#isFresh(grant, minTtlMs)) {
      counts.fromMemory.add(second);
      const isPassedOver = ((grants.used[grant] ?? 0) & process.bit) === 0;
      grants.used[grant] = (grants.used[grant] ?? 0) | process.bit;
      // It was due to be refreshed ahead while it counted as not in use.
      if (isPassedOver && calendar.now - (grants.issuedAt[grant] ?? 0) > tokenLifeMs * 0.85) {
        void this.#begin(process, grant, grants.generation[grant] ?? 0, "ahead");
      }
      return this.#served(caller, 0);
    }
    const readMs = database.read();
    if (readMs === undefined) {
      return holds && this.#isFresh(grant, 0) ? this.#served(caller, 0) : this.#turnAway(caller, 1_000);
    }
    if (this.#isFresh(grant, minTtlMs)) {
      process.keep(grant);
      return this.#served(caller, readMs);
    }
    void this.#begin(process, grant, grants.generation[grant] ?? 0, "interactive", caller);
  }

  #countUse(grant: number, second: number): void {
    const { grants, counts } = this.model;
    counts.uses.add(second);
    const hour = (Math.floor(second / 3_600) % 100) + 1;
    const asked = grants.asked[grant] ?? 0;
    if ((asked & 0x7f) === hour) return;
    counts.used.add(second);
    grants.asked[grant] = (asked & givenOut) | hour;
  }

  #served({ grant, askedAt, detail }: Caller, ms: number): void {
    const { calendar, counts, random, grants } = this.model;
    const { usage } = this.#options;
    const waited = calendar.now - askedAt + ms;
    // Whoever was answered in the millisecond in which they asked has waited for no refresh.
    if (calendar.now > askedAt) counts.waited.add(waited);
    if (waited > holderWaitMs) counts.waitedTooLong += 1;
    grants.asked[grant] = (grants.asked[grant] ?? 0) | givenOut;
    if (!this.isUsed) return;
    const isSteady = detail === steadyUse;
    if (!isSteady && detail === 0) return;
    const gap = exponential(isSteady ? usage.steadyGapMinutes : usage.sessionGapMinutes, random) * 60_000;
    calendar.add(calendar.now + gap, events.use, grant, isSteady ? detail : detail - 1);
  }

  #turnAway(caller: Caller, retryAfterMs: number): void {
    const { calendar, counts, random } = this.model;
    counts.deferred += 1;
    const tries = caller.tries + 1;
    if (caller.detail !== steadyUse && tries > mostTries) {
      counts.gaveUp += 1;
      return;
    }
    const pauseMs = Math.max(retryAfterMs, Math.min(longestPauseMs, 1_000 * 2 ** Math.min(tries, 20)));
    const at = calendar.now + pauseMs * (1 + 0.3 * random());
    calendar.timer(at, () => this.#use({ ...caller, tries }));
  }

  /** A service's token has reached the time at which it is refreshed ahead. */
  #ahead(grant: number, service: number, part: number): void {
    const { held, used, stale, generation } = this.model.grants;
    const process = this.processes[service];
    if (process === undefined || !process.isOpen || ((held[grant] ?? 0) & process.bit) === 0) return;
    const kept = (generation[grant] ?? 0) - (((stale[grant] ?? 0) & process.bit) === 0 ? 0 : 1);
    if ((kept & 0xfff) !== part || ((used[grant] ?? 0) & process.bit) === 0) return;
    used[grant] = (used[grant] ?? 0) & ~process.bit;
    void this.#begin(process, grant, kept, "ahead");
  }

  /** Joins the refresh of a grant that is under way in a process, or begins one. */
  #begin(process: Process, grant: number, generation: number, reason: Reason, caller?: Caller): Promise<unknown> {
    const isWaitedFor = reason === "interactive" || reason === "takeOver";
    const key = grant * 2 + (isWaitedFor ? 1 : 0);
    const underWay = process.flights.get(key);
    if (underWay !== undefined) {
      if (caller !== undefined) underWay.callers.push(caller);
      return joined;
    }
    const flight: Flight = { grant, beganAt: this.model.calendar.now, callers: caller === undefined ? [] : [caller] };
    process.flights.set(key, flight);
    this.model.calendar.touch();
    return this.#fly(process, key, flight, generation, reason);
  }

  async #fly(process: Process, key: number, flight: Flight, generation: number, reason: Reason): Promise<Outcome> {
    const { model } = this;
    const { grant } = flight;
    let isStored = false;
    const told = {
      stored: (): void => {
        isStored = true;
        if (reason === "takeOver") model.counts.interactive += 1;
        else model.counts[reason] += 1;
        this.changed(grant);
        if (reason === "interactive" && process.isOpen) process.keep(grant);
      },
      overdue: (): void => {
        if (isStored || process.killedAt !== undefined) return;
        for (const caller of flight.callers.splice(0)) this.#served(caller, 0);
      },
    };
    const needsToken = reason === "interactive" && !this.#isFresh(grant, 0);
    const outcome = await refreshGrant(model, process, { grant, generation, reason, needsToken, told });
    if (process.flights.get(key) === flight) process.flights.delete(key);
    if (outcome.kind === "silent") return outcome;
    for (const caller of flight.callers) this.#told(caller, outcome);
    return outcome;
  }

  #told(caller: Caller, outcome: Outcome): void {
    if (outcome.kind === "unavailable") {
      if (this.#isFresh(caller.grant, 0)) return this.#served(caller, 0);
      return this.#turnAway(caller, outcome.retryAfterMs);
    }
    if (this.#isFresh(caller.grant, 0)) return this.#served(caller, 0);
    // Another process was first, and its token has ended already, or there is none: ask anew.
    this.#turnAway(caller, 1_000);
  }

  /** A grant has changed in the database: other services forget it when they see that. */
  changed(grant: number): void {
    const { grants, counts, calendar, random } = this.model;
    const { hintMs } = this.#options;
    counts.changes.add(Math.floor(calendar.now / 1_000));
    const held = grants.held[grant] ?? 0;
    if (held === 0) return;
    grants.stale[grant] = held;
    calendar.add(calendar.now + Math.min(hintMs ?? changePollMs, random() * changePollMs), events.seen, grant, 0);
  }

  #seen(grant: number): void {
    const { held, stale } = this.model.grants;
    const gone = (held[grant] ?? 0) & (stale[grant] ?? 0);
    for (const process of this.processes) if ((gone & process.bit) !== 0) process.dropped();
    held[grant] = (held[grant] ?? 0) & ~gone;
    stale[grant] = 0;
  }

  /** Ends a process and starts another in its place. */
  kill(service: number, startsAfterMs: number): void {
    const { model } = this;
    const process = this.processes[service];
    if (process === undefined || !process.isOpen) return;
    process.kill();
    leaveToUpkeep(model);
    this.#leave(process);
    model.calendar.timer(model.calendar.now + startsAfterMs, () => {
      this.processes[service] = this.#newProcess(service);
    });
  }

  /** Whoever waited there comes again, to another one. */
  #leave(process: Process): void {
    for (const { callers } of process.flights.values()) {
      for (const caller of callers.splice(0)) this.#turnAway(caller, 1_000);
    }
  }

  /**
   * Ends a process in good order, and starts another in its place when it has ended.
   *
   * @param isCrash whether the service alone was killed: its callers are cut off, and its keeper finishes what was begun
   */
  async restart(service: number, startsAfterMs: number, isCrash = false): Promise<void> {
    const { calendar } = this.model;
    const process = this.processes[service];
    if (process === undefined || !process.isOpen) return;
    process.stop();
    calendar.touch();
    if (isCrash) this.#leave(process);
    while (process.flights.size > 0) await calendar.sleep(100);
    await calendar.sleep(startsAfterMs);
    this.processes[service] = this.#newProcess(service);
  }

  #startUpkeep(service: number): void {
    const { calendar, random } = this.model;
    const every = (ms: number, work: () => void): void => {
      const round = (): void => {
        work();
        calendar.timer(calendar.now + ms, round);
      };
      calendar.timer(random() * ms, round);
    };
    every(rounds.attempts, () => this.#finishAttempts(this.processes[service]));
    every(rounds.keepAlive, () => void this.#keepAlive(this.processes[service]));
  }

  /** As `finishAttempts`. */
  #finishAttempts(process: Process | undefined): void {
    const { calendar, attempts, ownerlessUntil, rotation, database } = this.model;
    if (process?.isOpen !== true || database.isDown || process.gate.isBlocking || calendar.now > ownerlessUntil) return;
    for (const [id, row] of attempts) {
      const liveness = row.owner.livenessFor(process, id);
      if (liveness === "alive" || liveness === "mine") continue;
      const attempt = { attemptId: "", grantId: "", generation: row.generation, startedAt: row.startedAt };
      const owner = { node: "", pid: 0, startedAt: "", vault: "" };
      if (!mayTakeOver({ ...attempt, owner, endedUnknown: row.endedUnknown }, liveness, rotation, calendar.now))
        continue;
      void this.#begin(process, row.grant, row.generation, "takeOver");
    }
  }

  /** As `keepAlive`: page after page, some at once. */
  async #keepAlive(process: Process | undefined): Promise<void> {
    const { calendar, database } = this.model;
    if (process?.isOpen !== true || process.isKeepingAlive || database.isDown || this.#due.length === 0) return;
    process.isKeepingAlive = true;
    calendar.touch();
    const due = this.#due;
    for (let first = 0; first < due.length && process.killedAt === undefined; first += pageSize) {
      database.sweep(pageSize, pageSize);
      // With the generations that the page was read with: what another process has refreshed meanwhile is not sent again.
      const page = due
        .slice(first, first + pageSize)
        .filter((grant) => this.#isDue(grant))
        .map((grant) => ({ grant, generation: this.model.grants.generation[grant] ?? 0 }));
      for (let n = 0; n < page.length && process.killedAt === undefined; n += atOnce) {
        if (process.gate.isBlocking || !process.isOpen) break;
        const chunk = page.slice(n, n + atOnce);
        await Promise.all(chunk.map(({ grant, generation }) => this.#begin(process, grant, generation, "keepAlive")));
      }
    }
    process.isKeepingAlive = false;
    if (this.#due === due && due.length > 0) this.#due = due.filter((grant) => this.#isDue(grant));
  }

  #isDue(grant: number): boolean {
    const { grants, calendar } = this.model;
    const idle = { exchangedAt: grants.issuedAt[grant] ?? 0, refreshExpiresAt: null };
    const { keepAliveDays } = this.#options;
    const slot = slotOf(grant);
    const isOld = idle.exchangedAt < idleBefore(keepAliveDays, slot, calendar.now);
    return isOld && isKeepAliveDue(idle, keepAliveDays, slot, calendar.now);
  }
}

/** Where in the keep-alive's span a grant is refreshed: as by its id, the same for everybody. */
export function slotOf(grant: number): number {
  return Math.floor(((Math.imul(grant ^ 0x9e3779b9, 0x85ebca6b) >>> 0) / 2 ** 32) * keepAliveSlots);
}
