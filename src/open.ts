import { keyClasses, readingClasses } from "./crypto/keyring.ts";
import { Vault } from "./vault.ts";
import { bindCallers } from "./vault/http/caller-rights.ts";
import type { ConnectOptions } from "./vault/http/connect/site.ts";
import type { Keeper } from "./vault/keeper/keeper.ts";
import { keeperOver } from "./vault/keeper/open-keeper.ts";
import type { KeeperOptions } from "./vault/keeper/open-keeper.ts";
import { closeContext, openContext } from "./vault/open/open-context.ts";
import type { CommonOptions } from "./vault/open/open-context.ts";

/** What {@link openVault} takes. */
export interface VaultOptions extends CommonOptions, KeeperOptions {
  /**
   * The keeper that opens refresh tokens for this vault, such as one in another process. The vault then needs no key
   * for refresh tokens, and does not use the options of its own keeper. Closing the vault does not close this keeper:
   * the program that opened it does. Default: the vault opens a keeper in this process, and closes it.
   */
  readonly keeper?: Keeper;
  /**
   * Where connect links lead, and where they may send people back to. Default: what the first `connectHandler` is told. To be
   * given where a program makes links that another one serves.
   */
  readonly connect?: ConnectOptions;
}

/**
 * Opens a vault: reads the clients, opens the store and its keyring, and begins to finish what a crash left half done.
 *
 * @throws {OnbehalfError} `configuration_invalid`: an option is of a wrong type or out of range, there is no provider,
 *   two have the same name, a client, endpoint or discovery document cannot work, or a text has quotes, a line end or
 *   the like around it. `details.problems` lists all of them
 * @throws {OnbehalfError} `key_invalid`: no master key was given, one is malformed, or the store was sealed with
 *   another one; no grant was changed
 * @throws {OnbehalfError} `store_unavailable`: the database does not answer
 * @throws {OnbehalfError} `store_unusable`: the database or one of its data keys is damaged, a newer version has
 *   migrated it, or it is behind and `migrate` is false
 */
export async function openVault(options: VaultOptions): Promise<Vault> {
  const keeper = (options as VaultOptions | undefined)?.keeper;
  const handedDown = keeper?.readingKeys?.bind(keeper);
  const context = await openContext(options, keeper === undefined ? keyClasses : readingClasses, handedDown);
  try {
    await bindCallers(context.store, context.keyring, context.emit);
    const lastChange = await context.store.latestChange();
    if (keeper !== undefined) return new Vault(context, keeper, async () => undefined, lastChange, options.connect);
    const own = keeperOver(context, options);
    return new Vault(context, own, () => own.close(), lastChange, options.connect);
  } catch (error) {
    await closeContext(context);
    throw error;
  }
}
