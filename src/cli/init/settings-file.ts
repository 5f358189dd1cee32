import { parseEnv } from "node:util";
import { configurationInvalid } from "../../core/errors.ts";
import { settingNames } from "../../service/settings/settings.ts";
import type { Setting, Settings } from "../../service/settings/settings.ts";

/**
 * A file of settings, as `--config`, systemd's `EnvironmentFile` and a container's `--env-file` read it. It says how it is
 * used, and holds no secret: these are in files of their own.
 *
 * @param path where it will be, in full
 * @throws {OnbehalfError} `configuration_invalid`: a value cannot stand in such a file
 */
export function settingsFile(path: string, settings: Settings): string {
  const entries = (Object.entries(settings) as [Setting, string][]).map(
    ([setting, value]) => [settingNames[setting], value] as const,
  );
  const text = [
    "# Made by onbehalf init. Every command reads it with --config; variables of the environment win over it.",
    `# onbehalf serve --config ${path}`,
    "# All settings, and what they mean: onbehalf serve --help",
    ...entries.map(([name, value]) => `${name}=${quoted(value)}`),
    "",
  ].join("\n");
  const read = parseEnv(text);
  // Of a line end in quotes, each reader of such files makes something else.
  const lost = entries.find(([name, value]) => read[name] !== value || /\p{Cc}/u.test(value));
  if (lost === undefined) return text;
  throw configurationInvalid(
    `the value of ${lost[0]} cannot stand in a file of settings`,
    "use a path without quotes, line ends and backslashes",
  );
}

function quoted(value: string): string {
  if (/^[\w./:@%+,=?&~-]*$/.test(value)) return value;
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}
