import { defined } from "../core/defined.ts";
import type { Telemetry } from "../index.ts";
import type { Configured } from "../keeper-process/configured.ts";
import { startKeeper } from "./keeper/start-keeper.ts";
import type { KeeperProcessOptions } from "./keeper/start-keeper.ts";
import { secretsHeldAt, takeVariables } from "./secrets/held-secrets.ts";
import type { KeeperStarting, RunningService, Told } from "./serving.ts";
import { hasKeeper } from "./settings/given-settings.ts";
import type { Settings } from "./settings/settings.ts";
import { registeredTelemetry } from "./telemetry.ts";

export type { RunningService };

/**
 * Runs the whole service from its settings: the keeper in a process of its own, a vault that opens no refresh token
 * itself, and the server. With the setting that turns the keeper's process off, the vault is its own keeper.
 *
 * @param options.migrate whether to bring the store's schema up to date first; true by default
 * @returns the server's URL, and `close`, which takes no new request, finishes what is under way and stores it
 * @throws {OnbehalfError} `configuration_invalid`: settings are wrong; `details.problems` lists every problem
 * @throws {OnbehalfError} `key_invalid`, `store_unavailable`, `store_unusable`: the store could not be opened
 * @throws {OnbehalfError} `keeper_unavailable`: the keeper's process ended before it was ready
 */
export async function runService(
  settings: Settings,
  { migrate = true }: { readonly migrate?: boolean } = {},
): Promise<RunningService> {
  return runBeside(hasKeeper(settings) ? { settings, migrate } : undefined, async () => settings, migrate);
}

/**
 * The same in a process that has no secret, nor any setting yet: another process holds them.
 *
 * @param address where, as {@link secretsHeldAt} takes it
 * @param options.onGone told when the process ends that holds them
 * @throws {OnbehalfError} as {@link runService}
 */
export async function runHeld(
  address: string,
  { migrate, onGone }: { readonly migrate: boolean; readonly onGone: () => void },
): Promise<RunningService> {
  const settingsHeld = async (): Promise<Settings> => {
    const held = await secretsHeldAt(address, "serving", onGone);
    takeVariables(held);
    return held.settings;
  };
  return runBeside({ settings: {}, migrate, heldSecrets: address }, settingsHeld, migrate);
}

/** @param keeperOptions what the keeper's process is given; undefined: there is none */
async function runBeside(
  keeperOptions: KeeperProcessOptions | undefined,
  settingsOf: () => Promise<Settings>,
  migrate: boolean,
): Promise<RunningService> {
  const told = Promise.withResolvers<Told>();
  const registered = await registeredTelemetry();
  const telemetry = registered === "missing" ? undefined : registered;
  // The keeper's process is started before this process asks for its settings and loads what serves: they do it side by
  // side. Until the log is there, what the keeper tells waits.
  const starting = keeperOptions === undefined ? undefined : startedKeeper(keeperOptions, told.promise, telemetry);
  const loading = Promise.all([settingsOf(), import("./serving.ts")]);
  // A keeper that nobody works with would keep the store.
  loading.catch(() => starting?.keeper.then((keeper) => keeper.close()).catch(() => undefined));
  const [settings, { listenersOf, serveOver }] = await loading;
  const listeners = listenersOf(settings);
  told.resolve(listeners);
  if (registered === "missing") listeners.logger.warn({ package: "@opentelemetry/api" }, "telemetry_missing");
  return serveOver(settings, listeners, starting, { migrate, ...defined({ telemetry }) });
}

function startedKeeper(
  options: KeeperProcessOptions,
  told: Promise<Told>,
  telemetry: Telemetry | undefined,
): KeeperStarting {
  const configured = Promise.withResolvers<Configured>();
  let known: Told | undefined;
  const tell = (how: (listeners: Told) => void): void => {
    if (known !== undefined) how(known);
    else void told.then(how);
  };
  void told.then((listeners) => (known = listeners));
  const keeper = startKeeper(
    options,
    (event, about) => tell(({ onEvent }) => onEvent(event, about)),
    (error, during, about) => tell(({ onFault }) => onFault(error, during, about)),
    telemetry,
    configured.resolve,
  );
  // Who waits for either hears of its failure. Where loading fails first, nobody waits.
  keeper.catch(configured.reject);
  configured.promise.catch(() => undefined);
  return { keeper, configured: configured.promise };
}
