/** Links of Markdown documents, and where they lead. */
import { posix } from "node:path";

/** A link as it stands in a document. */
export interface Link {
  readonly target: string;
  /** Line where it stands, counted from 1. */
  readonly line: number;
}

/** The links of a document: in brackets, by reference, in angle brackets. What stands in code is none. */
export function linksOf(markdown: string): Link[] {
  const text = withoutCode(markdown);
  const found = [
    ...text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g),
    ...text.matchAll(/^\s{0,3}\[[^\]]+\]:\s+<?([^\s>]+)/gm),
    ...text.matchAll(/<(https?:[^\s>]+)>/g),
    ...text.matchAll(/\b(?:href|src)="([^"]+)"/g),
  ];
  return found.map(({ index, 1: target = "" }) => ({ target, line: text.slice(0, index).split("\n").length }));
}

/** The anchors that headings get on the usual code hosts; a heading that comes again is counted. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const [heading] of withoutFences(markdown).matchAll(/^#{1,6} .*$/gm)) {
    const name = heading
      .replace(/^#+ /, "")
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-");
    let anchor = name;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${name}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/**
 * The relative links that lead nowhere.
 *
 * @param pages the text of each document by its path from the root, with forward slashes
 * @param isThere whether a file or folder is there that is no document of these
 */
export function deadLinks(pages: ReadonlyMap<string, string>, isThere: (path: string) => boolean): string[] {
  return [...pages].flatMap(([page, text]) =>
    linksOf(text).flatMap(({ target, line }) => {
      const flaw = flawOf(page, target, pages, isThere);
      return flaw === undefined ? [] : [`${page}:${line}: ${target}: ${flaw}`];
    }),
  );
}

function flawOf(
  page: string,
  target: string,
  pages: ReadonlyMap<string, string>,
  isThere: (path: string) => boolean,
): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return undefined;
  const [path = "", anchor] = target.split("#");
  // Code hosts, packages and the service have different roots.
  if (path.startsWith("/")) return "begins at a root";
  const file = path === "" ? page : posix.join(posix.dirname(page), decodeURIComponent(path));
  const text = pages.get(file);
  if (text === undefined) {
    if (anchor !== undefined) return "has an anchor, and is no document";
    return isThere(file) ? undefined : "is not there";
  }
  return anchor === undefined || anchorsOf(text).has(anchor) ? undefined : "has no such heading";
}

function withoutCode(markdown: string): string {
  const blank = (code: string): string => code.replaceAll(/[^\n]/g, " ");
  return withoutFences(markdown).replaceAll(/(?<!`)(`+)(?!`)[^]*?[^`]\1(?!`)/g, blank);
}

function withoutFences(markdown: string): string {
  return markdown.replaceAll(/^ *```[^]*?^ *```$/gm, (block) => block.replaceAll(/[^\n]/g, " "));
}
