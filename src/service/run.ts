import { defined } from "../core/defined.ts";
import { drainLimitMs } from "../core/timing.ts";
import { openVault } from "../index.ts";
import type { OnEvent } from "../index.ts";
import { hasKeeper, logLevelOf, serviceConfig, servingConfig } from "./settings/config.ts";
import type { Settings } from "./settings/config.ts";
import { startKeeper } from "./keeper/start-keeper.ts";
import { rescueProblem } from "./rescue-problem.ts";
import { faultLogger } from "./error-log.ts";
import { eventLogger, serviceLogger } from "./log.ts";
import { serviceMetrics } from "./metrics.ts";
import { startServer } from "./http/server.ts";
import type { RunningServer } from "./http/server.ts";

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
  // A process that is its own keeper reads everything. Otherwise the keeper looks at all settings, and says what is wrong
  // with any of them: this process looks at no secret.
  const own = hasKeeper(settings) ? undefined : serviceConfig(settings);
  const logger = serviceLogger(own?.logLevel ?? logLevelOf(settings, []));
  const metrics = serviceMetrics();
  const log = eventLogger(logger);
  const onEvent: OnEvent = (event) => {
    log(event);
    metrics.onEvent(event);
  };
  const onFault = faultLogger(logger);
  const keeper =
    own === undefined
      ? await startKeeper({ settings, migrate, ...defined({ heldSecrets }) }, onEvent, onFault)
      : undefined;
  try {
    const config = own ?? servingConfig(settings, keeper?.clientIds ?? {}, keeper?.providers);
    const { store, providers, rescueFolder } = config;
    const problem = rescueProblem(store, rescueFolder);
    // Said at the start: when an answer comes that the store cannot take, it is too late.
    if (problem !== undefined) logger.warn(problem, "rescue_folder_unusable");
    const vault = await openVault({
      store,
      providers,
      migrate,
      auditName: "@service",
      trustedIssuers: config.trustedIssuers,
      onEvent,
      onFault,
      ...defined({ keeper, rescueFolder, keyring: own?.keyring, exchangeRate: own?.exchangeRate }),
    });
    try {
      const server = await startServer(vault, {
        host: config.host,
        port: config.port,
        allowedOrigins: config.allowedOrigins,
        allowedHosts: config.allowedHosts,
        returnUrls: config.returnUrls,
        ...defined({ publicUrl: config.publicUrl, appName: config.appName, metricsPort: config.metricsPort }),
        metrics,
        onFault: (error) => onFault(error, "a request"),
        ...(keeper === undefined ? {} : { assertReady: () => keeper.assertReady() }),
      });
      return {
        url: server.url,
        ...defined({ metricsUrl: server.metricsUrl }),
        closed: server.closed,
        close: async () => {
          await server.close();
          // The keeper ends by itself in time. A vault whose store neither answers nor fails would not.
          await within(drainLimitMs, vault.close());
          await keeper?.close();
        },
      };
    } catch (error) {
      await vault.close();
      throw error;
    }
  } catch (error) {
    await keeper?.close();
    throw error;
  }
}

/** Waits for work, but no longer than this. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}
