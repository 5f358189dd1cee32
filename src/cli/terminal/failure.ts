import { isOnbehalfError, problemOf } from "../../index.ts";
import { loggedError } from "../../core/logged-error.ts";
import { settingNames } from "../../service/settings/settings.ts";
import { exitCodes } from "./exit-codes.ts";
import { flagOf } from "./flag-name.ts";
import { printJson, printable, say } from "./print.ts";
import { UsageError } from "./usage-error.ts";

/** How a command fails. */
export interface Failure {
  /** For people, on stderr. */
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/**
 * The lines and the exit code of an error: what is wrong, its code, then what to do. Each problem of a configuration has a
 * line of its own, which names the flag that was typed.
 *
 * @param argv what was typed
 */
export function failureOf(error: unknown, argv: readonly string[] = []): Failure {
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
  const problems =
    error.code === "configuration_invalid"
      ? error.details.problems.map((problem) => withFlag(problem, argv))
      : [error.message];
  const fitting = error.code === "ambiguous_grant" ? error.details.accounts : [];
  return {
    lines: [
      ...problems.map((problem) => `${problem} (${error.code})`),
      ...fitting.map(
        ({ account, provider, grantId }) => `${grantId} is the account ${printable(account)} at ${provider}`,
      ),
      `hint: ${error.hint}`,
    ],
    exitCode: error.code === "reauthorization_required" ? exitCodes.reauthorizationRequired : exitCodes.failed,
  };
}

/**
 * Prints an error on stderr and, for programs that read our JSON, as problem details on stdout.
 *
 * @param argv what was typed
 * @returns the exit code
 */
export function report(error: unknown, json: boolean, argv: readonly string[] = []): number {
  const { lines, exitCode } = failureOf(error, argv);
  if (json && exitCode !== exitCodes.wrongUsage) printJson(problemOf(error).body);
  for (const line of lines) for (const part of line.split("\n")) say(part);
  return exitCode;
}

/** A problem of a setting names its variable. Whoever typed a flag looks for the flag. */
function withFlag(problem: string, argv: readonly string[]): string {
  const name = /^[A-Z_]+(?=[ :])/.exec(problem)?.[0];
  const setting = Object.entries(settingNames).find(([, variable]) => variable === name)?.[0];
  const flag = setting === undefined ? undefined : `--${flagOf(setting)}`;
  const isTyped = argv.some((each) => each === flag || each.startsWith(`${flag ?? " "}=`));
  return isTyped ? `${problem}; the value came from ${flag ?? ""}` : problem;
}
