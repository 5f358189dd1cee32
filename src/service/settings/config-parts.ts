import { readLogLevels } from "./log-levels.ts";
import type { LogLevels } from "./log-levels.ts";
import { allowedReturn } from "../../core/return-url.ts";
import { existsSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { dirname } from "node:path";
import {
  OnbehalfError,
  google,
  isOnbehalfError,
  keyringFromCommand,
  keyringFromFile,
  keyringFromKeys,
  masterKeyId,
  parseClientSecretJson,
} from "../../index.ts";
import type { MasterKeySource, Provider, Store } from "../../index.ts";
import { defined } from "../../core/defined.ts";
import { modeOpenToAll } from "../../local/file-mode.ts";
import { readSmallFile } from "../../local/small-file.ts";
import { shownPath } from "../../core/secret-likeness.ts";
import { allowedOrigin } from "../../vault/http/origins.ts";
import { postgres } from "../../store/postgres/index.ts";
import { sqlite } from "../../store/sqlite/index.ts";
import { providersIn } from "./providers-file.ts";
import { settingNames } from "./settings.ts";
import type { Setting, Settings } from "./settings.ts";

// One function for each part of the configuration. A function that finds something wrong adds it to `problems` and
// returns a harmless value, so that the other parts are read as well and all problems are told at once.

export function storeOf(
  { store = "sqlite:./onbehalf.db", storeDirect }: Settings,
  problems: string[],
): Store | undefined {
  if (/^postgres(?:ql)?:\/\//.test(store)) {
    const options = defined({ connectionString: store, directConnectionString: storeDirect });
    return readSetting("store", problems, () => postgres(options));
  }
  if (storeDirect !== undefined)
    problems.push(
      `${settingNames.storeDirect} is for a PostgreSQL store: remove it, or set ${settingNames.store} to postgres://…`,
    );
  // Of a URL, three slashes: what stands between the second and the third would be a host.
  const path = /^sqlite:(?:\/\/(?=\/))?(?!\/\/[^/])(.+)$/.exec(store)?.[1];
  if (path === undefined) {
    problems.push(`${settingNames.store} must be sqlite:PATH or postgres://USER@HOST/DATABASE`);
    return undefined;
  }
  const made = readSetting("store", problems, () => sqlite(path));
  if (made !== undefined && path !== ":memory:" && !existsSync(dirname(path))) {
    problems.push(
      `${settingNames.store}: the folder ${shownPath(dirname(path))} does not exist: create it, or name another path`,
    );
  }
  if (existsSync(path) && statSync(path).isDirectory()) {
    problems.push(`${settingNames.store}: ${path} is a folder: name a file in it, such as ${path}/onbehalf.db`);
  }
  return made;
}

/** Where answers are kept that the store could not take. The folder is made when it is first needed. */
export function rescueFolderOf({ rescueDir }: Settings, problems: string[]): { readonly rescueFolder?: string } {
  if (rescueDir !== undefined && existsSync(rescueDir) && !statSync(rescueDir).isDirectory()) {
    problems.push(`${settingNames.rescueDir}: ${rescueDir} is a file: name a folder, which is made when it is needed`);
  }
  return defined({ rescueFolder: rescueDir });
}

export function keyringOf(settings: Settings, problems: string[]): MasterKeySource | undefined {
  const { key, keyFile, keyCommand } = settings;
  const [setting, other, ...further] = (["key", "keyFile", "keyCommand"] as const).filter(
    (each) => settings[each] !== undefined,
  );
  if (setting === undefined) {
    problems.push(
      `${settingNames.key} (or ${settingNames.keyFile}) is not set: make a key with onbehalf keys generate, and keep a copy apart from the database; or name a program that prints it in ${settingNames.keyCommand}`,
    );
    return undefined;
  }
  if (other !== undefined) {
    const names = [setting, other, ...further].map((each) => settingNames[each]);
    const which = names.length === 2 ? names.join(" and ") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
    problems.push(`${which} are ${names.length === 2 ? "both" : "all"} set: keep one`);
    return undefined;
  }
  if (keyCommand !== undefined) {
    const printed = readSetting("keyCommand", problems, () => keyringFromCommand(keyCommand));
    // The program is run when the store is opened, and not to look at the settings: it may ask a person for a touch.
    return printed === undefined ? undefined : namingSetting("keyCommand", printed);
  }
  checkOpenKeyFile(settings, problems);
  const source = key === undefined ? keyringFromFile(keyFile ?? "") : keyringFromKeys(...key.split(/[\s,]+/));
  return readSetting(setting, problems, () => {
    const keys = source();
    // A source that returns a promise is read only when the store is opened.
    for (const each of Array.isArray(keys) ? keys : []) masterKeyId(each);
    return source;
  });
}

/** Refuses a key that is everybody's on this machine, unless the operator says that nobody else is there. */
function checkOpenKeyFile({ keyFile, openKeyFile = "refuse" }: Settings, problems: string[]): void {
  if (!/^(?:allow|refuse)$/.test(openKeyFile)) problems.push(`${settingNames.openKeyFile} must be allow or refuse`);
  const mode = keyFile === undefined ? undefined : modeOpenToAll(keyFile);
  if (mode === undefined || openKeyFile === "allow") return;
  const shown = shownPath(keyFile ?? "");
  problems.push(
    `${settingNames.keyFile}: everybody on this machine may read or change ${shown} (mode ${mode}): chmod 600 ${shown}; where nobody else is there, as in a container, set ${settingNames.openKeyFile}=allow`,
  );
}

/** The same source, whose errors say which setting it comes from. */
function namingSetting(setting: Setting, source: MasterKeySource): MasterKeySource {
  return async () => {
    try {
      return await source();
    } catch (error) {
      if (!isOnbehalfError(error, "key_invalid")) throw error;
      const { hint, details } = error;
      throw new OnbehalfError("key_invalid", `${settingNames[setting]}: ${error.message}`, { hint, details });
    }
  };
}

/** Whether the settings name a client at Google. Where there is no file of providers, they must. */
export function hasGoogle({ providersFile, clientSecretFile, clientId, clientSecret }: Settings): boolean {
  return providersFile === undefined || (clientSecretFile ?? clientId ?? clientSecret) !== undefined;
}

/** Google, where the settings name a client there, and the providers of the file. */
export function providersOf(settings: Settings, problems: string[]): readonly Provider[] {
  const { providersFile } = settings;
  const google = hasGoogle(settings) ? [providerOf(settings, problems)] : [];
  const others =
    providersFile === undefined ? [] : providersIn(providersFile, problems, undefined, baseUrlOf(settings));
  if (google.length > 0 && others.some(({ name }) => name === "google")) {
    problems.push(
      `${settingNames.providersFile}: it has a provider named google, and ${settingNames.clientId} or ${settingNames.clientSecretFile} is set: keep one`,
    );
  }
  return [...google, ...others];
}

/** By which address people reach the service. What is wrong with the settings of it is told elsewhere. */
function baseUrlOf(settings: Settings): string {
  const { port = "8787" } = settings;
  return urlOf(settings, "publicUrl", []) ?? `http://127.0.0.1:${port}`;
}

/**
 * The provider, with its client.
 *
 * @param clientId where this process must not read the client's secret: its id, which another one has read
 */
export function providerOf(settings: Settings, problems: string[], clientId?: string): Provider {
  const client = clientId === undefined ? clientOf(settings, problems) : {};
  const baseUrl = urlOf(settings, "googleBaseUrl", problems);
  const popupRedirectUri = popupRedirectUriOf(settings, problems);
  const rotation = rotationOf(settings, problems);
  return {
    ...google({
      ...client,
      ...defined({ baseUrl, popupRedirectUri }),
    }),
    ...defined({ rotation, privateApis: privateApisOf(settings, problems), dpop: dpopOf(settings, problems) }),
    ...(clientId === undefined ? {} : { client: { clientId } }),
  };
}

/** The id of a provider's client, from its file where that has been named. */
export function clientIdOf({ client, endpoints }: Provider): string {
  if (client === "none") return "";
  // Known when it was registered: whoever serves reads it in the store.
  if ("register" in client) return "";
  if (!("clientSecretFile" in client)) return client.clientId;
  const { clientSecretFile: path } = client;
  const read = readSmallFile(path);
  const tokenEndpoint = endpoints === "discover" ? undefined : endpoints.tokenEndpoint;
  return parseClientSecretJson("text" in read ? read.text : "", path, tokenEndpoint).clientId;
}

function clientOf(
  { clientSecretFile, clientId, clientSecret, googleBaseUrl }: Settings,
  problems: string[],
): Pick<Settings, "clientSecretFile" | "clientId" | "clientSecret"> {
  if (clientSecretFile !== undefined) {
    if (clientId !== undefined || clientSecret !== undefined) {
      const other = clientId === undefined ? settingNames.clientSecret : settingNames.clientId;
      problems.push(`${settingNames.clientSecretFile} and ${other} are both set: keep one`);
    }
    const read = readSmallFile(clientSecretFile);
    if ("problem" in read) {
      problems.push(
        `${settingNames.clientSecretFile}: the file ${shownPath(clientSecretFile)} ${read.problem}: download the web client's JSON in the Cloud console`,
      );
    } else {
      // A stand-in's client file names the stand-in.
      readSetting("clientSecretFile", problems, () =>
        parseClientSecretJson(read.text, shownPath(clientSecretFile), googleBaseUrl),
      );
    }
    return { clientSecretFile };
  }
  if (clientId === undefined) {
    problems.push(
      `${settingNames.clientSecretFile} (or ${settingNames.clientId} and ${settingNames.clientSecret}) is not set: download the web client's JSON in the Cloud console`,
    );
  } else if (clientSecret === undefined) {
    problems.push(
      `${settingNames.clientSecret} is not set: set it to the secret of the client in ${settingNames.clientId}`,
    );
  }
  return defined({ clientId, clientSecret });
}

/** Whether the provider's APIs may have private addresses, as Google's have behind Private Service Connect. */
function dpopOf({ googleDpop }: Settings, problems: string[]): boolean | undefined {
  if (googleDpop === undefined || googleDpop === "off") return undefined;
  if (googleDpop !== "on") problems.push(`${settingNames.googleDpop} must be on or off`);
  return true;
}

function privateApisOf({ privateApis }: Settings, problems: string[]): boolean | undefined {
  if (privateApis === undefined || privateApis === "refuse") return undefined;
  if (privateApis !== "allow") problems.push(`${settingNames.privateApis} must be allow or refuse`);
  return true;
}

/** What Google calls a popup's redirect: the word `postmessage`, or the origin of the page. */
function popupRedirectUriOf({ popupRedirectUri }: Settings, problems: string[]): string | undefined {
  if (popupRedirectUri === undefined || popupRedirectUri === "postmessage" || URL.canParse(popupRedirectUri)) {
    return popupRedirectUri;
  }
  problems.push(`${settingNames.popupRedirectUri} must be postmessage, or the URL that the popup was opened with`);
  return undefined;
}

/** How the issuer under Google's base URL rotates refresh tokens. Google itself does not rotate them. */
function rotationOf({ rotation }: Settings, problems: string[]): Provider["rotation"] | undefined {
  if (rotation === undefined) return undefined;
  if (rotation === "none" || rotation === "strict") return rotation;
  const seconds = /^grace:(\d{1,6})$/.exec(rotation)?.[1];
  if (seconds !== undefined) return { graceSeconds: Number(seconds) };
  problems.push(`${settingNames.rotation} must be none, strict or grace:SECONDS`);
  return undefined;
}

/** A URL that secrets may be sent to: https to any host, plain http to this machine alone. */
export function urlOf(settings: Settings, name: Setting, problems: string[]): string | undefined {
  const text = settings[name];
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const loopback = url !== undefined && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url === undefined || !(url.protocol === "https:" || (url.protocol === "http:" && loopback))) {
    problems.push(`${settingNames[name]} must be an https URL (plain http is allowed for loopback addresses alone)`);
    return undefined;
  }
  if (url.search !== "" || url.hash !== "" || url.username !== "") {
    problems.push(`${settingNames[name]} must be a URL without credentials, query and fragment`);
    return undefined;
  }
  return text.replace(/\/+$/, "");
}

