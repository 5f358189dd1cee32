/**
 * The command line: reads flags, calls the library or the service, and prints data on stdout and talk on stderr.
 * It decides nothing about grants and keys: whatever a command can do, a program can do with the public interface.
 */

import type { Command } from "commander";
import { auditCommand } from "./audit/command.ts";
import { callersCommand } from "./callers/command.ts";
import { connectCommand } from "./connect/command.ts";
import { dashboardCommand } from "./dashboard/command.ts";
import { demoCommand } from "./demo/command.ts";
import { doctorCommand } from "./doctor/command.ts";
import { eventsCommand } from "./events/command.ts";
import { explainCommand } from "./explain/command.ts";
import { grantsCommand } from "./grants/command.ts";
import { initCommand } from "./init/command.ts";
import { keysCommand } from "./keys/command.ts";
import { migrateCommand } from "./migrate/command.ts";
import { programOf, runProgram } from "./run-program.ts";
import { riscCommand } from "./risc/command.ts";
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
  return runProgram(argv, program);
}

/** The commands and their options. What a command does is loaded when it runs. */
export function program(): Command {
  return programOf([
    demoCommand(),
    initCommand(),
    serveCommand(),
    standinCommand(),
    keysCommand(),
    callersCommand(),
    sessionsCommand(),
    grantsCommand(),
    connectCommand(),
    dashboardCommand(),
    auditCommand(),
    eventsCommand(),
    doctorCommand(),
    explainCommand(),
    migrateCommand(),
    riscCommand(),
    storeCommand(),
  ]);
}
