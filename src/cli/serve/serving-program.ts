/**
 * The program of the process that serves. In the package, this file and all that it loads are bundled, and what happens here is
 * reported here: an error of another bundle's would be of another class.
 */
import { runHeld, runService } from "../../service/run.ts";
import { heldVariable } from "../../service/secrets/held-variable.ts";
import type { Settings } from "../../service/settings/settings.ts";
import { reporting } from "../reporting.ts";
import { say } from "../terminal/print.ts";
import { shownFlags } from "./shown-flags.ts";
import type { ServeFlags } from "./shown-flags.ts";
import { untilEnd } from "./until-end.ts";

/**
 * What `onbehalf serve` is once it has put itself in the place of itself: its flags were read before, and another process holds
 * its secrets.
 *
 * @param argv as `process.argv`
 * @returns the exit code
 */
export async function run(argv: readonly string[]): Promise<number> {
  const address = process.env[heldVariable] ?? "";
  delete process.env[heldVariable];
  const flags = shownFlags(argv.slice(3));
  const onGone = (): void =>
    say("warning: the process that holds the secrets ended: restart the service, which cannot start another keeper");
  return reporting(argv, () => untilEnd(flags, () => runHeld(address, { migrate: flags.migrate, onGone })));
}

/**
 * What `onbehalf serve` does where it stays what it is.
 *
 * @param argv as `process.argv`
 * @param settings from flags and environment together
 * @returns the exit code
 */
export async function serveHere(argv: readonly string[], flags: ServeFlags, settings: Settings): Promise<number> {
  return reporting(argv, () => untilEnd(flags, () => runService(settings, { migrate: flags.migrate })));
}
