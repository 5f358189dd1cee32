import { google, keyringFromFile, keyringFromKeys, OnbehalfError } from "../index.ts";
import type { MasterKeySource, Provider, Store } from "../index.ts";
import { sqlite } from "../store/sqlite.ts";

/** Names of the settings, each an environment variable and a flag. */
export const settingNames = {
  store: "ONBEHALF_STORE",
  key: "ONBEHALF_KEY",
  keyFile: "ONBEHALF_KEY_FILE",
  clientSecretFile: "ONBEHALF_CLIENT_SECRET_FILE",
  clientId: "ONBEHALF_CLIENT_ID",
  clientSecret: "ONBEHALF_CLIENT_SECRET",
  googleBaseUrl: "ONBEHALF_GOOGLE_BASE_URL",
  rotation: "ONBEHALF_ROTATION",
  popupRedirectUri: "ONBEHALF_POPUP_REDIRECT_URI",
  keeper: "ONBEHALF_KEEPER",
  exchangesPerSecond: "ONBEHALF_EXCHANGES_PER_SECOND",
  allowedOrigins: "ONBEHALF_ALLOWED_ORIGINS",
  publicUrl: "ONBEHALF_PUBLIC_URL",
  logLevel: "ONBEHALF_LOG_LEVEL",
  host: "HOST",
  port: "PORT",
} as const;

export type Setting = keyof typeof settingNames;
export type Settings = Readonly<Partial<Record<Setting, string>>>;

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** What a service needs, checked. */
export interface ServiceConfig extends StoreConfig {
  readonly providers: readonly Provider[];
  /** As people and phones reach the service; also `iss` and `aud` of sign-in assertions. */
  readonly publicUrl: string | undefined;
  readonly allowedOrigins: readonly string[];
  readonly logLevel: LogLevel;
  readonly host: string;
  readonly port: number;
  /** Whether refresh tokens are opened by a process of their own. */
  readonly keeper: boolean;
  readonly exchangeRate: { readonly perSecond: number; readonly burst: number };
}

/** The part that commands need which only look after the store. */
export interface StoreConfig {
  readonly store: Store;
  readonly keyring: MasterKeySource;
}

/**
 * Settings from flags and environment; a flag wins. An empty variable counts as absent.
 */
export function settingsFrom(
  flags: Settings,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const settings: Partial<Record<Setting, string>> = {};
  for (const [name, variable] of Object.entries(settingNames) as [Setting, string][]) {
    const value = flags[name] ?? environment[variable];
    if (value !== undefined && value.trim() !== "") settings[name] = value.trim();
  }
  return settings;
}

/**
 * Checks everything a service needs.
 *
 * @throws {OnbehalfError} `configuration_invalid`: `details.problems` lists every problem found, not only the first
 */
export function serviceConfig(settings: Settings): ServiceConfig {
  const problems: string[] = [];
  const store = storeOf(settings, problems);
  const keyring = keyringOf(settings, problems);
  const providers = providersOf(settings, problems);
  const publicUrl = originOf(settings, "publicUrl", problems);
  const allowedOrigins = (settings.allowedOrigins ?? "")
    .split(/[\s,]+/)
    .filter((each) => each !== "")
    .map((each) => {
      if (!URL.canParse(each) || new URL(each).origin !== each) {
        problems.push(`${settingNames.allowedOrigins}: ${each} is not an origin such as https://app.example.com`);
      }
      return each;
    });
  const logLevel = logLevels.find((level) => level === (settings.logLevel ?? "info"));
  if (logLevel === undefined) problems.push(`${settingNames.logLevel} must be one of ${logLevels.join(", ")}`);
  const port = Number(settings.port ?? 8787);
  if (!/^\d{1,5}$/.test(settings.port ?? "8787") || port > 65_535) {
    problems.push(`${settingNames.port} must be a number from 0 to 65535`);
  }
  const keeper = settings.keeper ?? "process";
  if (!/^(?:process|none)$/.test(keeper)) problems.push(`${settingNames.keeper} must be process or none`);
  const perSecond = Number(settings.exchangesPerSecond ?? 50);
  if (!(perSecond >= 1 && perSecond <= 10_000)) {
    problems.push(`${settingNames.exchangesPerSecond} must be a number from 1 to 10000`);
  }
  if (problems.length > 0 || store === undefined || keyring === undefined || logLevel === undefined)
    throw invalid(problems);
  return {
    store,
    keyring,
    providers,
    publicUrl,
    allowedOrigins,
    logLevel,
    host: settings.host ?? "127.0.0.1",
    port,
    keeper: keeper === "process",
    exchangeRate: { perSecond, burst: Math.ceil(perSecond) },
  };
}

