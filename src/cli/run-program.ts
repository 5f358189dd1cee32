/** What every start of the command line does, whichever commands it knows. */
import { Command, CommanderError } from "commander";
import { userAgent } from "../outbound/user-agent.ts";
import { addExamples, usageMessage } from "./help.ts";
import { reporting } from "./reporting.ts";
import { exitCodes } from "./terminal/exit-codes.ts";
import { writeOut } from "./terminal/print.ts";

/**
 * Runs one command.
 *
 * @param argv as `process.argv`
 * @param program what knows the command that `argv` names
 * @returns the exit code
 */
export async function runProgram(argv: readonly string[], program: () => Command): Promise<number> {
  return reporting(argv, async () => {
    try {
      await program().parseAsync(argv);
      return Number(process.exitCode ?? exitCodes.done);
    } catch (error) {
      // Commander has printed what is wrong, or the help that was asked for.
      if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUsage;
      throw error;
    }
  });
}

/** A program of these commands. */
export function programOf(commands: readonly Command[]): Command {
  const root = new Command("onbehalf")
    .description(
      "Takes one-time codes in, keeps the grants that people gave, and hands out valid access tokens for them.",
    )
    .version(userAgent.slice(userAgent.indexOf("/") + 1), "-V, --version");
  for (const command of commands) root.addCommand(command);
  root
    .addHelpText(
      "after",
      "\nTo try it out: onbehalf demo\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 reauthorization required",
    )
    .hook("preAction", async (_root, command) => {
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
    .configureOutput({ writeOut, outputError: (text, write) => write(usageMessage(text, flagsOf(command))) })
    .showHelpAfterError(`onbehalf: hint: see: ${path.join(" ")} --help`);
  addExamples(command, path.slice(1).join(" "));
  for (const sub of command.commands) prepare(sub, path);
}

/** The names of a command's flags, without dashes. */
function flagsOf(command: Command): string[] {
  return command.options.flatMap(({ long }) => long?.slice(2) ?? []);
}
