import { isSecretSetting } from "../../service/secrets/secret-names.ts";
import type { Setting, Settings } from "../../service/settings/settings.ts";
import { flagOf } from "../terminal/flag-name.ts";

/** The flags of `serve` beside those of its settings. */
export interface ServeFlags {
  readonly migrate: boolean;
  readonly json?: boolean;
}

/**
 * What the process list shows once the process is in the place of itself: the flags as they were given, without those that are
 * secret.
 */
export function argumentsOf({ migrate, json }: ServeFlags, given: Settings): string[] {
  const shown = (Object.entries(given) as [Setting, string][]).filter(([name, value]) => !isSecretSetting(name, value));
  return [
    "serve",
    ...(migrate ? [] : ["--no-migrate"]),
    ...(json === true ? ["--json"] : []),
    ...shown.flatMap(([name, value]) => [`--${flagOf(name)}`, value]),
  ];
}

/**
 * The flags that {@link argumentsOf} puts first. Those of settings are for whoever reads the process list: the process is told
 * its settings by the one that holds the secret ones.
 *
 * @param args without `serve`
 */
export function shownFlags(args: readonly string[]): ServeFlags {
  const migrate = args[0] !== "--no-migrate";
  return { migrate, json: args[migrate ? 0 : 1] === "--json" };
}