export function originsOf({ allowedOrigins = "" }: Settings, problems: string[]): string[] {
  const listed = allowedOrigins.split(/[\s,]+/).filter((each) => each !== "");
  return listed.flatMap((each) => readSetting("allowedOrigins", problems, () => [allowedOrigin(each)]) ?? []);
}

/** Where connect links may send people back to. */
export function returnUrlsOf({ returnUrls = "" }: Settings, problems: string[]): string[] {
  const listed = returnUrls.split(/[\s,]+/).filter((each) => each !== "");
  for (const each of listed) {
    const entry = allowedReturn(each);
    if ("must" in entry) problems.push(`${settingNames.returnUrls} has an address that ${entry.must}`);
  }
  return listed;
}

/** Names of hosts, without scheme and port. */
export function hostsOf({ allowedHosts = "" }: Settings, problems: string[]): string[] {
  const listed = allowedHosts.split(/[\s,]+/).filter((each) => each !== "");
  for (const each of listed) {
    const isHost =
      /^(?:[a-z0-9_][a-z0-9._-]{0,252}|\[[0-9a-f:.]{2,45}\])$/i.test(each) && URL.canParse(`http://${each}`);
    if (isHost) continue;
    problems.push(
      `${settingNames.allowedHosts} must list hosts in full, such as onbehalf.internal, without http://, port or pattern`,
    );
  }
  return listed;
}

