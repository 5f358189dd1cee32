import { Command } from "commander";
import { numberOption, withJson } from "../flags.ts";

/** `onbehalf standin`: the Google stand-in alone. */
export function standinCommand(): Command {
  const command = new Command("standin")
    .description("run the stand-in for Google alone, in memory, on 127.0.0.1")
    .addOption(numberOption("--port <number>", "where to listen; 0 for any", 0, 65_535).default(4600));
  return withJson(command).action(async (flags: { port: number; json?: boolean }) => {
    const { standin } = await import("./run.ts");
    await standin(flags);
  });
}
