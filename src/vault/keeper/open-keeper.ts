import { keyClasses } from "../../crypto/keyring.ts";
import type { BucketSize } from "../../core/token-bucket.ts";
import type { KeeperContext, VaultContext } from "../context.ts";
import { localKeeper } from "./local-keeper.ts";
import type { Keeper } from "./local-keeper.ts";
import { Gate } from "./gate/gate.ts";
import { closeContext, openContext } from "../open/open-context.ts";
import type { CommonOptions } from "../open/open-context.ts";
import { noRescue, rescueFolder } from "./refresh/rescue-journal.ts";
import { startUpkeep } from "./upkeep.ts";

export interface KeeperOptions {
  /** Exchanges with one provider, at most: so many in any one second, so many at once. 50 and 50 by default. */
  readonly exchangeRate?: BucketSize;
  /** Where answers are kept that the store could not take. Default: a folder beside a SQLite file, else none. */
  readonly rescueFolder?: string;
}

const defaultRate: BucketSize = { perSecond: 50, burst: 50 };

/** Takes refresh tokens into custody: exchanges and commits for others, and finishes by itself what was left undone. */
export function newKeeper(shared: VaultContext, options: KeeperOptions): Keeper {
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
 * Opens an keeper on its own, for a process that does nothing else: the keeper. Give its verbs to
 * `openVault({ keeper })` elsewhere, and that vault needs no key that opens refresh tokens.
 *
 * @throws {OnbehalfError} as `openVault`
 */
export async function openKeeper(options: CommonOptions & KeeperOptions): Promise<Keeper> {
  const shared = await openContext(options, keyClasses);
  const keeper = newKeeper(shared, options);
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
