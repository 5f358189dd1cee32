import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkout } from "../support/checkout-bin.ts";

/** A test that a page names: `` `oauth/jwks` "an unknown kid is looked for once more" ``. */
export interface Claim {
  /** Path of the test file within `test/`, without `.test.ts`. */
  readonly file: string;
  /** Its title, whole or in part. Where a title is made for each case, `…` stands for the case, or the case itself. */
  readonly title: string;
}

/** A row of a table, or an item of a list, that must say by what it is held. */
export interface Row {
  readonly line: number;
  readonly text: string;
  readonly claims: readonly Claim[];
  /** Why no test is named: nobody has done it yet, the operator does it, or it does not apply. Undefined: not said. */
  readonly excuse: string | undefined;
}

const excuses = /\*\*(open)\*\*|\b(operator): \[|\b(does not apply): \w/;

/** The tests that a piece of a page names. */
export function claimsIn(text: string): Claim[] {
  // Prose is broken into lines, also within a title.
  return [...text.matchAll(/`([\w./-]+)`\s+"([^"]+)"/g)].map(([, file = "", title = ""]) => ({
    file,
    title: title.replaceAll(/\s+/g, " "),
  }));
}

function rowOf(text: string, held: string, line: number): Row {
  return { line, text, claims: claimsIn(held), excuse: excuses.exec(held)?.slice(1).find(Boolean) };
}

/** The rows of all tables whose last column is `test`. The last cell alone says by what the row is held. */
export function rowsOf(markdown: string): Row[] {
  const rows: Row[] = [];
  let isHeld = false;
  for (const [index, line] of markdown.split("\n").entries()) {
    if (!line.startsWith("|")) isHeld = false;
    else if (/\| test +\|$/.test(line)) isHeld = true;
    else if (isHeld && !/^\|[\s|:-]+$/.test(line)) {
      rows.push(rowOf(line, line.split(/(?<!\\)\|/).at(-2) ?? "", index + 1));
    }
  }
  return rows;
}

/** The items of the lists under a heading of the second level. Lines that are set in belong to the item above. */
export function itemsUnder(markdown: string, heading: string): Row[] {
  const lines = markdown.split("\n");
  const from = lines.indexOf(`## ${heading}`);
  if (from < 0) throw new Error(`there is no heading ${heading}`);
  const length = lines.slice(from + 1).findIndex((line) => line.startsWith("## "));
  const section = lines.slice(from + 1, length < 0 ? undefined : from + 1 + length);
  const rows: Row[] = [];
  for (let at = 0; at < section.length; at++) {
    if (!(section[at] ?? "").startsWith("- ")) continue;
    let end = at + 1;
    while (/^ {2}\S/.test(section[end] ?? "")) end++;
    const text = section.slice(at, end).join(" ").replaceAll(/ +/g, " ");
    rows.push(rowOf(text, text, from + 2 + at));
  }
  return rows;
}

/** What is wrong with a claim; undefined where there is such a test, and one alone. */
export function flawOfClaim({ file, title }: Claim): string | undefined {
  const path = `test/${file}.test.ts`;
  if (!existsSync(join(checkout, path))) return `there is no ${path}`;
  if (title.length < 12) return `"${title}" is too short to tell one test of ${path}`;
  const sources = sourcesOf(path);
  const titles = new Map(sources.flatMap(titlesIn).map((each) => [shown(each), each]));
  const found = [...titles.keys()].filter((each) => each.includes(title));
  if (found.length > 1 && !titles.has(title)) return `"${title}" is a part of ${found.length} titles of ${path}`;
  if (found.length > 0 || [...titles.values()].some((each) => isCaseOf(each, title, sources))) return undefined;
  return `no test of ${path} has a title with "${title}"`;
}

/** The title of a test: what is the same in all cases. Between two pieces stands what differs. */
type Title = readonly string[];

/** A title as a page may repeat it. */
function shown(title: Title): string {
  return title.join("…");
}

/** Whether a title is that of one case of a table: what differs must stand in the sources, too. */
function isCaseOf(fixed: Title, title: string, sources: readonly string[]): boolean {
  if (fixed.length === 1 || fixed.join("").trim().length < 8) return false;
  const pattern = fixed.map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join("(.+?)");
  const cases = new RegExp(`^${pattern}$`).exec(title)?.slice(1);
  return cases?.every((each) => sources.some((source) => source.includes(each))) ?? false;
}

/** First arguments of `test` and `describe`. A describe's title alone stands for all its tests. */
function titlesIn(source: string): Title[] {
  return [...source.matchAll(/\b(?:test|describe)\(\s*(?=["`])/g)].map(({ index, 0: { length } }) =>
    piecesOf(source, index + length),
  );
}

/** The text literal that begins here: its fixed pieces, between which values are put in. */
function piecesOf(source: string, start: number): Title {
  const quote = source[start] ?? "";
  const pieces = [""];
  for (let at = start + 1; at < source.length && source[at] !== quote; at++) {
    if (source[at] === "\\") at++;
    else if (quote === "`" && source.startsWith("${", at)) {
      at = endOfPlaceholder(source, at + 2);
      pieces.push("");
      continue;
    }
    pieces.push(`${pieces.pop() ?? ""}${source[at] ?? ""}`);
  }
  return pieces;
}

/** Where the brace stands that closes a placeholder. Text literals inside may have braces, and placeholders. */
function endOfPlaceholder(source: string, start: number): number {
  let depth = 1;
  let at = start;
  for (; at < source.length; at++) {
    const letter = source[at] ?? "";
    if (letter === '"' || letter === "`") at = endOfLiteral(source, at);
    else if (letter === "{") depth++;
    else if (letter === "}" && --depth === 0) break;
  }
  return at;
}

function endOfLiteral(source: string, start: number): number {
  let at = start + 1;
  for (; at < source.length && source[at] !== source[start]; at++) {
    if (source[at] === "\\") at++;
    else if (source[start] === "`" && source.startsWith("${", at)) at = endOfPlaceholder(source, at + 2);
  }
  return at;
}

const sourcesByPath = new Map<string, readonly string[]>();

/** A test file, what it imports of the tests and of the store's suite, and the transcripts beside it. */
function sourcesOf(path: string): readonly string[] {
  const known = sourcesByPath.get(path);
  if (known !== undefined) return known;
  const paths = new Set([path]);
  for (const each of paths) {
    const source = readFileSync(join(checkout, each), "utf8");
    for (const [, target = ""] of source.matchAll(/^(?:import|\}).* from "(\.[^"]+)";$/gm)) {
      const imported = join(dirname(each), target);
      if (/^(?:test|src\/store\/suite)\//.test(imported) && existsSync(join(checkout, imported))) paths.add(imported);
    }
  }
  const transcripts = globSync(`${dirname(path)}/*.txt`, { cwd: checkout });
  const sources = [...paths, ...transcripts].map((each) => readFileSync(join(checkout, each), "utf8"));
  sourcesByPath.set(path, sources);
  return sources;
}
