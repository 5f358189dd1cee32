import { quarterOf } from "../../core/quarters.ts";
import type { RefreshCountRow } from "../../store/dashboard-store.ts";
import type { VaultEvent } from "../events.ts";
import type { KeeperContext } from "./context.ts";

const outcomes: Readonly<Partial<Record<VaultEvent["type"], string>>> = {
  refreshed: "refreshed",
  refresh_failed: "failed",
  lapsed: "lapsed",
  client_refused: "client_refused",
};

/**
 * Counts how refreshes end, for the dashboard. They are counted in memory and added to the store now and then: a refresh
 * costs nothing more. Whoever kills the keeper loses the counts of the last seconds, and nothing else.
 */
export class RefreshCounts {
  readonly #context: Pick<KeeperContext, "store" | "clock">;
  #counts = new Map<string, RefreshCountRow>();

  constructor(context: Pick<KeeperContext, "store" | "clock">) {
    this.#context = context;
  }

  note(event: VaultEvent): void {
    const outcome = outcomes[event.type];
    if (outcome === undefined || !("provider" in event)) return;
    this.#add({ quarterAt: quarterOf(this.#context.clock.now()), provider: event.provider, outcome, refreshes: 1 });
  }

  /**
   * Adds what was counted to the store.
   *
   * @throws {OnbehalfError} `store_unavailable`: the counts are kept for the next time
   */
  async write(): Promise<void> {
    const counts = [...this.#counts.values()];
    if (counts.length === 0) return;
    this.#counts = new Map();
    try {
      await this.#context.store.addRefreshCounts(counts);
    } catch (error) {
      for (const count of counts) this.#add(count);
      throw error;
    }
  }

  #add(count: RefreshCountRow): void {
    const key = `${count.quarterAt} ${count.outcome} ${count.provider}`;
    const refreshes = count.refreshes + (this.#counts.get(key)?.refreshes ?? 0);
    this.#counts.set(key, { ...count, refreshes });
  }
}
