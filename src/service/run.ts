import { defined } from "../core/defined.ts";
import type { KeeperClient } from "../keeper-process/client.ts";
import type { RunningServer } from "./http/server.ts";
import { startKeeper } from "./keeper/start-keeper.ts";
import type { Told } from "./serving.ts";
import { hasKeeper } from "./settings/given-settings.ts";
import type { Settings } from "./settings/settings.ts";

/**
 * Runs the whole service from its settings: the keeper in a process of its own, a vault that opens no refresh token
 * itself, and the server. With the setting that turns the keeper's process off, the vault is its own keeper.
 *
 * @param options.migrate whether to bring the store's schema up to date first; true by default
 * @param options.heldSecrets where the keeper gets the secret ones of the settings; by default they are in `settings`
 * @returns the server's URL, and `close`, which takes no new request, finishes what is under way and stores it
 * @throws {OnbehalfError} `configuration_invalid`: settings are wrong; `details.problems` lists every problem
 * @throws {OnbehalfError} `key_invalid`, `store_unavailable`, `store_unusable`: the store could not be opened
 * @throws {OnbehalfError} `keeper_unavailable`: the keeper's process ended before it was ready
 */
export async function runService(
  settings: Settings,
  { migrate = true, heldSecrets }: { readonly migrate?: boolean; readonly heldSecrets?: string } = {},
): Promise<RunningServer> {
  const told = Promise.withResolvers<Told>();
  // The keeper's process is started before this process loads what serves: each loads hundreds of modules, and they do it
  // side by side. Until the log is there, what the keeper tells waits.
  const starting = hasKeeper(settings) ? startedKeeper(settings, told.promise, migrate, heldSecrets) : undefined;
  // Who waits for it hears of its failure. Where loading fails first, nobody waits.
  starting?.catch(() => undefined);
  const { listenersOf, serveOver } = await import("./serving.ts");
  const listeners = listenersOf(settings);
  told.resolve(listeners);
  return serveOver(settings, listeners, await starting, migrate);
}

function startedKeeper(
  settings: Settings,
  told: Promise<Told>,
  migrate: boolean,
  heldSecrets: string | undefined,
): Promise<KeeperClient> {
  let known: Told | undefined;
  const tell = (how: (listeners: Told) => void): void => {
    if (known !== undefined) how(known);
    else void told.then(how);
  };
  void told.then((listeners) => (known = listeners));
  return startKeeper(
    { settings, migrate, ...defined({ heldSecrets }) },
    (event) => tell(({ onEvent }) => onEvent(event)),
    (error, during) => tell(({ onFault }) => onFault(error, during)),
  );
}
