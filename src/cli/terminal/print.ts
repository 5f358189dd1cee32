import { exitCodes } from "./exit-codes.ts";

/**
 * The terminal: how commands print data, talk to people, fail and stop.
 * What a command prints is decided in its own folder.
 */

/** Data for another program: one line of JSON on stdout, names in snake_case. What no terminal may get is escaped. */
export function printJson(data: object): void {
  const text = JSON.stringify(data).replaceAll(unprintable, (found) =>
    [...Array(found.length).keys()].map((at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""),
  );
  writeOut(`${text}\n`);
}

/**
 * A line as a terminal may get it. Names come from people, providers and databases: an escape sequence in one could
 * rewrite what stands on the screen, or put text into the clipboard; a direction mark could show it in another order.
 */
export function printable(line: string): string {
  return line.replaceAll(unprintable, "\uFFFD");
}

const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u{E0000}-\u{E007F}]/gu;

/** Data for people, on stdout. */
export function printLines(lines: readonly string[]): void {
  writeOut(lines.map((line) => `${printable(line)}\n`).join(""));
}

let isHeard = false;

/** On stdout. Node makes its stream when it is asked for, which a program that prints nothing yet need not wait for. */
export function writeOut(text: string): void {
  if (!isHeard) {
    isHeard = true;
    // The reader of our output may stop reading: `onbehalf grants list | head` is no failure.
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(exitCodes.done);
    });
  }
  process.stdout.write(text);
}

/** Talk for people: what happened, what to know. It goes to stderr, so that stdout holds data alone. */
export function say(line: string): void {
  process.stderr.write(`onbehalf: ${printable(line)}\n`);
}

/** Rows in columns, each as wide as its widest cell. Without rows there is no head either. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const all = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** Names and values, a pair on each line. A pair without a value is left out. */
export function facts(pairs: readonly (readonly [string, string | undefined])[]): string[] {
  const known = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${name.padEnd(width)}  ${value ?? ""}`);
}

/** A text in lines of so many characters at most, broken at blanks. A longer word has a line of its own. */
export function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
