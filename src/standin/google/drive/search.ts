import type { DriveFile } from "../state/drive-files.ts";

type Test = (file: DriveFile) => boolean;
type Resolve = (parent: string) => string;

const literal = String.raw`'((?:[^'\\]|\\.)*)'`;

interface Rule {
  readonly shape: RegExp;
  readonly test: (words: readonly string[], resolve: Resolve) => Test;
}

/** The terms of a search query that the stand-in knows. */
const rules: readonly Rule[] = [
  {
    shape: new RegExp(`^name\\s*(=|!=)\\s*${literal}`),
    test:
      ([operator, name]) =>
      (file) =>
        (file.name === name) === (operator === "="),
  },
  {
    shape: new RegExp(`^name\\s+contains\\s+${literal}`),
    test:
      ([part = ""]) =>
      (file) =>
        file.name.toLowerCase().includes(part.toLowerCase()),
  },
  {
    shape: new RegExp(`^mimeType\\s*(=|!=)\\s*${literal}`),
    test:
      ([operator, type]) =>
      (file) =>
        (file.mimeType === type) === (operator === "="),
  },
  {
    shape: new RegExp(`^${literal}\\s+in\\s+parents`),
    test: ([parent = ""], resolve) => {
      const id = resolve(parent);
      return (file) => file.parents.includes(id);
    },
  },
  // Nothing is ever in the bin here: a deleted file is gone.
  {
    shape: /^trashed\s*=\s*(true|false)/,
    test:
      ([wanted]) =>
      () =>
        wanted === "false",
  },
];

function term(text: string, resolve: Resolve): { test: Test; length: number } | undefined {
  for (const { shape, test } of rules) {
    const match = shape.exec(text);
    if (match === null) continue;
    const words = match.slice(1).map((word) => word.replaceAll(/\\(.)/gs, "$1"));
    return { test: test(words, resolve), length: match[0].length };
  }
  return undefined;
}

/**
 * Reads a search query of terms joined by `and`.
 *
 * @param resolve turns an alias into an id
 * @returns undefined where the stand-in does not know a term
 */
export function parseSearch(query: string, resolve: Resolve): Test | undefined {
  const tests: Test[] = [];
  let rest = query.trim();
  while (rest !== "") {
    const next = term(rest, resolve);
    if (next === undefined) return undefined;
    tests.push(next.test);
    rest = rest.slice(next.length).trim();
    if (rest === "") break;
    const joined = /^and\s+/i.exec(rest);
    if (joined === null) return undefined;
    rest = rest.slice(joined[0].length);
  }
  return (file) => tests.every((test) => test(file));
}
