import { configurationInvalid } from "../../core/errors.ts";
import type { OnbehalfError } from "../../core/errors.ts";

const hint = "name a file on a local disk, such as onbehalf.db or /var/lib/myapp/onbehalf.db";

/**
 * What is no path of a file, or is one that nobody means: SQLite would make a file of that very name, and the store would
 * be another one than the operator believes. A path is taken as it stands; nothing in it is decoded.
 */
const wrong: readonly (readonly [RegExp, string, string])[] = [
  // With an empty name, SQLite makes a file that it deletes when it is closed, and every grant with it.
  [/^$/, "has no path", hint],
  [/^\s|\s$/, "has white space around its path", "take the white space away"],
  // oxlint-disable-next-line no-control-regex
  [/[\0-\x1F\x7F]/, "has a control character in its path", "write the path in one line"],
  [/^file:/i, "needs the path of a file, not a URI", "take file: away, and whatever stands after a ?"],
  [/^sqlite:/i, "needs a path without sqlite: before it", "take sqlite: away: that is for ONBEHALF_STORE"],
  [/^[a-z][a-z0-9+.-]+:\/\//i, "needs the path of a file, not a URL", hint],
  [
    /^~/,
    "has a ~ at its beginning",
    "write the whole path: only a shell puts a home folder there; or begin it with ./~",
  ],
  [/^:memory:./, "has something after :memory:", "give :memory: alone, or the path of a file"],
  [/\?/, "has a ? in its path", "take it away with what stands after it: no parameter is followed"],
  [/#/, "has a # in its path", "take it away with what stands after it"],
  [/%[0-9a-f]{2}/i, "has a percent-encoded character in its path", "write the character itself: nothing is decoded"],
  [/[/\\]\.{0,2}$|^\.{1,2}$/, "names a folder", "name a file in it, such as onbehalf.db"],
];

/** @throws {OnbehalfError} `configuration_invalid`: it is no path of a file, and why not */
export function checkPath(path: unknown): asserts path is string {
  if (typeof path !== "string") throw invalid("needs the path of a file, as a string", hint);
  for (const [pattern, problem, what] of wrong) if (pattern.test(path)) throw invalid(problem, what);
}

function invalid(problem: string, what: string): OnbehalfError<"configuration_invalid"> {
  return configurationInvalid(`the SQLite store ${problem}`, what);
}
