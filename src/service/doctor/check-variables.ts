import { nearestName } from "../../core/known-names.ts";
import { shownText } from "../../core/secret-likeness.ts";
import { settingNames } from "../settings/settings.ts";
import { warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** Names the variables that look like settings and are none: a mistyped setting is ignored without a word. */
export function checkVariables(environment: Readonly<Record<string, string | undefined>>): Finding[] {
  const known: readonly string[] = Object.values(settingNames);
  return Object.keys(environment)
    .filter((name) => name.startsWith("ONBEHALF_") && !known.includes(name))
    .map((name) => {
      const meant = nearestName(name, known);
      return warn(
        "settings",
        `nothing reads the variable ${shownText(name)}`,
        meant === undefined
          ? "remove it, or see the names with: onbehalf serve --help"
          : `write ${meant}, if that is meant`,
      );
    });
}
