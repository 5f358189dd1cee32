import { Command } from "commander";
import { settingsAmong, withSettings } from "../flags.ts";

/** `onbehalf serve`: runs the service in `src/service/` until the process is told to stop. */
export function serveCommand(): Command {
  const command = new Command("serve")
    .description("run the service; with a wrong configuration it does not start, and lists every problem")
    .option("--no-migrate", "do not start on a store whose schema is out of date, instead of bringing it up to date");
  return withSettings(command, "service").action(async (flags: { migrate: boolean; json?: boolean }) => {
    const { serve } = await import("./run.ts");
    process.exitCode = await serve(flags, settingsAmong(flags));
  });
}
