import type { Command } from "commander";
import { nearestName } from "../core/known-names.ts";
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
 * command that there is. Commander knows near spellings by their letters; we know those with other marks, too.
 *
 * @param text as commander would print it
 * @param known the flags that there are, without dashes
 */
export function usageMessage(text: string, known: readonly string[]): string {
  const [first = "", second = ""] = text.trimEnd().split("\n");
  const what = first.replace(/^error: /, "");
  const proposed = /^\(Did you mean (.+)\?\)$/.exec(second)?.[1];
  const unknown = /^unknown option '--([^'=]+)/.exec(what)?.[1];
  const meant = unknown === undefined ? undefined : nearestName(unknown, known);
  const near = proposed ?? (meant === undefined ? undefined : `--${meant}`);
  return `onbehalf: ${what}\n${near === undefined ? "" : `onbehalf: hint: did you mean ${near}?\n`}`;
}
