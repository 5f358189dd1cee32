/**
 * The settings: from flags and environment to a checked configuration, with every problem found and named at once.
 * No other part of the service reads the environment, and nothing here opens a store or asks the provider.
 */

import { eventParts } from "./event-settings.ts";
import type { Webhook } from "./event-settings.ts";
import { configurationProblems } from "../../core/errors.ts";
import { flawInCopy } from "../../core/verbatim.ts";
import type { MasterKeySource, Provider, Store, TrustedIssuer } from "../../index.ts";
import {
  exchangeRateOf,
  hostOf,
  hostsOf,
  keeperOf,
  keyringOf,
  dashboardOf,
  metricsPortOf,
  tokenMemoryOf,
  logLevelsOf,
  originsOf,
  returnUrlsOf,
  portOf,
  hasGoogle,
  providerOf,
  providersOf,
  rescueFolderOf,
  storeOf,
  urlOf,
} from "./config-parts.ts";
import type { LogLevel } from "./log-levels.ts";
import { settingsFrom } from "./given-settings.ts";
import { settingNames } from "./settings.ts";
import { trustedIssuersIn } from "./trusted-issuers-file.ts";
import type { Setting, Settings } from "./settings.ts";

export { logLevelsOf, returnUrlsOf } from "./config-parts.ts";
export type { LogLevel };
export { settingNames, settingsFrom };
export type { Setting, Settings };

/** What a command needs that looks after a store: `callers`, `keys`, `grants list`. */
export interface StoreConfig {
  readonly store: Store;
  readonly keyring: MasterKeySource;
  /** Where answers are kept that the store could not take, where the default is not wanted. */
  readonly rescueFolder?: string;
}

/** What a vault needs that calls the provider. */
export interface VaultConfig extends StoreConfig {
  readonly providers: readonly Provider[];
  readonly exchangeRate: { readonly perSecond: number; readonly burst: number };
}

/** Everything that a service needs, checked. */
export interface ServiceConfig extends VaultConfig {
  /** The URL by which people and phones reach the service; also `iss` and `aud` of sign-in assertions. */
  readonly publicUrl: string | undefined;
  /** Where connect links may send people back to. */
  readonly returnUrls: readonly string[];
  /** The app's name, as people read it on the page of a connect link. */
  readonly appName: string | undefined;
  /** Whose JWTs say who one of the app's own users is. */
  readonly trustedIssuers: readonly TrustedIssuer[];
  /** Origins whose pages may post codes, besides the service's own. */
  readonly allowedOrigins: readonly string[];
  /** Names by which programs reach the service, besides the public URL's and this machine's own. */
  readonly allowedHosts: readonly string[];
  readonly logLevel: LogLevel;
  readonly host: string;
  readonly port: number;
  /** Where `/metrics` is answered to everybody on this machine; undefined: nowhere. */
  readonly metricsPort: number | undefined;
  /** Whether operators have the dashboard at `/dashboard`. */
  readonly dashboard: boolean;
  /** How much memory tokens take that are handed out again and again, MiB. Undefined: the library's default. */
  readonly tokenMemoryMb: number | undefined;
  /** Where events are delivered, and what of them is told; each undefined: as the library does by default. */
  readonly webhook: Webhook | undefined;
  readonly eventsKeptDays: number | undefined;
  readonly consentEndsSoonDays: number | undefined;
  /** Whether a process of its own, the keeper, opens the refresh tokens. */
  readonly keeper: boolean;
}

/**
 * Checks everything that a service needs. Reads the files that the settings name, and opens no store.
 *
 * @throws {OnbehalfError} `configuration_invalid`: `details.problems` lists every problem, not only the first
 */
export function serviceConfig(settings: Settings): ServiceConfig {
  return checked(settings, serviceSettings, (problems) => ({
    ...vaultParts(settings, problems),
    ...servingParts(settings, problems),
    ...eventParts(settings, problems),
    keeper: keeperOf(settings, problems),
  }));
}

/** What the process needs that serves, while its keeper opens what is sealed for refreshing. */
export type ServingConfig = Omit<
  ServiceConfig,
  "keyring" | "exchangeRate" | "keeper" | "webhook" | "eventsKeptDays" | "consentEndsSoonDays"
>;

/**
 * What the process needs that serves: no master key and no client secret, and it does not look at them.
 *
 * @param clientIds of each provider, by its name, as the keeper has read them
 * @param fromFile the providers of the file, as the keeper has read it: without their secrets
 * @throws {OnbehalfError} `configuration_invalid`: `details.problems` lists every problem
 */
export function servingConfig(
  settings: Settings,
  clientIds: Readonly<Record<string, string>>,
  fromFile: readonly Provider[] = [],
): ServingConfig {
  const used = serviceSettings.filter((setting) => !keeperSettings.has(setting));
  return checked(settings, used, (problems) => ({
    store: storeOf(settings, problems),
    ...rescueFolderOf(settings, problems),
    providers: [
      ...(hasGoogle(settings) ? [providerOf(settings, problems, clientIds["google"] ?? "")] : []),
      ...fromFile,
    ],
    ...servingParts(settings, problems),
  }));
}

/**
 * Checks what a command needs that refreshes or revokes: store, key and client.
 *
 * @throws {OnbehalfError} `configuration_invalid`: `details.problems` lists every problem
 */
export function vaultConfig(settings: Settings): VaultConfig {
  return checked(settings, vaultSettings, (problems) => vaultParts(settings, problems));
}

