/**
 * The service: HTTP over a vault, its settings, its log and metrics, and the keeper in a process of its own.
 * It uses the library as every other embedder does, so nothing here opens a sealed value or speaks to a provider.
 */

export { service } from "./http/app.ts";
export type { ServiceOptions } from "./http/app.ts";
export { serviceConfig, settingNames, settingsFrom, storeConfig, storeFrom, vaultConfig } from "./settings/config.ts";
export type { LogLevel, ServiceConfig, Setting, Settings, StoreConfig, VaultConfig } from "./settings/config.ts";
export { startServer } from "./http/server.ts";
export type { RunningServer, ServerOptions } from "./http/server.ts";
export { startKeeper } from "./keeper/start-keeper.ts";
export type { KeeperClient } from "../keeper-process/program.ts";
export { runService } from "./run.ts";
export { eventLogger, serviceLogger } from "./log.ts";
export type { Logger } from "./log.ts";
export { serviceMetrics } from "./metrics.ts";
export type { Metrics } from "./metrics.ts";
export { faultLogger } from "./error-log.ts";
