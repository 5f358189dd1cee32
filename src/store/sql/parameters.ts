import type { SqlValue, SqlValues } from "./sql.ts";

/** A statement as databases take it: with numbers for parameters. */
export interface NumberedStatement {
  readonly text: string;
  /** The name of each number, from 1. */
  readonly names: readonly string[];
}

/** `:name`, but not PostgreSQL's cast `::type`. In our statements a colon has no other meaning. */
const parameter = /(?<!:):([a-z]\w*)/gi;

/**
 * Writes a statement's named parameters as numbers. SQLite could take the names as they are, but node:sqlite binds
 * twenty of them at half the speed. Keep what comes back: few statements are ever written, and each runs often.
 *
 * @param mark what stands before a number: `?` in SQLite, `$` in PostgreSQL
 */
export function numbered(text: string, mark: "?" | "$"): NumberedStatement {
  const names: string[] = [];
  const rewritten = text.replace(parameter, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `${mark}${names.indexOf(name) + 1}`;
  });
  return { text: rewritten, names };
}

/**
 * The values in the order of their numbers.
 *
 * @throws {TypeError} a parameter has no value, or a value no parameter: a misspelt name would otherwise store NULL, and
 *   could erase a token without anybody noticing
 */
export function inOrder(values: SqlValues, names: readonly string[]): SqlValue[] {
  const ordered = names.map((name) => {
    const value = values[name];
    if (value === undefined) throw new TypeError(`the parameter :${name} has no value`);
    return value;
  });
  const given = Object.keys(values);
  if (given.length === names.length) return ordered;
  const unknown = given.filter((name) => !names.includes(name));
  throw new TypeError(`the statement has no parameter ${unknown.map((name) => `:${name}`).join(", ")}`);
}
