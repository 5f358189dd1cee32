import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { nearestName } from "../../core/known-names.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { printJson, printLines, say, wrapped } from "../terminal/print.ts";
import { UsageError } from "../terminal/usage-error.ts";
import { findTerms, nearWords } from "./find-terms.ts";
import { termsOf } from "./terms.ts";
import type { Term } from "./terms.ts";

/** The most of stdin that is read, characters: an error stands at the beginning of what programs print. */
const mostText = 1_000_000;

/**
 * Explains what stands in a text. Nothing of the text is printed but words that the pages have: what people paste often
 * holds a token.
 */
export async function explain(words: readonly string[], flags: { readonly json?: boolean }): Promise<void> {
  const text = words.length === 1 && words[0] === "-" ? await stdin() : words.join(" ");
  const terms = termsOf({ errors: page("errors.md"), library: page("library.md"), operations: page("operations.md") });
  const found = findTerms(text, terms);
  if (found.length > 0) {
    if (flags.json === true) printJson({ found: found.map(bodyOf) });
    else printLines(found.flatMap(linesOf).slice(1));
    return;
  }
  assertNoFlag(words);
  process.exitCode = exitCodes.failed;
  const near = nearWords(text, terms);
  if (flags.json === true) printJson({ found: [], near });
  say("nothing that is known is in this text");
  say(
    near.length > 0
      ? `hint: did you mean ${near.join(", ")}?`
      : `hint: every word that is known: ${placeOf("errors.md")}`,
  );
}

/** A mistyped flag would count as text. One of lower-case words holds no secret, so it may be named. */
function assertNoFlag(words: readonly string[]): void {
  const flag = words.find((word) => /^--[a-z]{2,12}(?:-[a-z]{2,12}){0,3}$/.test(word));
  if (flag === undefined) return;
  const meant = nearestName(flag.slice(2), ["json", "help"]);
  throw new UsageError(
    `unknown option '${flag}'`,
    meant === undefined ? "see: onbehalf explain --help" : `did you mean --${meant}?`,
  );
}

const kinds: Readonly<Record<Term["kind"], string>> = {
  code: "error of Onbehalf",
  detail: "detail of an error of Onbehalf",
  reason: "why a grant is not well",
  provider: "word of a provider",
  event: "event in the log",
};

const parties: Readonly<Record<NonNullable<Term["dependsOn"]>, string>> = {
  person: "the person who signed in",
  developer: "the developer of the app",
  operator: "the operator of Onbehalf",
  provider: "nobody here: come back later",
};

function linesOf({ word, kind, of, status, says, means, dependsOn, fix, page }: Term): string[] {
  const about =
    kind === "code"
      ? `${kinds.code}, HTTP ${status ?? ""}`
      : kind === "detail"
        ? `says more of ${of ?? ""}`
        : kinds[kind];
  const lines = (name: string, text: string): string[] =>
    wrapped(text, 88).map((line, index) => `  ${(index === 0 ? name : "").padEnd(6)}  ${line}`);
  return [
    "",
    `${word}${says === undefined ? "" : ` "${says}"`}: ${about}`,
    ...lines("means", means),
    ...(dependsOn === undefined ? [] : lines("who", parties[dependsOn])),
    ...lines("do", fix),
    `  page    ${placeOf(page)}`,
  ];
}

function bodyOf({ word, kind, of, status, says, means, dependsOn, fix, page }: Term): object {
  return { word, kind, of, status, says, means, depends_on: dependsOn, fix, page: placeOf(page) };
}

/** Where a page of this package is, which may be offline. */
function placeOf(place: string): string {
  const [name = "", section] = place.split("#");
  return `${fileURLToPath(new URL(name, docs))}${section === undefined ? "" : `#${section}`}`;
}

const docs = new URL("../../../docs/", import.meta.url);

function page(name: string): string {
  return readFileSync(new URL(name, docs), "utf8");
}

async function stdin(): Promise<string> {
  let text = "";
  process.stdin.setEncoding("utf8");
  for await (const chunk of process.stdin as AsyncIterable<string>) {
    text += chunk;
    if (text.length > mostText) break;
  }
  return text.slice(0, mostText);
}
