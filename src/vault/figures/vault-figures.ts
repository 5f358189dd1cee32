/**
 * figures/ counts what those who watch a vault want to know. What is counted as it happens is counted where it happens, and read
 * here; which name a figure has, and who is told of it, does not belong here.
 */
import type { KeeperFigures, ReadCounts, StoreFigures } from "../../core/figures.ts";
import type { VaultContext } from "../context.ts";
import type { Keeper } from "../keeper/keeper.ts";
import { GrantCounts } from "./grant-counts.ts";

/** How long a count of many grants is waited for, milliseconds. It goes on without anybody who waits. */
const countWaitMs = 1_000;

/** What is watched of a vault. */
export class VaultFigures {
  /** How tokens were read in this process, since it began. It changes as they are. */
  readonly reads: ReadCounts;
  readonly #context: VaultContext;
  readonly #keeper: Keeper;
  readonly #grants: GrantCounts;

  constructor(context: VaultContext, keeper: Keeper, reads: ReadCounts) {
    this.#context = context;
    this.#keeper = keeper;
    this.reads = reads;
    this.#grants = new GrantCounts(context);
  }

  /** Names of the providers that the vault is configured with. */
  get providers(): readonly string[] {
    return [...this.#context.protocols.keys()];
  }

  /**
   * How the keeper is doing; undefined where it does not say.
   *
   * @throws {OnbehalfError} `keeper_unavailable`
   */
  async keeper(): Promise<KeeperFigures | undefined> {
    return this.#keeper.figures?.();
  }

  /**
   * What is in the store. Grants are counted no more often than every ten seconds, and less often the more there are.
   *
   * @throws {OnbehalfError} `store_unavailable`
   */
  async store(): Promise<StoreFigures> {
    const { store } = this.#context;
    const [counted, deliveries, [epoch]] = await Promise.all([
      this.#grants.look(countWaitMs),
      store.deliveryCounts(),
      store.epochs(1),
    ]);
    return { ...counted, deliveries, standstill: epoch?.settledAt === null ? epoch.why : undefined };
  }

  /** Ends a count that is under way. */
  close(): Promise<void> {
    return this.#grants.close();
  }
}
