import { keyClasses, readingClasses } from "./crypto/keyring.ts";
import { startOwnKeeper } from "./keeper-process/start.ts";
import type { TrustedIssuer } from "./core/trusted-issuer.ts";
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
   * Where refresh tokens are opened. `in-process`: by this process. `process`: by a child process of it, which the vault
   * starts, and ends when it is closed. That one finishes and stores what was begun when this process is killed, so that
   * nothing is lost at a provider that replaces each refresh token; and this process holds no master key that a file, a
   * variable or a program gives. Or a keeper of the program's own: the vault then does not use the options of its own
   * keeper, and closing the vault does not close that one. Default: `in-process`.
   */
  readonly keeper?: "in-process" | "process" | Keeper;
  /**
   * The file of the keeper's program, where this program is a bundle: `onbehalf/keeper-process`, bundled as a file of its
   * own. For `keeper: "process"` alone. Default: the one in the package.
   */
  readonly keeperProgram?: string | URL;
  /**
   * Where connect links lead, and where they may send people back to. Default: what the first `connectHandler` is told. To be
   * given where a program makes links that another one serves.
   */
  readonly connect?: ConnectOptions;
  /**
   * The issuers whose JWTs say who one of the app's own users is: at the service's token endpoint, such a token gets the
   * user's access tokens. Default: none.
   */
  readonly trustedIssuers?: readonly TrustedIssuer[];
  /**
   * How much memory access tokens take that are handed out again and again, MiB: 1 to 65,536. One takes about 1 KB; that
   * callers were given it takes half as much beside it. Those that
   * do not fit are read from the store when they are asked for. Default: 48.
   */
  readonly tokenMemoryMb?: number;
}

/**
 * Opens a vault: reads the clients, opens the store and its keyring, and begins to finish what a crash left half done.
 *
 * @throws {OnbehalfError} `configuration_invalid`: an option is of a wrong type or out of range, or cannot be given to the
 *   keeper's process, there is no provider, two have the same name, a client, endpoint or discovery document cannot work, or a text has quotes, a line end or
 *   the like around it. `details.problems` lists all of them
 * @throws {OnbehalfError} `key_invalid`: no master key was given, one is malformed, or the store was sealed with
 *   another one; no grant was changed
 * @throws {OnbehalfError} `store_unavailable`: the database does not answer
 * @throws {OnbehalfError} `store_unusable`: the database or one of its data keys is damaged, a newer version has
 *   migrated it, or it is behind and `migrate` is false
 * @throws {OnbehalfError} `keeper_unavailable`: the keeper's process could not be started, or ended before it was ready
 */
export async function openVault(options: VaultOptions): Promise<Vault> {
  const keeper = (options as VaultOptions | undefined)?.keeper;
  if (keeper === "process") return openBesideProcess(options);
  return openWith(options, typeof keeper === "string" ? undefined : keeper);
}

/** This process reads neither the master key nor the clients' secrets: the keeper hands down what it needs of either. */
async function openBesideProcess(options: VaultOptions): Promise<Vault> {
  const keeper = await startOwnKeeper(options, options.keeperProgram);
  try {
    const { provider: _provider, keyring: _keyring, ...others } = options;
    return await openWith({ ...others, providers: keeper.providers }, keeper, () => keeper.close());
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

/** @param closeKeeper what ends the keeper that is given, where that is for the vault to do */
async function openWith(
  options: VaultOptions,
  keeper: Keeper | undefined,
  closeKeeper: () => Promise<void> = async () => undefined,
): Promise<Vault> {
  const handedDown = keeper?.readingKeys?.bind(keeper);
  const context = await openContext(options, keeper === undefined ? keyClasses : readingClasses, handedDown);
  try {
    await bindCallers(context.store, context.keyring, context.emit);
    const lastChange = await context.store.latestChange();
    if (keeper !== undefined) return new Vault(context, keeper, closeKeeper, lastChange, options);
    const own = await keeperOver(context, options);
    return new Vault(context, own, () => own.close(), lastChange, options);
  } catch (error) {
    await closeContext(context);
    throw error;
  }
}
