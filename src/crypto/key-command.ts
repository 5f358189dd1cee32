import { assertFits, assertOptions, required } from "../core/argument-checks.ts";
import type { Rule } from "../core/argument-checks.ts";
import { OnbehalfError, configurationInvalid } from "../core/errors.ts";
import { shownPath } from "../core/secret-likeness.ts";
import { commandWords } from "../local/command-words.ts";
import { programOutput } from "../local/program-output.ts";
import { describeSource } from "./key-source.ts";
import { wholeKeys } from "./master-key.ts";
import type { MasterKeySource } from "./master-key.ts";

/** How long a key command may run, milliseconds: a key management service may be far away, and be asked twice. */
const defaultTimeoutMs = 30_000;
/** The longest output of a key command that is looked at, bytes. */
const mostBytes = 65_536;

/** What {@link keyringFromCommand} takes besides the command. */
export interface KeyCommandOptions {
  /** How long the program may run, milliseconds: 1 to 600,000. Default: 30,000. */
  readonly timeoutMs?: number;
}

/**
 * Master keys that a program prints, newest first, separated by commas or white space: the client of a key management
 * service, of a secret store, of a hardware module. The program is run each time that a vault or keeper is opened,
 * without a shell; it gets this process's environment and no input. Opening fails with `key_invalid` where the program
 * fails, takes too long or prints no key. What it prints, on stdout or stderr, never stands in an error.
 *
 * @param command the program and its arguments: a list, or one line, in which white space separates and quotes keep it.
 *   A line with an unquoted character that only a shell understands is refused; give `sh -c '…'` where you want one
 * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be
 * @throws {OnbehalfError} `configuration_invalid`: the line cannot be split, or names no program
 */
export function keyringFromCommand(
  command: string | readonly string[],
  options: KeyCommandOptions = {},
): MasterKeySource {
  assertFits("command", command, required(aCommand));
  assertOptions("keyringFromCommand", options, { timeoutMs: milliseconds });
  const words = typeof command === "string" ? commandWords(command) : ([...command] as [string, ...string[]]);
  if ("problem" in words) {
    throw configurationInvalid(
      `the key command ${words.problem}`,
      "it is run without a shell: put quotes around what belongs together, or give sh -c '…'",
    );
  }
  const { timeoutMs = defaultTimeoutMs } = options;
  const program = shownPath(words[0]);
  const source: MasterKeySource = async () => {
    const output = await programOutput(words, { timeoutMs, mostBytes });
    if ("text" in output) return wholeKeys(output.text, `what the key command's program ${program} printed`);
    throw new OnbehalfError("key_invalid", `the key command's program ${program} ${output.problem}`, {
      hint: "run the command by hand, as this user and with this environment: it must print the master key and nothing else",
      details: {},
    });
  };
  return describeSource(source, { from: "command", command: words, timeoutMs });
}

const aCommand: Rule = {
  fits: (value) =>
    Array.isArray(value)
      ? value.length > 0 && value[0] !== "" && value.every((word) => typeof word === "string" && !word.includes("\0"))
      : typeof value === "string",
  must: "a command: a text, or a list of texts with the program first",
};

const milliseconds: Rule = {
  fits: (value) => typeof value === "number" && value >= 1 && value <= 600_000,
  must: "a number of milliseconds from 1 to 600000",
};
