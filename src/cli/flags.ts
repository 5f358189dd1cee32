import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { settingNames } from "../service/settings/setting-names.ts";
import type { Setting, Settings } from "../service/settings/setting-names.ts";
import { say } from "./terminal/print.ts";

/** Each setting's flag: its argument, and what it says in the help. */
const descriptions: Readonly<Record<Setting, readonly [argument: string, says: string]>> = {
  store: ["url", "where grants are kept: sqlite:PATH or postgres://… (sqlite:./onbehalf.db)"],
  storeDirect: ["url", "the same PostgreSQL, past the pooler that stands before it"],
  key: ["key", "master key, obm_…; seen by everybody in the process list: better in the environment or a file"],
  keyFile: ["path", "file with the master key; newest first where there are several"],
  clientSecretFile: ["path", "client_secret.json of the web client, as the Cloud console gives it"],
  clientId: ["id", "the web client's id, instead of the file"],
  clientSecret: ["secret", "its secret; seen by everybody in the process list: better in the environment or the file"],
  googleBaseUrl: ["url", "every endpoint of Google under this one URL: a stand-in's, for tests"],
  rotation: ["how", "how an issuer under that URL rotates refresh tokens: none, strict or grace:SECONDS"],
  popupRedirectUri: ["uri", "redirect_uri of codes from a popup (postmessage)"],
  keeper: ["how", "process: refresh tokens are opened by a process of their own; none: by this one (process)"],
  exchangesPerSecond: ["number", "exchanges with the provider, at most (50)"],
  allowedOrigins: ["list", "origins whose pages may post codes, separated by commas"],
  publicUrl: ["url", "as people and phones reach the service"],
  logLevel: ["level", "debug, info, warn, error or silent (info)"],
  host: ["address", "where to listen (127.0.0.1)"],
  port: ["number", "where to listen; 0 for any (8787)"],
};

const storeSettings: readonly Setting[] = ["store", "storeDirect", "key", "keyFile"];
const clientSettings: readonly Setting[] = [
  "clientSecretFile",
  "clientId",
  "clientSecret",
  "googleBaseUrl",
  "rotation",
  "popupRedirectUri",
];

/** Which settings a command understands: the store's alone, those of a client as well, or all. */
export type Scope = "store" | "client" | "service";

/** Gives a command the flags of its settings, and `--json`. */
export function withSettings(command: Command, scope: Scope): Command {
  const all = Object.keys(settingNames) as Setting[];
  const settings = { store: storeSettings, client: [...storeSettings, ...clientSettings], service: all }[scope];
  for (const setting of settings) {
    const [argument, says] = descriptions[setting];
    command.option(`--${kebab(setting)} <${argument}>`, `${says} [${settingNames[setting]}]`);
  }
  return withJson(command);
}

export function withJson(command: Command): Command {
  return command.option("--json", "data as JSON, on stdout");
}

/** The settings among a command's flags. */
export function settingsAmong(flags: object): Settings {
  const given = Object.entries(flags).filter(([name, value]) => name in settingNames && typeof value === "string");
  const settings = Object.fromEntries(given) as Settings;
  for (const name of ["key", "clientSecret"] as const) {
    if (settings[name] === undefined) continue;
    say(
      `warning: --${kebab(name)} shows a secret to everybody who may list processes; use ${settingNames[name]} instead`,
    );
  }
  for (const name of ["store", "storeDirect"] as const) {
    if (!/^postgres.*:\/\/[^/@]*:[^/@]+@/.test(settings[name] ?? "")) continue;
    say(
      `warning: --${kebab(name)} shows a password to everybody who may list processes; use ${settingNames[name]} instead`,
    );
  }
  return settings;
}

/** An option that is a whole number within bounds; anything else is wrong usage. */
export function numberOption(flags: string, says: string, from: number, to: number): Option {
  return new Option(flags, says).argParser((text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`it must be a whole number from ${from} to ${to}`);
  });
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
