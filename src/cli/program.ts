import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { callersCommand } from "./callers/command.ts";
import { demoCommand } from "./demo/command.ts";
import { doctorCommand } from "./doctor/command.ts";
import { exitCodes } from "./terminal/exit-codes.ts";
import { grantsCommand } from "./grants/command.ts";
import { keysCommand } from "./keys/command.ts";
import { migrateCommand } from "./migrate/command.ts";
import { serveCommand } from "./serve/command.ts";
import { standinCommand } from "./standin/command.ts";

/**
 * Runs one command. What it does is loaded only once it is known which, so that each start is quick.
 *
 * @param argv as `process.argv`
 * @returns the exit code
 */
export async function run(argv: readonly string[]): Promise<number> {
  // Whoever reads us may stop reading: `onbehalf grants list | head` is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitCodes.done);
  });
  try {
    await program().parseAsync(argv);
    return Number(process.exitCode ?? exitCodes.done);
  } catch (error) {
    // Commander has said what is wrong by itself, or has shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUsage;
    const { report } = await import("./terminal/failure.ts");
    return report(error, argv.includes("--json"));
  }
}

/** The commands and their options, without what they do. */
export function program(): Command {
  const root = new Command("onbehalf")
    .description("Takes one-time codes in, keeps what people granted, and hands out valid access tokens for it.")
    .version(version(), "-V, --version")
    .addCommand(demoCommand())
    .addCommand(serveCommand())
    .addCommand(standinCommand())
    .addCommand(keysCommand())
    .addCommand(callersCommand())
    .addCommand(grantsCommand())
    .addCommand(doctorCommand())
    .addCommand(migrateCommand())
    .addHelpText(
      "after",
      "\nTo try it out: onbehalf demo\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 reauthorization required",
    );
  prepare(root, []);
  return root;
}

/** Errors in our own words, thrown instead of ending the process, and with where to look next. */
function prepare(command: Command, above: readonly string[]): void {
  const path = [...above, command.name()];
  command
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "onbehalf: ")) })
    .showHelpAfterError(`onbehalf: hint: look at: ${path.join(" ")} --help`);
  for (const sub of command.commands) prepare(sub, path);
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
