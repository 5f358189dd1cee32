import { heldVariable, secretsHeldAt, takeVariables } from "../../service/secrets/held-secrets.ts";
import { isolate } from "../../service/secrets/isolate.ts";
import { isSecretSetting } from "../../service/secrets/secret-names.ts";
import { hasKeeper, settingsFrom } from "../../service/settings/given-settings.ts";
import type { Setting, Settings } from "../../service/settings/settings.ts";
import { settingsAmong } from "../flags.ts";
import { flagOf } from "../terminal/flag-name.ts";
import { say } from "../terminal/print.ts";

/** The flags of `serve` beside those of its settings. */
export interface ServeFlags {
  readonly migrate: boolean;
  readonly json?: boolean;
}

/**
 * The settings of the process that serves. As the operator has started it, it has secrets in its environment or in files
 * that it could read. It is put in the place of itself without them, and comes here once more.
 */
export async function settingsWithoutSecrets(
  flags: ServeFlags,
): Promise<{ readonly settings: Settings; readonly heldSecrets?: string }> {
  const address = process.env[heldVariable];
  if (address === undefined) {
    const given = settingsAmong(flags);
    const settings = settingsFrom(given);
    if (hasKeeper(settings)) await isolate(settings, argumentsOf(flags, given), process.env);
    return { settings };
  }
  delete process.env[heldVariable];
  const held = await secretsHeldAt(address, "serving", () =>
    say("warning: the process that holds the secrets ended: restart the service, which cannot start another keeper"),
  );
  takeVariables(held);
  return { settings: held.settings, heldSecrets: address };
}

/** What the process list shows: the flags as they were given, without those that are secret. */
function argumentsOf({ migrate, json }: ServeFlags, given: Settings): string[] {
  const shown = (Object.entries(given) as [Setting, string][]).filter(([name, value]) => !isSecretSetting(name, value));
  return [
    "serve",
    ...(migrate ? [] : ["--no-migrate"]),
    ...(json === true ? ["--json"] : []),
    ...shown.flatMap(([name, value]) => [`--${flagOf(name)}`, value]),
  ];
}