export function logLevelsOf({ logLevel = "info" }: Settings, problems: string[]): LogLevels {
  return readLogLevels(logLevel, settingNames.logLevel, problems);
}

/** An address or a name, as a socket takes it: `::1`, and not `[::1]:8787` or a URL. */
export function hostOf({ host = "127.0.0.1" }: Settings, problems: string[]): string {
  if (isIP(host.replace(/%\w+$/, "")) === 0 && !/^[A-Za-z0-9_][\w.-]*$/.test(host)) {
    problems.push(`${settingNames.host} must be an address or a host's name alone, without http://, port or brackets`);
  }
  return host;
}

export function portOf({ port = "8787" }: Settings, problems: string[]): number {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    problems.push(`${settingNames.port} must be a number from 0 to 65535`);
  }
  return Number(port);
}

/** A port of this machine alone, for metrics. */
export function metricsPortOf({ metricsPort, port = "8787" }: Settings, problems: string[]): number | undefined {
  if (metricsPort === undefined) return undefined;
  const number = Number(metricsPort);
  if (!/^\d{1,5}$/.test(metricsPort) || number > 65_535) {
    problems.push(`${settingNames.metricsPort} must be a number from 0 to 65535; without it there is no such port`);
  } else if (number !== 0 && number === Number(port)) {
    problems.push(`${settingNames.metricsPort} and ${settingNames.port} must not be the same`);
  }
  return number;
}

