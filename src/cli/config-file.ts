import { parseEnv } from "node:util";
import { configurationInvalid } from "../core/errors.ts";
import { nearestName } from "../core/known-names.ts";
import { shownPath, shownText } from "../core/secret-likeness.ts";
import { modeOpenToAll } from "../local/file-mode.ts";
import { readSmallFile } from "../local/small-file.ts";
import { isSecretSetting } from "../service/secrets/secret-names.ts";
import { overrules, settingNames } from "../service/settings/settings.ts";
import type { Setting } from "../service/settings/settings.ts";
import { say } from "./terminal/print.ts";

/** What such a file may hold besides settings: what is read while a command runs. */
const others: readonly string[] = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"];

/**
 * Reads settings from a file of lines `NAME=VALUE` into the environment. What is there already wins. A name that nothing
 * reads is told, because a mistyped setting would be ignored. Node has the same as `--env-file`, a name that we cannot use:
 * Node reads that flag wherever it stands, and takes all of the file.
 *
 * @param environment default: that of the process
 * @param tell called with each warning; default: it is printed on stderr
 * @throws {OnbehalfError} `configuration_invalid`: the file cannot be read, or holds a master key that is everybody's
 */
export function loadConfigFile(
  path: string,
  environment: Record<string, string | undefined> = process.env,
  tell: (warning: string) => void = say,
): void {
  const shown = shownPath(path);
  const read = readSmallFile(path);
  if ("problem" in read) {
    throw configurationInvalid(`the file ${shown} of --config ${read.problem}`, "onbehalf init writes such a file");
  }
  const values = parseEnv(read.text.replace(/^\uFEFF/, "")) as Record<string, string>;
  const names = Object.entries(settingNames) as [Setting, string][];
  const isSet = (name: string): boolean => (environment[name] ?? "").trim() !== "";
  const overruled = new Set(
    names.flatMap(([setting, name]) =>
      isSet(name) ? (overrules[setting] ?? []).map((each) => settingNames[each]) : [],
    ),
  );
  const known = [...names.map(([, name]) => name), ...others];
  for (const name of Object.keys(values).filter((each) => !known.includes(each))) {
    const meant = nearestName(name, known);
    tell(`warning: ${shown}: nothing reads ${shownText(name)}${meant === undefined ? "" : `; did you mean ${meant}?`}`);
  }
  const mode = modeOpenToAll(path);
  if (mode !== undefined && values[settingNames.key] !== undefined && values[settingNames.openKeyFile] !== "allow") {
    throw configurationInvalid(
      `${shown} holds the master key, and everybody on this machine may read or change it (mode ${mode})`,
      `chmod 600 ${shown}; where nobody else is there, as in a container, set ${settingNames.openKeyFile}=allow in it`,
    );
  }
  for (const [setting, name] of names) {
    if (mode !== undefined && setting !== "key" && isSecretSetting(setting, values[name] ?? "") && name in values) {
      tell(`warning: ${shown} holds a secret (${name}), and everybody on this machine may read it (mode ${mode})`);
    }
  }
  for (const name of known) {
    if (values[name] !== undefined && !isSet(name) && !overruled.has(name as never)) environment[name] = values[name];
  }
}
