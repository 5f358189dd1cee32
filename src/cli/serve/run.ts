import { isolate } from "../../service/secrets/isolate.ts";
import { hasKeeper, settingsFrom } from "../../service/settings/given-settings.ts";
import type { Settings } from "../../service/settings/settings.ts";
import { argumentsOf } from "./shown-flags.ts";
import type { ServeFlags } from "./shown-flags.ts";

/**
 * Serves, as {@link untilEnd} says. As the operator has started it, this process may have secrets in its environment or in
 * files that it could read: then it is put in the place of itself without them first. It stays what it is where it has no
 * keeper, or the system cannot do that.
 *
 * @param given the settings among the flags
 * @returns the exit code
 */
export async function serve(flags: ServeFlags, given: Settings): Promise<number> {
  const settings = settingsFrom(given);
  if (hasKeeper(settings)) await isolate(settings, argumentsOf(flags, given), process.env);
  const { serveHere } = await import("./serving-program.ts");
  return serveHere(process.argv, flags, settings);
}
