import { Command } from "commander";
import { numberOption, withJson } from "../flags.ts";

interface Flags {
  readonly port?: number;
  readonly standinPort?: number;
  readonly data?: string;
  readonly returnUrls?: string;
  readonly open: boolean;
  readonly json?: boolean;
}

/** `onbehalf demo`: runs the program in `src/demo/`. Only flags and what the terminal shows are handled here. */
export function demoCommand(): Command {
  const command = new Command("demo")
    .description("try Onbehalf out: run a stand-in for Google, the service, and a page to sign in on, on 127.0.0.1")
    .addOption(
      numberOption("--port <number>", "the port of the page and the service; 0 for any free one (8787)", 0, 65_535),
    )
    .addOption(
      numberOption("--standin-port <number>", "the port of the stand-in; 0 for any free one (4600)", 0, 65_535),
    )
    .option("--data <dir>", "keep the key and the database in this folder (a temporary one, removed at the end)")
    .option("--return-urls <list>", "where connect links may send people back to, with commas (the demo's own page)")
    .option("--no-open", "do not open the page in a browser");
  return withJson(command).action(async (flags: Flags) => {
    const { demo } = await import("./run.ts");
    await demo(flags);
  });
}
