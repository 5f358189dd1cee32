/*
 * The settings as they were given, unchecked. `serve` reads them twice, the first time only to be put in the place of itself,
 * so nothing is loaded here that checks them.
 */
import { readSmallFile } from "../../local/small-file.ts";
import { overrules, settingNames } from "./settings.ts";
import type { Setting, Settings } from "./settings.ts";

/**
 * Joins flags and environment. A flag wins over its variable, and over the variables that say the same thing in another
 * way: `--key` over `ONBEHALF_KEY_FILE`. White space around a value is taken away, as a file's last line end is. An empty
 * variable counts as absent.
 *
 * @param flags by the name of the setting
 * @param environment default: that of the process
 */
export function settingsFrom(
  flags: Settings,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const settings: Partial<Record<Setting, string>> = {};
  const overruled = new Set((Object.keys(flags) as Setting[]).flatMap((flag) => overrules[flag] ?? []));
  for (const [name, variable] of Object.entries(settingNames) as [Setting, string][]) {
    const value = flags[name] ?? (overruled.has(name) ? undefined : environment[variable]);
    if (value !== undefined && value.trim() !== "") settings[name] = value.trim();
  }
  return settings;
}

/** Whether the settings ask for a keeper in a process of its own, as they do by default. */
export function hasKeeper({ keeper = "process" }: Settings): boolean {
  return keeper === "process";
}

/** The names of variables in which a file's secrets are, without a word on what is wrong with it. */
export function secretVariablesIn(path: string | undefined): readonly string[] {
  const read = path === undefined ? undefined : readSmallFile(path);
  if (read === undefined || !("text" in read)) return [];
  return [...read.text.matchAll(/"client_secret_env"\s*:\s*"([^"\\]+)"/g)].map(([, name = ""]) => name);
}
