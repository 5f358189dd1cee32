/**
 * The terminal: how commands print data, talk to people, fail and stop.
 * What a command prints is decided in its own folder.
 */

/** Data for another program: one line of JSON on stdout, names in snake_case. */
export function printJson(data: object): void {
  process.stdout.write(`${JSON.stringify(data)}\n`);
}

/** Data for people, on stdout. */
export function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

/** Talk for people: what happened, what to know. It goes to stderr, so that stdout holds data alone. */
export function say(line: string): void {
  process.stderr.write(`onbehalf: ${line}\n`);
}

/** Rows in columns, each as wide as its widest cell. Without rows there is no head either. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const all = [head, ...rows];
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
