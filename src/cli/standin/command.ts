import { Command } from "commander";
import { numberOption, withJson } from "../flags.ts";

/** `onbehalf standin`: runs the stand-in in `src/standin/` alone, without service and page. */
export function standinCommand(): Command {
  const command = new Command("standin")
    .description("run the stand-in for Google alone, on 127.0.0.1; it keeps everything in memory")
    .addOption(numberOption("--port <number>", "the port to listen on; 0 for any free one", 0, 65_535).default(4600));
  return withJson(command).action(async (flags: { port: number; json?: boolean }) => {
    const { standin } = await import("./run.ts");
    await standin(flags);
  });
}
