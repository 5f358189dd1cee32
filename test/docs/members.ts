/** Members of interfaces in our sources, for pages that must name each of them. */
import { globSync, readFileSync } from "node:fs";
import { checkout } from "../support/checkout-bin.ts";

/**
 * The members of an exported interface, of one level.
 *
 * @param under the file that has it, or a folder above it: files move more often than interfaces change
 */
export function membersOf(under: string, name: string): string[] {
  const head = new RegExp(`^export interface ${name}\\b[^{]*\\{`, "m");
  const found = globSync("src/**/*.ts", { cwd: checkout })
    .filter((path) => path.startsWith(under))
    .map((path) => readFileSync(`${checkout}${path}`, "utf8"))
    .flatMap((source) => {
      const match = head.exec(source);
      return match === null ? [] : [{ source, start: match.index + match[0].length }];
    });
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} interfaces ${name} under ${under}`);
  const { source, start } = only;
  // Members of the first level are set in by two blanks, and the interface ends without any.
  const body = source.slice(start, source.indexOf("\n}", start)).replaceAll(/\/\*\*[^]*?\*\//g, "");
  const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm)].map(([, member = ""]) => member);
  if (members.length === 0) throw new Error(`${name} has no members`);
  return members;
}

/** The words in code of a part of a page: `a`, `{ b, c }`, `d(e)` name a to e. */
export function wordsInCode(markdown: string): Set<string> {
  const prose = [...markdown.matchAll(/(?<!`)`([^`\n]+)`/g)].map(([, code = ""]) => code);
  const blocks = [...markdown.matchAll(/^```[^\n]*\n([^]*?)^```$/gm)].map(([, code = ""]) => code);
  return new Set([...prose, ...blocks].flatMap((code) => code.match(/\w+/g) ?? []));
}

/** A heading of a page with all that stands beneath it, up to the next of its level or a higher one. */
export function sectionOf(markdown: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 1;
  const start = markdown.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`there is no heading ${heading}`);
  const rest = markdown.slice(start + heading.length + 2);
  const end = new RegExp(`^#{1,${level}} `, "m").exec(rest)?.index;
  return rest.slice(0, end);
}
