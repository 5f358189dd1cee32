/**
 * The demo: a small app with a page, over a vault, a service and the stand-in, in one process on this machine.
 * It shows what an app of your own would do, so it uses public interfaces alone; flags and terminal are in `cli/demo/`.
 */

import { google, keyringFromFile, movableClock, openVault } from "../index.ts";
import type { MovableClock, Secret, Vault } from "../index.ts";
import type { LogLevel } from "../service/settings/config.ts";
import { faultLogger } from "../service/error-log.ts";
import { eventLogger, serviceLogger } from "../service/log.ts";
import { serviceMetrics } from "../service/metrics.ts";
import type { Metrics } from "../service/metrics.ts";
import { dashboardLink } from "../service/http/dashboard/link.ts";
import { startServer } from "../service/http/server.ts";
import { startStandin } from "../standin/index.ts";
import { sqlite } from "../store/sqlite/index.ts";
import { openDataFolder } from "./data-folder.ts";
import { openDemoCaller } from "./demo-caller.ts";
import { onPort } from "./on-port.ts";
import { demoRoutes } from "./routes.ts";
import { Timeline } from "./timeline.ts";

/** How to start a demo. */
export interface DemoOptions {
  /** Port of the page and the service; 0 for any free one. Default 8787, or any free one where that is taken. */
  readonly port?: number;
  /** Port of the stand-in; 0 for any free one. Default 4600, or any free one where that is taken. */
  readonly standinPort?: number;
  /** Folder for the key and the database. Default: a temporary one, which is removed at the end. */
  readonly data?: string;
  /** Where connect links may send people back to. Default: the demo's own page. */
  readonly returnUrls?: readonly string[];
  readonly logLevel: LogLevel;
  /** Called with each sentence that a person should read. */
  readonly tell: (line: string) => void;
}

/** A demo that runs, with the addresses of its parts. */
export interface RunningDemo {
  readonly service: string;
  readonly standin: string;
  readonly page: string;
  /** A link that lets one browser into the dashboard. */
  readonly dashboard: string;
  /** Where the service's counters are, without a key. */
  readonly metrics: string;
  /** A caller key with every permission. Each start creates a new one, and `close` revokes it. */
  readonly callerKey: Secret;
  /** Where that key is, for commands that are pasted into a shell. `close` removes the file. */
  readonly callerKeyFile: string;
  readonly clientId: string;
  readonly folder: string;
  /** Resolves with the part of the demo that no longer listens: without it there is nothing to try. */
  readonly ended: Promise<"stand-in" | "service">;
  close(): Promise<void>;
}

/** How long the stand-in may take to answer an exchange. On loopback, a longer silence means that no answer will come. */
const exchangeTimeoutMs = 5_000;

/** How long `close` waits for requests that a slow fault of the stand-in holds up. */
const closeWaitMs = 5_000;

/**
 * Starts stand-in, service and page, with one clock for all of them.
 *
 * @returns the addresses; `close` stops all three and removes a temporary folder
 * @throws {OnbehalfError} `configuration_invalid`: a port that was asked for is taken, a port may not be listened on, or
 *   the folder cannot be written
 * @throws {OnbehalfError} `key_invalid`: the folder has a database and not its key
 * @throws {OnbehalfError} and those of `openVault`
 */
export async function startDemo(options: DemoOptions): Promise<RunningDemo> {
  await using starting = new AsyncDisposableStack();
  const clock = toldClock(movableClock(), (ms) => timeline.clockMoved(ms));
  const folder = await openDataFolder(options.data);
  starting.defer(() => folder.remove());
  const standin = await onPort("--standin-port", options.standinPort, 4600, options.tell, (port) =>
    startStandin({ clock, port }),
  );
  starting.defer(() => standin.close());
  const { clientId, clientSecret } = standin;
  standin.client({ clientId, name: "Logbook" });

  const timeline = new Timeline(clock, (since) => standin.log(since).entries);
  const logger = serviceLogger(options.logLevel);
  const logged = eventLogger(logger);
  const counters = serviceMetrics();
  const metrics: Metrics = {
    ...counters,
    countRequest: (route, status) => {
      counters.countRequest(route, status);
      timeline.called(route, status);
    },
  };
  const heard: { vault?: Vault } = {};
  const vault = await openVault({
    provider: google({ clientId, clientSecret, baseUrl: standin.url }),
    store: sqlite(folder.database),
    keyring: keyringFromFile(folder.keyFile),
    clock,
    exchangeTimeoutMs,
    onEvent: (event) => {
      logged(event);
      metrics.onEvent(event);
      heard.vault?.refreshHistory.note(event);
      timeline.happened(event);
    },
  });
  heard.vault = vault;
  starting.defer(() => vault.close());
  const caller = await openDemoCaller(vault, folder.path);
  starting.defer(() => caller.end());

  const logFault = faultLogger(logger);
  const onFault = (error: unknown): void => logFault(error, "a request");
  const routes = demoRoutes({ vault, standin, clock, timeline, folder, callerKeyFile: caller.keyFile, onFault });
  const server = await onPort("--port", options.port, 8787, options.tell, (port) =>
    startServer(vault, {
      port,
      metrics,
      metricsPort: 0,
      returnUrls: options.returnUrls ?? "own",
      appName: "Logbook",
      dashboard: true,
      onFault,
      before: routes,
    }),
  );
  starting.defer(async () => {
    const cut = setTimeout(() => void standin.close(), closeWaitMs);
    await server.close();
    clearTimeout(cut);
  });

  const dashboard = await dashboardLink(vault, server.url);

  const started = starting.move();
  return {
    service: server.url,
    standin: standin.url,
    page: `${server.url}/`,
    dashboard,
    metrics: server.metricsUrl ?? "",
    callerKey: caller.key,
    callerKeyFile: caller.keyFile,
    clientId,
    folder: folder.path,
    ended: Promise.race([standin.closed.then(() => "stand-in" as const), server.closed.then(() => "service" as const)]),
    close: () => started.disposeAsync(),
  };
}

/** The same clock. It tells of each move, whoever moves it: the page's button, or the stand-in's control route. */
function toldClock(clock: MovableClock, moved: (ms: number) => void): MovableClock {
  return {
    now: () => clock.now(),
    peoplesTime: () => clock.peoplesTime?.() ?? clock.now(),
    advance: (ms) => {
      clock.advance(ms);
      moved(ms);
    },
  };
}
