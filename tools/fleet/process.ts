/**
 * One service with its keeper: the tokens in its memory, its gate, and the refreshes that it works on. The gate is the
 * real one.
 */
import { Gate } from "../../src/vault/keeper/gate/gate.ts";
import type { Liveness } from "../../src/core/take-over.ts";
import { refreshAheadAt } from "../../src/core/token-life.ts";
import { reconnectMs } from "../../src/store/postgres/presence.ts";
import { openLane } from "./database.ts";
import type { Lane } from "./database.ts";
import { events, tokenLifeMs } from "./model.ts";
import type { AttemptOwner, FleetModel } from "./model.ts";

/** Somebody who waits for a token. */
export interface Caller {
  readonly grant: number;
  readonly askedAt: number;
  /** What the use was: steady or in a session, and how many are left of that. */
  readonly detail: number;
  readonly tries: number;
}

export interface Flight {
  readonly grant: number;
  readonly beganAt: number;
  readonly callers: Caller[];
}

/** How many tokens in use are passed over to find one that is not, as in the token cache. */
const passedOver = 8;

export class Process implements AttemptOwner {
  readonly service: number;
  readonly life: number;
  readonly bit: number;
  readonly gate: Gate;
  readonly lane: Lane = openLane();
  readonly flights = new Map<number, Flight>();
  /** The attempts that it works on. */
  readonly running = new Set<number>();
  killedAt: number | undefined;
  /** Whether it takes new requests. */
  isOpen = true;
  isKeepingAlive = false;
  readonly #model: FleetModel;
  /** The order in which tokens came into its memory, in a ring: the grant, and part of its generation. */
  #ring = new Uint32Array(1 << 12);
  #first = 0;
  #length = 0;
  #size = 0;

  constructor(model: FleetModel, service: number, life: number) {
    this.#model = model;
    this.service = service;
    this.life = life;
    this.bit = (1 << service) >>> 0;
    const { calendar, jitter, rate } = model;
    const sleep = (ms: number): Promise<void> => calendar.sleep(ms);
    this.gate = new Gate({ clock: { now: () => calendar.now }, random: jitter, sleep }, rate);
  }

  /** What another process finds out of this one. */
  livenessFor(asking: AttemptOwner, id: number): Liveness {
    if (asking === this) return this.running.has(id) ? "mine" : "dead";
    if (this.killedAt === undefined) return "alive";
    return this.#model.calendar.now - this.killedAt >= reconnectMs ? "dead" : "alive";
  }

  isWorkingOn(attempt: number): boolean {
    return this.killedAt === undefined && this.running.has(attempt);
  }

  /** Keeps the grant's token in memory, as `TokenCache.keep`, and sets when it is refreshed ahead. */
  keep(grant: number): void {
    const { grants, calendar, jitter } = this.#model;
    const { held, used, stale, generation, issuedAt } = grants;
    if (((held[grant] ?? 0) & this.bit) === 0) this.#size += 1;
    held[grant] = (held[grant] ?? 0) | this.bit;
    used[grant] = (used[grant] ?? 0) | this.bit;
    stale[grant] = (stale[grant] ?? 0) & ~this.bit;
    const part = (generation[grant] ?? 0) & 0xf;
    this.#push((grant | (part << 28)) >>> 0);
    if (this.#size > this.#model.tokensInMemory) this.#evict();
    const at = issuedAt[grant] ?? 0;
    const life = { issuedAt: at, expiresAt: at + tokenLifeMs, isRefreshable: true };
    const aheadAt = refreshAheadAt(life, jitter());
    calendar.add(aheadAt, events.ahead, grant, this.service | (((generation[grant] ?? 0) & 0xfff) << 5));
  }

  /** A token was taken out of its memory. */
  dropped(): void {
    this.#size -= 1;
  }

  get tokens(): number {
    return this.#size;
  }

  #push(entry: number): void {
    if (this.#length === this.#ring.length) {
      const larger = new Uint32Array(this.#length * 2);
      for (let n = 0; n < this.#length; n += 1) larger[n] = this.#ring[(this.#first + n) & (this.#length - 1)] ?? 0;
      this.#ring = larger;
      this.#first = 0;
    }
    this.#ring[(this.#first + this.#length) & (this.#ring.length - 1)] = entry;
    this.#length += 1;
  }

  #evict(): void {
    const { held, used, stale, generation } = this.#model.grants;
    for (let tries = 0; this.#length > 0;) {
      const entry = this.#ring[this.#first] ?? 0;
      this.#first = (this.#first + 1) & (this.#ring.length - 1);
      this.#length -= 1;
      const grant = entry & 0xfffffff;
      const isHeld = ((held[grant] ?? 0) & ~(stale[grant] ?? 0) & this.bit) !== 0;
      if (!isHeld || entry >>> 28 !== ((generation[grant] ?? 0) & 0xf)) continue;
      if (((used[grant] ?? 0) & this.bit) !== 0 && tries < passedOver) {
        tries += 1;
        used[grant] = (used[grant] ?? 0) & ~this.bit;
        this.#push(entry);
        continue;
      }
      held[grant] = (held[grant] ?? 0) & ~this.bit;
      this.#size -= 1;
      return;
    }
  }

  /** Killed, with its keeper. What it was working on is left to others. */
  kill(): void {
    const { calendar, database, counts } = this.#model;
    this.killedAt = calendar.now;
    this.isOpen = false;
    database.close(this.lane);
    this.#forget();
    counts.crashed += this.running.size;
  }

  /** It takes nothing new, and works on what it has begun. */
  stop(): void {
    this.isOpen = false;
    this.#forget();
  }

  #forget(): void {
    const { held, used, stale } = this.#model.grants;
    for (const bits of [held, used, stale]) {
      for (let grant = 0; grant < bits.length; grant += 1) {
        const value = bits[grant] ?? 0;
        if ((value & this.bit) !== 0) bits[grant] = value & ~this.bit;
      }
    }
    this.#size = 0;
  }
}
