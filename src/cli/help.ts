import type { Command } from "commander";
import { nearestName } from "../core/known-names.ts";
import { looksLikeSecret } from "../core/secret-likeness.ts";
import { examples } from "./examples.ts";

/**
 * Gives a command its examples, which its help shows at the end.
 *
 * @param name the command's, with those above it and without `onbehalf`
 */
export function addExamples(command: Command, name: string): void {
  const lines = examples[name] ?? [];
  if (lines.length > 0) command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`);
}

/**
 * What commander says of wrong usage, as our other messages are: a line for what is wrong, and one for the nearest flag or
 * command that there is. Commander knows near spellings by their letters; we know those with other marks, too. What was
 * typed is not repeated unless it is a plain word: a secret in the wrong place would stand in a log of the terminal.
 *
 * @param text as commander would print it
 * @param known the flags that there are, without dashes
 */
export function usageMessage(text: string, known: readonly string[]): string {
  const whole = text.trimEnd().replace(/^error: /, "");
  const [, proposed] = /\n\(Did you mean (.+)\?\)$/.exec(whole) ?? [];
  const said = proposed === undefined ? whole : whole.slice(0, whole.lastIndexOf("\n"));
  const unknown = /^unknown option '--([^'=]+)/.exec(said)?.[1];
  const meant = unknown === undefined ? undefined : nearestName(unknown, known);
  const near = proposed ?? (meant === undefined ? undefined : `--${meant}`);
  return `onbehalf: ${withoutInput(said)}\n${near === undefined ? "" : `onbehalf: hint: did you mean ${near}?\n`}`;
}

/** Commander's words, and between them what was typed. */
const repeating: readonly RegExp[] = [
  /^(unknown option ')([^]*)(')$/,
  /^(unknown command ')([^]*)(')$/,
  /^(option '[^']*' argument ')([^]*)(' is invalid\.[^']*)$/,
  /^(command-argument value ')([^]*)(' is invalid for argument '[^']*'\.[^']*)$/,
  /^(too many arguments(?: for '[\w-]+')?\. Expected \d+ arguments? but got \d+)(: [^]*)(\.)$/,
];

function withoutInput(said: string): string {
  for (const form of repeating) {
    const [, before, input, after] = form.exec(said) ?? [];
    if (before === undefined || input === undefined || after === undefined) continue;
    const [name = "", value] = input.split("=");
    const isPlain = /^-{0,2}[A-Za-z]+(?:[-_][A-Za-z]+)*$/.test(name) && name.length <= 30 && !looksLikeSecret(name);
    const shown = input.startsWith(": ") ? "" : `${isPlain ? name : "…"}${isPlain && value !== undefined ? "=…" : ""}`;
    return `${before}${shown}${after}`;
  }
  return said;
}
