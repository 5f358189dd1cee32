import { Command, InvalidArgumentError, Option } from "commander";

interface Flags {
  readonly port?: number;
  readonly standinPort?: number;
  readonly data?: string;
  readonly open: boolean;
  readonly json?: boolean;
}

/** `onbehalf demo`: stand-in, service, store and a page, in one process on this machine alone. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("try it out: a stand-in for Google, the service, and a page to sign in with, on 127.0.0.1")
    .addOption(new Option("--port <port>", "where the page and the service listen; 0: any (8787)").argParser(portOf))
    .addOption(
      new Option("--standin-port <port>", "where the stand-in for Google listens; 0: any (4600)").argParser(portOf),
    )
    .option("--data <dir>", "keep key and database in this folder (a temporary one, removed at the end)")
    .option("--no-open", "do not open the page in a browser")
    .option("--json", "print one line of JSON when ready")
    .action(async (flags: Flags) => {
      const { demo } = await import("./demo/run.ts");
      await demo(flags);
    });
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("it must be a number from 0 to 65535");
}
