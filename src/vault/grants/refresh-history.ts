import { quarterMs, quarterOf } from "../../core/quarters.ts";
import type { RefreshCountPlace, RefreshCountRow } from "../../store/dashboard-store.ts";
import { tellError } from "../background-errors.ts";
import type { VaultContext } from "../context.ts";
import type { VaultEvent } from "../events.ts";

const rowsAtOnce = 500;
/** How long what was counted is in memory alone, milliseconds. */
const writtenAfterMs = 10_000;

const outcomes: Readonly<Partial<Record<VaultEvent["type"], string>>> = {
  refreshed: "refreshed",
  refresh_failed: "failed",
  lapsed: "lapsed",
  client_refused: "client_refused",
};

/** A grant lapses also where no refresh was tried: its access token ended and it holds nothing else, or the provider told us so. */
function isUnasked(event: VaultEvent): boolean {
  return event.type === "lapsed" && (event.reason === "no_refresh_token" || event.reason === "ended_by_provider");
}

/**
 * How refreshes have ended over time: to a quarter of an hour, for eight days. They are counted in memory by whoever hears of
 * them, and added to the store ten seconds later: a refresh costs nothing more. Whoever kills the process loses the counts of
 * the last seconds, and nothing else.
 */
export class RefreshHistory {
  readonly #context: VaultContext;
  #counts = new Map<string, RefreshCountRow>();
  #timer: NodeJS.Timeout | undefined;

  constructor(context: VaultContext) {
    this.#context = context;
  }

  /** Counts a refresh that has ended. It waits for nothing. */
  note(event: VaultEvent): void {
    const outcome = outcomes[event.type];
    if (outcome === undefined || !("provider" in event) || isUnasked(event)) return;
    this.#add({ quarterAt: quarterOf(this.#context.clock.now()), provider: event.provider, outcome, refreshes: 1 });
    this.#timer ??= setTimeout(() => void this.write(), writtenAfterMs).unref();
  }

  /** Adds what was counted to the store. Where the store fails, it is kept for the next time. Never rejects. */
  async write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counts = [...this.#counts.values()];
    if (counts.length === 0) return;
    this.#counts = new Map();
    try {
      await this.#context.store.addRefreshCounts(counts);
    } catch (error) {
      for (const count of counts) this.#add(count);
      tellError(this.#context, error, "refresh counts");
    }
  }

  /**
   * @param since milliseconds since the epoch
   * @returns counts of the quarters that begin then or later, in the order of their times
   * @throws {OnbehalfError} `store_unavailable`
   */
  async since(since: number): Promise<RefreshCountRow[]> {
    const counts: RefreshCountRow[] = [];
    let after: RefreshCountPlace = { quarterAt: Math.ceil(since / quarterMs) * quarterMs, provider: "", outcome: "" };
    for (;;) {
      const page = await this.#context.store.refreshCounts(after, rowsAtOnce);
      counts.push(...page);
      const last = page.at(-1);
      if (last === undefined || page.length < rowsAtOnce) return counts;
      after = { quarterAt: last.quarterAt, provider: last.provider, outcome: last.outcome };
    }
  }

  #add(count: RefreshCountRow): void {
    const key = `${count.quarterAt} ${count.outcome} ${count.provider}`;
    const refreshes = count.refreshes + (this.#counts.get(key)?.refreshes ?? 0);
    this.#counts.set(key, { ...count, refreshes });
  }
}