/**
 * Checks what a command needs that looks after a store: the store and its key.
 *
 * @throws {OnbehalfError} `configuration_invalid`: `details.problems` lists every problem
 */
export function storeConfig(settings: Settings): StoreConfig {
  return checked(settings, storeSettings, (problems) => storeParts(settings, problems));
}

/**
 * Checks the store alone, for commands that open nothing sealed.
 *
 * @throws {OnbehalfError} `configuration_invalid`: `details.problems` lists every problem
 */
export function storeFrom(settings: Settings): Store {
  return checked<Pick<StoreConfig, "store">>(settings, ["store", "storeDirect"], (problems) => ({
    store: storeOf(settings, problems),
  })).store;
}

const storeSettings: readonly Setting[] = ["store", "storeDirect", "key", "keyFile", "openKeyFile", "keyCommand"];
const serviceSettings = Object.keys(settingNames) as Setting[];
const ownSettings = new Set<Setting>([
  "allowedOrigins",
  "allowedHosts",
  "publicUrl",
  "returnUrls",
  "appName",
  "trustedIssuersFile",
  "logLevel",
  "host",
  "port",
  "metricsPort",
  "dashboard",
  "tokenMemoryMb",
  "webhookUrl",
  "webhookSecret",
  "eventsKeptDays",
  "consentEndsSoonDays",
  "keeper",
]);
/** What only the keeper looks at. */
const keeperSettings = new Set<Setting>([
  "key",
  "keyFile",
  "openKeyFile",
  "keyCommand",
  "clientSecretFile",
  "clientId",
  "clientSecret",
  "providersFile",
  "webhookUrl",
  "webhookSecret",
  "eventsKeptDays",
  "consentEndsSoonDays",
]);
const vaultSettings = serviceSettings.filter((setting) => !ownSettings.has(setting));

/** Settings with something in or around them that was not meant: line ends, quotes, a variable that was not replaced. */
function flawsAmong(
  settings: Settings,
  used: readonly Setting[],
): { readonly name: string; readonly problem: string }[] {
  return used.flatMap((setting) => {
    const given = settings[setting];
    // Keys and origins may stand in lines of their own.
    const value = ["key", "allowedOrigins", "allowedHosts", "returnUrls", "webhookSecret"].includes(setting)
      ? given?.replaceAll(/\s+/g, " ")
      : given;
    const flaw = value === undefined ? undefined : flawInCopy(setting === "keyCommand" ? outsideQuotes(value) : value);
    if (flaw === undefined) return [];
    const name = settingNames[setting];
    return [{ name, problem: `${name} ${flaw.is}: ${flaw.hint}` }];
  });
}

/** What a command holds outside of its quotes: within them a shell's variables, pipes and quotes are meant. */
function outsideQuotes(command: string): string {
  return /^(["'])(?:(?!\1).)*\1$/s.test(command) ? command : command.replaceAll(/"[^"]*"|'[^']*'/g, "quoted");
}

/** Where and for whom the service listens. */
function servingParts(
  settings: Settings,
  problems: string[],
): Pick<
  Partly<ServiceConfig>,
  | "publicUrl"
  | "returnUrls"
  | "appName"
  | "trustedIssuers"
  | "allowedOrigins"
  | "allowedHosts"
  | "logLevel"
  | "host"
  | "port"
  | "metricsPort"
  | "dashboard"
  | "tokenMemoryMb"
> {
  return {
    publicUrl: urlOf(settings, "publicUrl", problems),
    returnUrls: returnUrlsOf(settings, problems),
    appName: settings.appName,
    trustedIssuers: trustedIssuersOf(settings, problems),
    allowedOrigins: originsOf(settings, problems),
    allowedHosts: hostsOf(settings, problems),
    logLevel: logLevelsOf(settings, problems).level,
    host: hostOf(settings, problems),
    port: portOf(settings, problems),
    metricsPort: metricsPortOf(settings, problems),
    dashboard: dashboardOf(settings, problems),
    tokenMemoryMb: tokenMemoryOf(settings, problems),
  };
}

function trustedIssuersOf({ trustedIssuersFile: path }: Settings, problems: string[]): readonly TrustedIssuer[] {
  return path === undefined ? [] : trustedIssuersIn(path, problems);
}

function vaultParts(settings: Settings, problems: string[]): Partly<VaultConfig> {
  return {
    ...storeParts(settings, problems),
    providers: providersOf(settings, problems),
    exchangeRate: exchangeRateOf(settings, problems),
  };
}

function storeParts(settings: Settings, problems: string[]): Partly<StoreConfig> {
  return {
    store: storeOf(settings, problems),
    keyring: keyringOf(settings, problems),
    ...rescueFolderOf(settings, problems),
  };
}

/** A configuration while it is read: a part that cannot be made is undefined, and has added a problem. */
type Partly<T> = { readonly [K in keyof T]: T[K] | undefined };

/** @param used the settings that `read` reads: what is wrong with any other is no concern of the command */
function checked<T>(settings: Settings, used: readonly Setting[], read: (problems: string[]) => Partly<T>): T {
  const flaws = flawsAmong(settings, used);
  const found: string[] = [];
  const config = read(found);
  // What is said of a setting that stands in quotes is true of the quotes alone.
  const others = found.filter((problem) => !flaws.some(({ name }) => new RegExp(`^${name}\\b`).test(problem)));
  const problems = [...flaws.map(({ problem }) => problem), ...others];
  if (problems.length === 0) return config as T;
  throw configurationProblems(problems, "correct all of them, then start again; onbehalf doctor checks more than this");
}
