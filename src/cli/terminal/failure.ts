import { isOnbehalfError, problemOf } from "../../index.ts";
import { loggedError } from "../../core/logged-error.ts";
import { exitCodes } from "./exit-codes.ts";
import { printJson, say } from "./print.ts";
import { UsageError } from "./usage-error.ts";

/** How a command fails. */
export interface Failure {
  /** For people, on stderr. */
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/**
 * The lines and the exit code of an error: what is wrong, its code, then what to do. Each problem of a configuration has a
 * line of its own.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError) {
    return { lines: [error.message, `hint: ${error.hint}`], exitCode: exitCodes.wrongUsage };
  }
  if (!isOnbehalfError(error)) {
    // Not its message, which may repeat a secret.
    const { name, code = "", stack = name } = loggedError(error);
    const what = `${code} ${stack}`.trim();
    return {
      lines: [`Onbehalf failed, which is a bug (internal_error): ${what}`, "hint: please report it, with these lines"],
      exitCode: exitCodes.failed,
    };
  }
  const problems = error.code === "configuration_invalid" ? error.details.problems : [error.message];
  return {
    lines: [...problems.map((problem) => `${problem} (${error.code})`), `hint: ${error.hint}`],
    exitCode: error.code === "reauthorization_required" ? exitCodes.reauthorizationRequired : exitCodes.failed,
  };
}

/**
 * Prints an error on stderr and, for programs that read our JSON, as problem details on stdout.
 *
 * @returns the exit code
 */
export function report(error: unknown, json: boolean): number {
  const { lines, exitCode } = failureOf(error);
  if (json && exitCode !== exitCodes.wrongUsage) printJson(problemOf(error).body);
  for (const line of lines) for (const part of line.split("\n")) say(part);
  return exitCode;
}
