/**
 * The command line: reads flags, calls the library or the service, and prints data on stdout and talk on stderr.
 * It decides nothing about grants and keys: whatever a command can do, a program can do with the public interface.
 */

import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { auditCommand } from "./audit/command.ts";
import { eventsCommand } from "./events/command.ts";
import { callersCommand } from "./callers/command.ts";
import { connectCommand } from "./connect/command.ts";
import { demoCommand } from "./demo/command.ts";
import { doctorCommand } from "./doctor/command.ts";
import { explainCommand } from "./explain/command.ts";
import { exitCodes } from "./terminal/exit-codes.ts";
import { grantsCommand } from "./grants/command.ts";
import { addExamples, usageMessage } from "./help.ts";
import { initCommand } from "./init/command.ts";
import { keysCommand } from "./keys/command.ts";
import { migrateCommand } from "./migrate/command.ts";
import { serveCommand } from "./serve/command.ts";
import { sessionsCommand } from "./sessions/command.ts";
import { standinCommand } from "./standin/command.ts";
import { storeCommand } from "./store/command.ts";

/**
 * Runs one command. Only the modules of that command are loaded, so that each start is quick.
 *
 * @param argv as `process.argv`
 * @returns the exit code
 */
export async function run(argv: readonly string[]): Promise<number> {
  // The reader of our output may stop reading: `onbehalf grants list | head` is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitCodes.done);
  });
  try {
    await program().parseAsync(argv);
    return Number(process.exitCode ?? exitCodes.done);
  } catch (error) {
    // Commander has printed what is wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUsage;
    const { report } = await import("./terminal/failure.ts");
    return report(error, argv.includes("--json"), argv);
  }
}

/** The commands and their options. What a command does is loaded when it runs. */
export function program(): Command {
  const root = new Command("onbehalf")
    .description(
      "Takes one-time codes in, keeps the grants that people gave, and hands out valid access tokens for them.",
    )
    .version(version(), "-V, --version")
    .addCommand(demoCommand())
    .addCommand(initCommand())
    .addCommand(serveCommand())
    .addCommand(standinCommand())
    .addCommand(keysCommand())
    .addCommand(callersCommand())
    .addCommand(sessionsCommand())
    .addCommand(grantsCommand())
    .addCommand(connectCommand())
    .addCommand(auditCommand())
    .addCommand(eventsCommand())
    .addCommand(doctorCommand())
    .addCommand(explainCommand())
    .addCommand(migrateCommand())
    .addCommand(storeCommand())
    .addHelpText(
      "after",
      "\nTo try it out: onbehalf demo\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 reauthorization required",
    );
  root.hook("preAction", async (_root, command) => {
    const { config } = command.opts<{ config?: string }>();
    if (config === undefined) return;
    const { loadConfigFile } = await import("./config-file.ts");
    loadConfigFile(config);
  });
  prepare(root, []);
  return root;
}

/** Makes commander throw its errors instead of ending the process, and add examples and which help to read. */
function prepare(command: Command, above: readonly string[]): void {
  const path = [...above, command.name()];
  command
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(usageMessage(text, flagsOf(command))) })
    .showHelpAfterError(`onbehalf: hint: see: ${path.join(" ")} --help`);
  addExamples(command, path.slice(1).join(" "));
  for (const sub of command.commands) prepare(sub, path);
}

/** The names of a command's flags, without dashes. */
function flagsOf(command: Command): string[] {
  return command.options.flatMap(({ long }) => long?.slice(2) ?? []);
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
