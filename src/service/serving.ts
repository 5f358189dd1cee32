import { defined } from "../core/defined.ts";
import type { KeeperLink } from "../core/figures.ts";
import { drainLimitMs } from "../core/timing.ts";
import { openVault } from "../index.ts";
import type { OnEvent, OnFault, Store, Telemetry, Vault } from "../index.ts";
import type { Configured } from "../keeper-process/configured.ts";
import type { KeeperClient } from "../keeper-process/program.ts";
import { logLevelsOf, serviceConfig, servingConfig } from "./settings/config.ts";
import type { ServiceConfig, ServingConfig, Settings } from "./settings/config.ts";
import { rescueProblem } from "./rescue-problem.ts";
import { faultLogger } from "./error-log.ts";
import { eventLogger, serviceLogger } from "./log.ts";
import type { Logger } from "./log.ts";
import { measuredStore } from "./metrics/measured-store.ts";
import { serviceMetrics } from "./metrics.ts";
import type { Metrics } from "./metrics.ts";
import { dashboardLink } from "./http/dashboard/link.ts";
import { startServer } from "./http/server.ts";
import type { RunningServer } from "./http/server.ts";

/** A service that runs. */
export interface RunningService extends RunningServer {
  /** A link that lets one operator into the dashboard. Absent: there is no dashboard. */
  readonly dashboardUrl?: string;
}

/** A keeper whose process was started. Both reject with why it could not open its store. */
export interface KeeperStarting {
  readonly keeper: Promise<KeeperClient>;
  /** Resolves sooner, when it has read the configuration. */
  readonly configured: Promise<Configured>;
}

/** The log and the counters of a service. */
export interface Told {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly onEvent: OnEvent;
  readonly onFault: OnFault;
  /** Whoever else hears of events, once it is there: what the dashboard's plot is made of. */
  readonly heard: { history?: Vault["refreshHistory"] };
}

/** Makes the log and the counters: what is wrong with the other settings is said by whoever reads them. */
export function listenersOf(settings: Settings): Told {
  const { level, ofNames } = logLevelsOf(settings, []);
  const logger = serviceLogger(level);
  const metrics = serviceMetrics();
  const log = eventLogger(logger, undefined, ofNames);
  const heard: { history?: Vault["refreshHistory"] } = {};
  const onEvent: OnEvent = (event, about) => {
    log(event, about);
    metrics.onEvent(event);
    heard.history?.note(event);
  };
  return { logger, metrics, onEvent, onFault: faultLogger(logger), heard };
}

/**
 * Opens the vault over a keeper, and the server over the vault. Without a keeper, the vault is its own.
 *
 * @param starting the keeper is closed where this fails, and with the server
 */
export async function serveOver(
  settings: Settings,
  told: Told,
  starting: KeeperStarting | undefined,
  how: HowToServe,
): Promise<RunningService> {
  // A process that is its own keeper reads everything.
  if (starting === undefined) {
    const own = serviceConfig(settings);
    return serveWith(settings, told, { config: own, own, keeper: undefined }, how);
  }
  let store: Store | undefined;
  try {
    // The keeper looks at all settings, and says what is wrong with any of them: this process looks at no secret. While the
    // keeper opens the store, this process makes ready what it needs when that is done.
    const { clientIds, providers } = await starting.configured;
    const config = servingConfig(settings, clientIds, providers);
    ({ store } = config);
    store.prepare?.();
    return await serveWith(settings, told, { config, own: undefined, keeper: await starting.keeper }, how);
  } catch (error) {
    await store?.close();
    await starting.keeper.then(
      (keeper) => keeper.close(),
      // It was never open, and this is why.
      () => undefined,
    );
    throw error;
  }
}

interface HowToServe {
  readonly migrate: boolean;
  readonly telemetry?: Telemetry;
}

interface Served {
  readonly config: ServingConfig;
  /** Absent where a keeper reads it. */
  readonly own: ServiceConfig | undefined;
  readonly keeper: KeeperClient | undefined;
}

async function serveWith(
  settings: Settings,
  { logger, metrics, onEvent, onFault, heard }: Told,
  { config, own, keeper }: Served,
  { migrate, telemetry }: HowToServe,
): Promise<RunningService> {
  const { providers, rescueFolder } = config;
  const { store, times: storeTimes } = measuredStore(config.store);
  metrics.watch?.({
    storeTimes,
    storeKind: store.kind,
    ...defined({ link: keeper && ((): KeeperLink => keeper.link) }),
  });
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
    ...defined({ tokenMemoryMb: config.tokenMemoryMb, telemetry }),
    ...defined({ keeper, rescueFolder, keyring: own?.keyring, exchangeRate: own?.exchangeRate }),
    ...defined({
      webhook: own?.webhook,
      eventsKeptDays: own?.eventsKeptDays,
      consentEndsSoonDays: own?.consentEndsSoonDays,
    }),
  });
  try {
    const server = await startServer(vault, {
      host: config.host,
      port: config.port,
      allowedOrigins: config.allowedOrigins,
      allowedHosts: config.allowedHosts,
      returnUrls: config.returnUrls,
      ...defined({ publicUrl: config.publicUrl, appName: config.appName, metricsPort: config.metricsPort }),
      dashboard: config.dashboard && {
        listens: { host: config.host, port: config.port, ...defined({ metricsPort: config.metricsPort }) },
        ...defined({ rescueFolder, webhookUrl: settings.webhookUrl }),
      },
      metrics,
      onFault: (error, about) => onFault(error, "a request", about),
      ...(keeper === undefined ? {} : { assertReady: () => keeper.assertReady() }),
    });
    if (config.dashboard) heard.history = vault.refreshHistory;
    const dashboardUrl = config.dashboard
      ? await dashboardLink(vault, config.publicUrl ?? server.url).catch(async (error: unknown) => {
          await server.close();
          throw error;
        })
      : undefined;
    return {
      url: server.url,
      ...defined({ metricsUrl: server.metricsUrl, dashboardUrl }),
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
}

/** Waits for work, but no longer than this. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}
