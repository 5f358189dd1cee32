import { keepAliveSlots } from "../../core/keep-alive.ts";
import { grantStates } from "../../core/grant-state.ts";
import type { GrantState } from "../../core/grant-state.ts";
import type { StoreFigures } from "../../core/figures.ts";
import type { ActivePlace } from "../../store/figures-store.ts";
import type { VaultContext } from "../context.ts";

/** How many rows are read between two turns of other work. */
const rowsAtOnce = 500;
/** A count is at least so old before the next one begins, milliseconds, */
const leastPauseMs = { unwell: 10_000, active: 60_000 };
/** and at least so many times what it took: however many grants there are, counting takes one part in 200 of the time. */
const pauseShare = 200;

type Counts = Map<string, Map<GrantState, number>>;

/**
 * How many grants there are, by provider and state. Nobody keeps count, since that would be a row which every new grant changes:
 * who wants to know counts, a page at a time, and less often the longer it takes. Grants that are not well are few, and have a
 * count of their own.
 */
export class GrantCounts {
  readonly #context: Pick<VaultContext, "store" | "protocols" | "clock">;
  readonly #unwell: Paced<{ readonly counts: Counts; readonly suspectSince: Map<string, number> }>;
  readonly #active: Paced<{ readonly counts: Counts; readonly at: number }>;
  #isClosed = false;

  constructor(context: Pick<VaultContext, "store" | "protocols" | "clock">) {
    const nowMs = (): number => context.clock.now();
    this.#context = context;
    this.#unwell = new Paced(() => this.#countUnwell(), leastPauseMs.unwell, nowMs);
    this.#active = new Paced(() => this.#countActive(), leastPauseMs.active, nowMs);
  }

  /**
   * The counts as they were found last. Where it is time, they are brought up to date first; that of `active` grants is waited
   * for no longer than it is told, and goes on.
   *
   * @param waitMs milliseconds
   * @throws {OnbehalfError} `store_unavailable`
   */
  async look(waitMs: number): Promise<Omit<StoreFigures, "deliveries" | "standstill">> {
    const soon = async <T>(paced: Paced<T>): Promise<T | undefined> => {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, waitMs);
      await Promise.race([paced.look(), late]).finally(() => clearTimeout(timer));
      return paced.last;
    };
    const [unwell, active] = await Promise.all([soon(this.#unwell), soon(this.#active)]);
    const grants: StoreFigures["grants"][number][] = [];
    for (const { counts } of [unwell, active].filter((each) => each !== undefined)) {
      for (const [provider, states] of counts) {
        for (const [state, times] of states) grants.push({ provider, state, grants: times });
      }
    }
    const suspectSince = [...(unwell?.suspectSince ?? [])].map(([provider, since]) => ({ provider, since }));
    return { grants, suspectSince, countedAt: active?.at };
  }

  /** Ends a count that is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#unwell.ended(), this.#active.ended()]);
  }

  async #countUnwell(): Promise<{ counts: Counts; suspectSince: Map<string, number> }> {
    const counts = this.#none(unwellStates);
    const suspectSince = new Map<string, number>();
    const { store, clock } = this.#context;
    const now = clock.now();
    for (let after = ""; !this.#isClosed;) {
      const rows = await store.grantsWithoutAccess(now, after, rowsAtOnce);
      for (const { provider } of rows) add(counts, provider, "lapsed", 1);
      after = rows.at(-1)?.grantId ?? after;
      if (rows.length < rowsAtOnce) break;
      await turn();
    }
    for (const state of unwellStates) {
      for (let after = ""; !this.#isClosed;) {
        const rows = await store.grantsInState(state, after, rowsAtOnce);
        for (const { provider, stateSince } of rows) {
          add(counts, provider, state, 1);
          if (state === "suspect") {
            suspectSince.set(provider, Math.min(stateSince, suspectSince.get(provider) ?? stateSince));
          }
        }
        after = rows.at(-1)?.grantId ?? after;
        if (rows.length < rowsAtOnce) break;
        await turn();
      }
    }
    return { counts, suspectSince };
  }

  async #countActive(): Promise<{ counts: Counts; at: number }> {
    const { store, protocols, clock } = this.#context;
    const counts = this.#none(["active"]);
    const counted = new Set<string>();
    for (const [provider, { client }] of protocols) {
      const { clientId } = client;
      // Two providers may have given us one id: the grants are counted once.
      if (clientId === "" || counted.has(clientId)) continue;
      counted.add(clientId);
      for (let slot = 0; slot < keepAliveSlots; slot += 1) {
        let after: ActivePlace = { accessIssuedAt: -1, grantId: "" };
        while (!this.#isClosed) {
          const rows = await store.activeGrants(clientId, slot, after, rowsAtOnce);
          add(counts, provider, "active", rows.length);
          after = rows.at(-1) ?? after;
          if (rows.length < rowsAtOnce) break;
          await turn();
        }
      }
    }
    return { counts, at: clock.now() };
  }

  /** Of a provider that is there, each state has a count, also where that is 0: what was not there cannot rise. */
  #none(states: readonly GrantState[]): Counts {
    const counts: Counts = new Map();
    for (const provider of this.#context.protocols.keys()) {
      for (const state of states) add(counts, provider, state, 0);
    }
    return counts;
  }
}

const unwellStates = grantStates.filter((state) => state !== "active");

function add(counts: Counts, provider: string, state: GrantState, times: number): void {
  const states = counts.get(provider) ?? new Map<GrantState, number>();
  counts.set(provider, states);
  states.set(state, (states.get(state) ?? 0) + times);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Work that is done when it is asked for, and not again before a while in proportion to what it took. */
class Paced<T> {
  readonly #work: () => Promise<T>;
  readonly #leastPauseMs: number;
  readonly #nowMs: () => number;
  #last: T | undefined;
  #working: Promise<void> | undefined;
  /** Nothing is done between these times. A clock that was put back does not stop it. */
  #resting = { from: 0, to: 0 };

  constructor(work: () => Promise<T>, pauseMs: number, nowMs: () => number) {
    this.#work = work;
    this.#leastPauseMs = pauseMs;
    this.#nowMs = nowMs;
  }

  get last(): T | undefined {
    return this.#last;
  }

  /** Resolves when what is known is new enough. */
  async look(): Promise<void> {
    const now = this.#nowMs();
    if (this.#working === undefined && now >= this.#resting.from && now < this.#resting.to) return;
    this.#working ??= this.#run().finally(() => (this.#working = undefined));
    // Who waits no longer must not leave an error behind that nobody hears.
    this.#working.catch(() => undefined);
    await this.#working;
  }

  async ended(): Promise<void> {
    await this.#working?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const begun = this.#nowMs();
    this.#last = await this.#work();
    const now = this.#nowMs();
    this.#resting = { from: now, to: now + Math.max(this.#leastPauseMs, (now - begun) * pauseShare) };
  }
}
