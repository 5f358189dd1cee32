import { Command } from "commander";
import { withSettings } from "../flags.ts";

/** `onbehalf doctor`: what is wrong, and what to do. */
export function doctorCommand(): Command {
  return withSettings(
    new Command("doctor").description(
      "check Node, key, store, client, provider, clock and address; say what is wrong and what to do; changes nothing",
    ),
    "service",
  ).action(async (flags: { json?: boolean }) => {
    const { doctor } = await import("./run.ts");
    await doctor(flags);
  });
}
