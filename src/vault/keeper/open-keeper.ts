/**
 * Opens the keeper: the only code that opens refresh tokens. It runs beside a vault in one process, or in a process of
 * its own that does nothing else. How a vault talks to a keeper of another process does not belong here.
 */
import { keyClasses } from "../../crypto/keyring.ts";
import type { BucketSize } from "../../core/token-bucket.ts";
import type { VaultContext } from "../context.ts";
import { closeContext, openContext } from "../open/open-context.ts";
import type { CommonOptions } from "../open/open-context.ts";
import type { KeeperContext } from "./context.ts";
import { Gate } from "./gate/gate.ts";
import type { Keeper } from "./keeper.ts";
import { localKeeper } from "./local-keeper.ts";
import { noRescue, rescueFolder } from "./refresh/rescue-journal.ts";
import { startUpkeep } from "./upkeep.ts";

export interface KeeperOptions {
  /** Exchanges with one provider, at most: so many in any one second, so many at once. 50 and 50 by default. */
  readonly exchangeRate?: BucketSize;
  /** Where answers are kept that the store could not take. Default: a folder beside a SQLite file, else none. */
  readonly rescueFolder?: string;
}

const defaultRate: BucketSize = { perSecond: 50, burst: 50 };

/** A keeper over a context that is open, with its upkeep: it finishes by itself what was left undone. */
export function keeperOver(shared: VaultContext, options: KeeperOptions): Keeper {
  const folder = options.rescueFolder ?? defaultFolder(shared);
  const size = options.exchangeRate ?? defaultRate;
  const context: KeeperContext = {
    ...shared,
    running: new Set(),
    gates: new Map([...shared.protocols.keys()].map((name) => [name, new Gate(shared, size)])),
    rescue: folder === undefined ? noRescue : rescueFolder(folder),
  };
  const keeper = localKeeper(context);
  const upkeep = startUpkeep(context);
  return {
    ...keeper,
    async close() {
      await upkeep.stop();
      await keeper.close();
    },
  };
}

/**
 * Opens a keeper on its own, for a process that does nothing else. Give its verbs to `openVault({ keeper })` elsewhere,
 * and that vault needs no key that opens refresh tokens.
 *
 * @throws {OnbehalfError} `configuration_invalid`: no provider, two of one name, or a client that cannot work
 * @throws {OnbehalfError} `key_invalid`: the store was sealed with another key; nothing was touched
 * @throws {OnbehalfError} `store_unavailable`, `store_unusable`
 */
export async function openKeeper(options: CommonOptions & KeeperOptions): Promise<Keeper> {
  const shared = await openContext(options, keyClasses);
  const keeper = keeperOver(shared, options);
  return {
    ...keeper,
    async close() {
      await keeper.close();
      await closeContext(shared);
    },
  };
}

function defaultFolder({ store: { kind, location } }: VaultContext): string | undefined {
  return kind === "sqlite" && location !== ":memory:" ? `${location}-rescue` : undefined;
}
