import { Command } from "commander";
import { numberOption, withJson } from "../flags.ts";

interface Flags {
  readonly port?: number;
  readonly standinPort?: number;
  readonly data?: string;
  readonly open: boolean;
  readonly json?: boolean;
}

/** `onbehalf demo`: stand-in, service, store and a page, in one process on this machine alone. */
export function demoCommand(): Command {
  const command = new Command("demo")
    .description("try it out: a stand-in for Google, the service, and a page to sign in with, on 127.0.0.1")
    .addOption(numberOption("--port <number>", "where page and service listen; 0 for any (8787)", 0, 65_535))
    .addOption(numberOption("--standin-port <number>", "where the stand-in listens; 0 for any (4600)", 0, 65_535))
    .option("--data <dir>", "keep key and database in this folder (a temporary one, removed at the end)")
    .option("--no-open", "do not open the page in a browser");
  return withJson(command).action(async (flags: Flags) => {
    const { demo } = await import("./run.ts");
    await demo(flags);
  });
}
