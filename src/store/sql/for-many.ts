/*
 * Statements that a database may run once for all who ask the same at the same moment, in place of once for each. What is
 * written here of them is all that it needs for that: the text stays the one that is run for one.
 */
import type { ColumnsOf } from "./column.ts";
import type { ForMany, ParameterType } from "./sql.ts";

const known = new Map<string, ForMany>();

/**
 * Says that a statement may be run for many at once, where no two of them give the same key.
 *
 * @param text selects by the key alone; or inserts one row of parameters; or updates or deletes, with `:key` compared in `WHERE`
 * @returns the text
 */
export function forMany(text: string, how: ForMany): string {
  known.set(text, how);
  return text;
}

/** What {@link forMany} was told of a statement. */
export function howForMany(text: string): ForMany | undefined {
  return known.get(text);
}

/** The types of the parameters that stand for these columns, each under its property's name. */
export function typesOf<Row>(columns: ColumnsOf<Row>): Record<string, ParameterType> {
  const types = { string: "text", number: "bigint", bytes: "bytea" } as const;
  const list = Object.entries(columns) as [string, ColumnsOf<Record<string, unknown>>[string]][];
  return Object.fromEntries(list.map(([property, { kind }]) => [property, types[kind]]));
}