export function keeperOf({ keeper = "process" }: Settings, problems: string[]): boolean {
  if (!/^(?:process|none)$/.test(keeper)) problems.push(`${settingNames.keeper} must be process or none`);
  return keeper === "process";
}

/** Whether the service has its dashboard. */
export function dashboardOf({ dashboard = "on" }: Settings, problems: string[]): boolean {
  if (!/^(?:on|off)$/.test(dashboard)) problems.push(`${settingNames.dashboard} must be on or off`);
  return dashboard === "on";
}

export function exchangeRateOf(
  { exchangesPerSecond = "50" }: Settings,
  problems: string[],
): { perSecond: number; burst: number } {
  const perSecond = Number(exchangesPerSecond);
  if (!(perSecond >= 1 && perSecond <= 10_000)) {
    problems.push(`${settingNames.exchangesPerSecond} must be a number from 1 to 10000`);
  }
  return { perSecond, burst: Math.ceil(perSecond) };
}

export function tokenMemoryOf({ tokenMemoryMb }: Settings, problems: string[]): number | undefined {
  if (tokenMemoryMb === undefined) return undefined;
  const mb = Number(tokenMemoryMb);
  if (!/^\d{1,5}$/.test(tokenMemoryMb) || mb < 1 || mb > 65_536) {
    problems.push(`${settingNames.tokenMemoryMb} must be a whole number of MiB from 1 to 65536`);
  }
  return mb;
}

/** What `read` returns. An error that it throws becomes a problem of this setting. */
function readSetting<T>(setting: Setting, problems: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
    problems.push(`${settingNames[setting]}: ${error.message}; ${error.hint}`);
    return undefined;
  }
}
