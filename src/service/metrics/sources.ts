import type { KeeperLink, StoreTimes } from "../../core/figures.ts";
import type { Vault } from "../../index.ts";

/** Who is asked when `/metrics` is. What is not there is left out of the answer. */
export interface MetricSources {
  readonly figures?: Vault["figures"];
  /** The vault's clock, milliseconds since the epoch. */
  readonly now?: () => number;
  /** The link to the keeper, where that runs in a process of its own. */
  readonly link?: () => KeeperLink;
  /** Transactions of this process. */
  readonly storeTimes?: () => StoreTimes;
  readonly storeKind?: string;
}
