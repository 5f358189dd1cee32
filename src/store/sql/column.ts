import type { SqlRow, SqlValue, SqlValues } from "./sql.ts";

/**
 * A column: its name in SQL, and how a value gets out of a row and into a statement.
 * `T` is exact in both directions, so that a column of another type than its property does not compile.
 */
export interface Column<T> {
  readonly name: string;
  /** @throws {TypeError} the row holds something else than the schema promises: the database is damaged */
  readonly read: (row: SqlRow) => T;
  readonly write: (value: T) => SqlValue;
}

/** One column for each property of `Row`, none left out. */
export type ColumnsOf<Row> = { readonly [Property in keyof Row]-?: Column<Row[Property]> };

/** Text; `T` where only some texts occur, which the schema's `CHECK` or its only writer sees to. */
export function text<T extends string = string>(name: string): Column<T> {
  return { name, read: (row) => expected(row, name, "text") as T, write: unchanged };
}

export function textOrNull<T extends string = string>(name: string): Column<T | null> {
  return { name, read: (row) => expectedOrNull(row, name, "text") as T | null, write: unchanged };
}

export function number(name: string): Column<number> {
  return { name, read: (row) => expected(row, name, "number") as number, write: unchanged };
}

export function numberOrNull(name: string): Column<number | null> {
  return { name, read: (row) => expectedOrNull(row, name, "number") as number | null, write: unchanged };
}

export function bytes(name: string): Column<Uint8Array> {
  return { name, read: (row) => expected(row, name, "bytes") as Uint8Array, write: unchanged };
}

export function bytesOrNull(name: string): Column<Uint8Array | null> {
  return { name, read: (row) => expectedOrNull(row, name, "bytes") as Uint8Array | null, write: unchanged };
}

/** A truth value, kept as 1 or 0: not every database has a type for it. */
export function truth(name: string): Column<boolean> {
  return { name, read: (row) => expected(row, name, "number") === 1, write: Number };
}

/** A value that has a text of its own, such as JSON. */
export function asText<T>(name: string, parse: (text: string) => T, format: (value: T) => string): Column<T> {
  return { name, read: (row) => parse(expected(row, name, "text") as string), write: format };
}

/** What a select list says: `grant_id, provider, …`. */
export function selectList<Row>(columns: ColumnsOf<Row>): string {
  return listOf(columns)
    .map(([, { name }]) => name)
    .join(", ");
}

/** What follows a table's name in an insert: `(grant_id, …) VALUES (:grantId, …)`. */
export function insertList<Row>(columns: ColumnsOf<Row>): string {
  const parameters = listOf(columns).map(([property]) => `:${property}`);
  return `(${selectList(columns)}) VALUES (${parameters.join(", ")})`;
}

/** What follows `SET` in an update: `grant_id = :grantId, …`. */
export function assignments<Row>(columns: ColumnsOf<Row>): string {
  return listOf(columns)
    .map(([property, { name }]) => `${name} = :${property}`)
    .join(", ");
}

/** Makes the function that reads a row that was selected with these columns. Make it once: rows come by the thousand. */
export function rowReader<Row>(columns: ColumnsOf<Row>): (row: SqlRow) => Row {
  const list = listOf(columns);
  const blank = blankOf(list);
  return (row) => {
    const values: Record<string, unknown> = { ...blank };
    for (const [property, { read }] of list) values[property] = read(row);
    return values as Row;
  };
}

/** Makes the function that turns a row into the values of a statement, each under its property's name. */
export function valuesWriter<Row>(columns: ColumnsOf<Row>): (row: Row) => SqlValues {
  const list = listOf(columns);
  const blank = blankOf(list);
  return (row) => {
    const values: Record<string, SqlValue> = { ...blank };
    for (const [property, { write }] of list) values[property] = write(row[property]);
    return values;
  };
}

type Property<Row> = keyof Row & string;

function listOf<Row>(columns: ColumnsOf<Row>): readonly (readonly [Property<Row>, Column<Row[Property<Row>]>])[] {
  return Object.entries(columns) as [Property<Row>, Column<Row[Property<Row>]>][];
}

/**
 * An object that has every property already. To fill a copy of it takes a third of the time that it takes to add
 * property after property to an empty one, and this is done for every row that is read.
 */
function blankOf(list: readonly (readonly [string, unknown])[]): Readonly<Record<string, null>> {
  return Object.fromEntries(list.map(([property]) => [property, null]));
}

function unchanged(value: SqlValue): SqlValue {
  return value;
}

type Kind = "text" | "number" | "bytes";

function expected(row: SqlRow, name: string, kind: Kind): SqlValue {
  const value = expectedOrNull(row, name, kind);
  if (value === null) throw new TypeError(`column ${name} is null, and the schema promises ${kind}`);
  return value;
}

function expectedOrNull(row: SqlRow, name: string, kind: Kind): SqlValue {
  const value = row[name];
  if (value === null || (value !== undefined && isOf(kind, value))) return value;
  throw new TypeError(`column ${name} does not hold ${kind}, as the schema promises`);
}

function isOf(kind: Kind, value: SqlValue): boolean {
  if (kind === "bytes") return value instanceof Uint8Array;
  return typeof value === (kind === "text" ? "string" : "number");
}
