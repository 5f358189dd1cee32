import { Command } from "commander";
import { withSettings } from "../flags.ts";

/** `onbehalf doctor`: finds what is wrong with the settings, the files and the network. It repairs nothing. */
export function doctorCommand(): Command {
  return withSettings(
    new Command("doctor")
      .description(
        "check Node, key, store, client, proxy, provider, clock and address; say what is wrong and what to do; change nothing",
      )
      .option("--offline", "ask the provider nothing: neither whether it answers nor whether it takes the client"),
    "service",
  ).action(async (flags: { offline?: boolean; json?: boolean }) => {
    const { doctor } = await import("./run.ts");
    await doctor(flags);
  });
}
