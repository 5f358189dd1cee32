import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { settingNames } from "../service/settings/settings.ts";
import type { Setting, Settings } from "../service/settings/settings.ts";
import { flagOf } from "./terminal/flag-name.ts";
import { say } from "./terminal/print.ts";

/** Each setting's flag: its argument, and its text in the help. In round brackets: the default. */
const descriptions: Readonly<Record<Setting, readonly [argument: string, says: string]>> = {
  store: ["url", "where grants are stored: sqlite:PATH or postgres://… (sqlite:./onbehalf.db)"],
  storeDirect: ["url", "the address of that PostgreSQL without the pooler in front of it"],
  rescueDir: [
    "path",
    "folder for answers that the store could not take (SQLite: PATH-rescue; PostgreSQL: ./onbehalf-rescue)",
  ],
  key: ["key", "the master key, obm_…; everybody can see it in the process list, so prefer the variable or a file"],
  keyFile: ["path", "file with the master key; the newest first where there are several"],
  openKeyFile: ["how", "whether everybody on this machine may be able to read that file: allow or refuse (refuse)"],
  keyCommand: ["command", "program that prints the master key, run without a shell; quotes keep blanks together"],
  clientSecretFile: ["path", "client_secret.json of the web client, as downloaded from the Cloud console"],
  clientId: ["id", "id of the web client, instead of the file"],
  clientSecret: [
    "secret",
    "secret of the web client; everybody can see it in the process list, so prefer the variable or the file",
  ],
  providersFile: ["path", "JSON file of providers besides Google, or in place of it"],
  googleBaseUrl: ["url", "reach every endpoint of Google under this URL: that of a stand-in, for tests"],
  rotation: ["how", "how the stand-in under that URL rotates refresh tokens: none, strict or grace:SECONDS (none)"],
  googleDpop: ["how", "whether refresh tokens are bound to a key of the keeper (DPoP): on or off (off)"],
  privateApis: ["how", "whether Google's API hosts may have private addresses: allow or refuse (refuse)"],
  popupRedirectUri: ["uri", "redirect_uri at the exchange of a code from a popup (postmessage)"],
  keeper: ["how", "which process opens refresh tokens: process, one of its own; none, this one (process)"],
  tokenMemoryMb: ["MiB", "how much memory tokens take that are handed out again and again (48)"],
  webhookUrl: ["url", "where events are delivered: https, or http on this machine (nowhere)"],
  webhookSecret: [
    "secret",
    "signs them, whsec_…, several separated by commas; everybody can see it in the process list, so prefer the variable",
  ],
  eventsKeptDays: ["days", "how long events are kept (30)"],
  consentEndsSoonDays: ["days", "how long before the known end of a consent apps are told of it (7)"],
  exchangesPerSecond: ["number", "the most requests to the provider in a second (50)"],
  allowedOrigins: [
    "list",
    "origins whose pages may post codes, separated by commas; the service's own is always allowed",
  ],
  allowedHosts: [
    "list",
    "names by which programs reach the service, separated by commas; the public URL's is one anyway",
  ],
  publicUrl: ["url", "the URL by which people and phones reach the service"],
  returnUrls: [
    "list",
    "where connect links may send people back to, separated by commas: exact, or a prefix ending in /* (nowhere)",
  ],
  appName: ["name", "the app's name, as people read it on the page of a connect link (the return URL's host)"],
  trustedIssuersFile: [
    "path",
    "JSON file of the issuers whose JWTs say who one of the app's users is, at the token endpoint (none)",
  ],
  logLevel: [
    "levels",
    "the lowest level to log: debug, info, warn, error or silent (info); of a part of the log: webhooks=debug",
  ],
  host: ["address", "the address to listen on (127.0.0.1)"],
  port: ["number", "the port to listen on; 0 for any free one (8787)"],
  dashboard: ["how", "whether operators have the dashboard at /dashboard: on or off (on)"],
  metricsPort: [
    "number",
    "a port of this machine alone that answers /metrics without a key; 0 for any free one (none)",
  ],
};

/** The settings, each in the group under which help shows it. */
const groups: readonly (readonly [heading: string, scope: Scope, settings: readonly Setting[]])[] = [
  ["Store:", "store", ["store", "storeDirect", "rescueDir"]],
  ["Master key:", "store", ["key", "keyFile", "openKeyFile", "keyCommand"]],
  ["Client at the provider:", "client", ["clientSecretFile", "clientId", "clientSecret"]],
  [
    "Provider:",
    "client",
    ["providersFile", "googleBaseUrl", "googleDpop", "rotation", "privateApis", "popupRedirectUri"],
  ],
  [
    "Who may reach the service:",
    "service",
    ["publicUrl", "allowedOrigins", "allowedHosts", "returnUrls", "appName", "trustedIssuersFile"],
  ],
  ["Events:", "service", ["webhookUrl", "webhookSecret", "eventsKeptDays", "consentEndsSoonDays"]],
  [
    "Running:",
    "service",
    ["host", "port", "metricsPort", "dashboard", "keeper", "exchangesPerSecond", "tokenMemoryMb", "logLevel"],
  ],
];

/** Which settings a command has: those of the store, those of the client as well, or all. */
export type Scope = "store" | "client" | "service";

const scopes: readonly Scope[] = ["store", "client", "service"];

/** Gives a command the flags of its settings, in groups, `--config` and `--json`. */
export function withSettings(command: Command, scope: Scope): Command {
  command.option("--config <path>", "file with settings, as onbehalf init writes it; the environment wins over it");
  withJson(command);
  for (const [heading, from, settings] of groups) {
    if (scopes.indexOf(from) > scopes.indexOf(scope)) continue;
    for (const setting of settings) {
      const [argument, says] = descriptions[setting];
      const option = new Option(`--${flagOf(setting)} <${argument}>`, `${says} [${settingNames[setting]}]`);
      command.addOption(option.helpGroup(heading));
    }
  }
  return command;
}

export function withJson(command: Command): Command {
  return command.option("--json", "print data as JSON on stdout");
}

/** The settings among a command's flags. */
export function settingsAmong(flags: object): Settings {
  const given = Object.entries(flags).filter(([name, value]) => name in settingNames && typeof value === "string");
  const settings = Object.fromEntries(given) as Settings;
  for (const name of ["key", "clientSecret"] as const) {
    if (settings[name] === undefined) continue;
    say(
      `warning: --${flagOf(name)} shows a secret to everybody who can list processes; use ${settingNames[name]} instead`,
    );
  }
  for (const name of ["store", "storeDirect"] as const) {
    if (!/^postgres.*:\/\/[^/@]*:[^/@]+@/.test(settings[name] ?? "")) continue;
    say(
      `warning: --${flagOf(name)} shows a password to everybody who can list processes; use ${settingNames[name]} instead`,
    );
  }
  return settings;
}

/** An option that takes a whole number from `from` to `to`. Anything else ends with exit code 2. */
export function numberOption(flags: string, says: string, from: number, to: number): Option {
  return new Option(flags, says).argParser((text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`it must be a whole number from ${from} to ${to}`);
  });
}