/**
 * Checks what commands need that look after a store.
 *
 * @throws {OnbehalfError} `configuration_invalid`
 */
export function storeConfig(settings: Settings): StoreConfig {
  const problems: string[] = [];
  const store = storeOf(settings, problems);
  const keyring = keyringOf(settings, problems);
  if (store === undefined || keyring === undefined) throw invalid(problems);
  return { store, keyring };
}

/** The store alone, for commands that open no key. Throws `configuration_invalid`. */
export function storeFrom(settings: Settings): Store {
  const problems: string[] = [];
  const store = storeOf(settings, problems);
  if (store === undefined) throw invalid(problems);
  return store;
}

function storeOf({ store = "sqlite:./onbehalf.db" }: Settings, problems: string[]): Store | undefined {
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(store)?.[1];
  if (path !== undefined) return sqlite(path);
  problems.push(`${settingNames.store} must be sqlite:PATH or postgres://…`);
  return undefined;
}

function keyringOf({ key, keyFile }: Settings, problems: string[]): MasterKeySource | undefined {
  if (key !== undefined && keyFile !== undefined) {
    problems.push(`${settingNames.key} and ${settingNames.keyFile} are both set: keep one`);
    return undefined;
  }
  if (key !== undefined) return keyringFromKeys(...key.split(/[\s,]+/));
  if (keyFile !== undefined) return keyringFromFile(keyFile);
  problems.push(
    `${settingNames.key} (or ${settingNames.keyFile}) is not set: make a key with onbehalf keys generate, and keep a copy apart from the database`,
  );
  return undefined;
}

function providersOf(settings: Settings, problems: string[]): Provider[] {
  const { clientSecretFile, clientId, clientSecret, popupRedirectUri } = settings;
  if (clientSecretFile === undefined && (clientId === undefined || clientSecret === undefined)) {
    problems.push(
      clientId === undefined
        ? `${settingNames.clientSecretFile} (or ${settingNames.clientId} and ${settingNames.clientSecret}) is not set: download the web client's JSON in the Cloud console`
        : `${settingNames.clientSecret} is not set: the web client's secret goes with ${settingNames.clientId}`,
    );
  }
  const baseUrl = originOf(settings, "googleBaseUrl", problems);
  const rotation = rotationOf(settings, problems);
  const provider = google({
    ...(clientSecretFile === undefined ? {} : { clientSecretFile }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(clientSecret === undefined ? {} : { clientSecret }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(popupRedirectUri === undefined ? {} : { popupRedirectUri }),
  });
  return [rotation === undefined ? provider : { ...provider, rotation }];
}

/** How an issuer behind Google's base URL rotates refresh tokens; Google itself does not. */
function rotationOf({ rotation }: Settings, problems: string[]): Provider["rotation"] | undefined {
  if (rotation === undefined) return undefined;
  if (rotation === "none" || rotation === "strict") return rotation;
  const seconds = /^grace:(\d{1,6})$/.exec(rotation)?.[1];
  if (seconds !== undefined) return { graceSeconds: Number(seconds) };
  problems.push(`${settingNames.rotation} must be none, strict or grace:SECONDS`);
  return undefined;
}

/** A base URL: https anywhere, plain http on this machine alone. */
function originOf(settings: Settings, name: Setting, problems: string[]): string | undefined {
  const text = settings[name];
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const loopback = url !== undefined && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url === undefined || !(url.protocol === "https:" || (url.protocol === "http:" && loopback))) {
    problems.push(`${settingNames[name]} must be an https URL (plain http for loopback addresses alone)`);
    return undefined;
  }
  return text.replace(/\/+$/, "");
}

function invalid(problems: readonly string[]): OnbehalfError<"configuration_invalid"> {
  const [first, ...others] = problems;
  return new OnbehalfError(
    "configuration_invalid",
    others.length === 0
      ? (first ?? "the configuration is invalid")
      : `the configuration has ${problems.length} problems`,
    { hint: "correct all of them, then start again; onbehalf doctor looks deeper", details: { problems } },
  );
}
