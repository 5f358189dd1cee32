import { Command } from "commander";
import { withSettings } from "../flags.ts";

/** `onbehalf serve`: the service, until it is told to stop. */
export function serveCommand(): Command {
  const command = new Command("serve")
    .description("run the service; refuses to start on a bad configuration, with every problem listed")
    .option("--no-migrate", "refuse to start on a store whose schema is behind, instead of bringing it up to date");
  return withSettings(command, "service").action(async (flags: { migrate: boolean; json?: boolean }) => {
    const { serve } = await import("./run.ts");
    await serve(flags);
  });
}
