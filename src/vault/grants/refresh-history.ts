import { quarterMs } from "../../core/quarters.ts";
import type { RefreshCountPlace, RefreshCountRow } from "../../store/dashboard-store.ts";
import type { VaultContext } from "../context.ts";

const rowsAtOnce = 500;

/** How refreshes have ended over time, as the keepers have counted them: to a quarter of an hour, for eight days. */
export class RefreshHistory {
  readonly #context: Pick<VaultContext, "store">;

  constructor(context: Pick<VaultContext, "store">) {
    this.#context = context;
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
}
