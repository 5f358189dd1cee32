import { randomBytes } from "node:crypto";
import { google, keyringFromFile, movableClock, openVault } from "../index.ts";
import type { Secret, Vault } from "../index.ts";
import type { LogLevel } from "../service/settings/config.ts";
import { eventLogger, serviceLogger } from "../service/log.ts";
import { startServer } from "../service/http/server.ts";
import { startStandin } from "../standin/index.ts";
import { sqlite } from "../store/sqlite/index.ts";
import { openDataFolder } from "./data-folder.ts";
import { onPort } from "./on-port.ts";
import { demoRoutes } from "./routes.ts";
import { Timeline } from "./timeline.ts";

export interface DemoOptions {
  /** 8787 or, where that is taken, any. */
  readonly port?: number;
  /** 4600 or, where that is taken, any. */
  readonly standinPort?: number;
  /** A temporary folder by default, removed at the end. */
  readonly data?: string;
  readonly logLevel: LogLevel;
  /** Told what a person should know, a sentence each. */
  readonly tell: (line: string) => void;
}

export interface RunningDemo {
  readonly service: string;
  readonly standin: string;
  readonly page: string;
  /** A key that may do everything. Made anew at each start, and ended at the end. */
  readonly callerKey: Secret;
  readonly clientId: string;
  readonly folder: string;
  close(): Promise<void>;
}

/** On loopback, whoever is silent for this long will not answer. */
const exchangeTimeoutMs = 5_000;

/** How long requests that wait for a stand-in told to be slow may hold up the end. */
const patienceMs = 5_000;

/**
 * Starts stand-in, service and page, with one clock for all of them.
 *
 * @throws {OnbehalfError} `configuration_invalid`: a port that was asked for is taken; `key_invalid`: a data folder
 *   with a database and without its key; and as `openVault`
 */
export async function startDemo(options: DemoOptions): Promise<RunningDemo> {
  await using starting = new AsyncDisposableStack();
  const clock = movableClock();
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
  const vault = await openVault({
    provider: google({ clientId, clientSecret, baseUrl: standin.url }),
    store: sqlite(folder.database),
    keyring: keyringFromFile(folder.keyFile),
    clock,
    exchangeTimeoutMs,
    onEvent: (event) => {
      logged(event);
      timeline.happened(event);
    },
  });
  starting.defer(() => vault.close());
  const caller = `demo-${randomBytes(6).toString("hex")}`;
  const { key } = await vault.callers.create(caller);
  starting.defer(() => endCaller(vault, caller));

  const onFault = (error: unknown): void => logger.error({ err: error }, "internal_error");
  const routes = demoRoutes({ vault, standin, clock, timeline, onFault });
  const server = await onPort("--port", options.port, 8787, options.tell, (port) =>
    startServer(vault, { port, onFault, before: routes }),
  );
  starting.defer(async () => {
    const cut = setTimeout(() => void standin.close(), patienceMs);
    await server.close();
    clearTimeout(cut);
  });

  const started = starting.move();
  return {
    service: server.url,
    standin: standin.url,
    page: `${server.url}/`,
    callerKey: key,
    clientId,
    folder: folder.path,
    close: () => started.disposeAsync(),
  };
}

/** The key was printed to a terminal: in a folder that is kept it must not outlive the demo. */
async function endCaller({ callers }: Vault, name: string): Promise<void> {
  await callers.revoke(name);
}
