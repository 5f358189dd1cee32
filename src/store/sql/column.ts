/*
 * How values get into statements and out of rows: columns with their types, owners as text, named parameters.
 * Which columns a table has (./tables.ts) and what a statement does with them do not belong here.
 */
import type { Owner } from "../../core/take-over.ts";
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
  readonly kind: Kind;
  readonly isNullable: boolean;
  /** Makes the value of what was found; absent where what was found is the value. */
  readonly parse?: (value: SqlValue) => T;
}

/** As `typeof` says it, but for bytes. */
type Kind = "string" | "number" | "bytes";

/** One column for each property of `Row`, none left out. */
export type ColumnsOf<Row> = { readonly [Property in keyof Row]-?: Column<Row[Property]> };

/** Text; `T` where only some texts occur, which the schema's `CHECK` or its only writer sees to. */
export function text<T extends string = string>(name: string): Column<T> {
  return column(name, "string");
}

export function textOrNull<T extends string = string>(name: string): Column<T | null> {
  return column(name, "string", { isNullable: true });
}

export function number(name: string): Column<number> {
  return column(name, "number");
}

export function numberOrNull(name: string): Column<number | null> {
  return column(name, "number", { isNullable: true });
}

export function bytes(name: string): Column<Uint8Array> {
  return column(name, "bytes");
}

export function bytesOrNull(name: string): Column<Uint8Array | null> {
  return column(name, "bytes", { isNullable: true });
}

/** A truth value, kept as 1 or 0: not every database has a type for it. */
export function truth(name: string): Column<boolean> {
  return column(name, "number", { parse: (value) => value === 1, write: Number });
}

/** An owner, kept as text. */
export function owner(name: string): Column<Owner> {
  return column(name, "string", { parse: (value) => readOwner(value as string), write: ownerText });
}

/** A value that is kept as JSON. */
export function json<T>(name: string): Column<T> {
  return column(name, "string", {
    parse: (value) => JSON.parse(value as string) as T,
    write: (value) => JSON.stringify(value),
  });
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
  // Checked here and not column by column: a call for each of 26 columns is a tenth of what a read costs in all.
  return (row) => {
    const values: Record<string, unknown> = { ...blank };
    for (const [property, { name, kind, isNullable, parse }] of list) {
      const value = row[name];
      if (value === null ? !isNullable : kind === "bytes" ? !(value instanceof Uint8Array) : typeof value !== kind) {
        throw broken(name, kind, value);
      }
      values[property] = parse === undefined ? value : parse(value as SqlValue);
    }
    return values as Row;
  };
}

/** {@link rowReader}, of rows that come as lists, in the order of the columns. What a list has beyond them is left alone. */
export function listReader<Row>(columns: ColumnsOf<Row>): (list: readonly SqlValue[]) => Row {
  const list = listOf(columns);
  const blank = blankOf(list);
  return (found) => {
    const values: Record<string, unknown> = { ...blank };
    let at = 0;
    for (const [property, { name, kind, isNullable, parse }] of list) {
      const value = found[at++];
      if (value === null ? !isNullable : kind === "bytes" ? !(value instanceof Uint8Array) : typeof value !== kind) {
        throw broken(name, kind, value);
      }
      values[property] = parse === undefined ? value : parse(value as SqlValue);
    }
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

function unchanged(value: unknown): SqlValue {
  return value as SqlValue;
}

function column<T>(
  name: string,
  kind: Kind,
  {
    isNullable = false,
    parse,
    write = unchanged,
  }: {
    readonly isNullable?: boolean;
    readonly parse?: (value: SqlValue) => T;
    readonly write?: (value: T) => SqlValue;
  } = {},
): Column<T> {
  const readRow = (row: SqlRow): T => {
    const value = row[name];
    const fits = kind === "bytes" ? value instanceof Uint8Array : typeof value === kind;
    if (value === undefined || (value === null ? !isNullable : !fits)) throw broken(name, kind, value);
    return parse === undefined ? (value as T) : parse(value);
  };
  return { name, read: readRow, write, kind, isNullable, ...(parse === undefined ? {} : { parse }) };
}

function broken(name: string, kind: Kind, value: SqlValue | undefined): TypeError {
  const promised = kind === "string" ? "text" : kind;
  return new TypeError(
    value === null
      ? `column ${name} is null, and the schema promises ${promised}`
      : `column ${name} does not hold ${promised}, as the schema promises`,
  );
}

/** An owner of whom nothing is known, neither alive nor dead: only time ends what it holds. */
const nobody: Owner = { node: "", pid: 0, startedAt: "", vault: "" };

/** An owner as text, the same text for the same owner. */
export function ownerText({ node, pid, startedAt, vault }: Owner): string {
  return JSON.stringify({ node, pid, startedAt, vault });
}

/** Reads an owner from its text. A damaged text gives {@link nobody}: one bad row must not keep all others from being read. */
function readOwner(text: string): Owner {
  try {
    const { node, pid, startedAt, vault } = JSON.parse(text) as Partial<Owner>;
    return node === undefined || pid === undefined || startedAt === undefined || vault === undefined
      ? nobody
      : { node, pid, startedAt, vault };
  } catch {
    return nobody;
  }
}

/** Bytes as one of the keys of a transaction. */
export function keyOf(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
}

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

/** By the statement's text. */
const parameterNames = new Map<string, readonly string[]>();

/**
 * Of the values for two statements together, those that each of them takes.
 *
 * @param now the value of `:now`, which is not among them
 * @throws {TypeError} a parameter has no value, or a value no parameter
 */
export function valuesOfBoth(texts: readonly [string, string], values: SqlValues, now: number): [SqlValues, SqlValues] {
  const [first, second] = texts.map((text) => {
    let names = parameterNames.get(text);
    if (names === undefined) parameterNames.set(text, (names = numbered(text, "?").names));
    return names;
  }) as [readonly string[], readonly string[]];
  const unknown = Object.keys(values).filter(
    (name) => name === "now" || !(first.includes(name) || second.includes(name)),
  );
  if (unknown.length > 0) throw noParameter(unknown);
  const all = { ...values, now };
  const taken = (names: readonly string[]): SqlValues =>
    Object.fromEntries(names.map((name) => [name, valueOf(all, name)]));
  return [taken(first), taken(second)];
}

/**
 * The values in the order of their numbers.
 *
 * @throws {TypeError} a parameter has no value, or a value no parameter: a misspelt name would otherwise store NULL, and
 *   could erase a token without anybody noticing
 */
export function inOrder(values: SqlValues, names: readonly string[]): SqlValue[] {
  const ordered = names.map((name) => valueOf(values, name));
  const given = Object.keys(values);
  if (given.length === names.length) return ordered;
  const unknown = given.filter((name) => !names.includes(name));
  throw noParameter(unknown);
}

function noParameter(names: readonly string[]): TypeError {
  return new TypeError(`the statement has no parameter ${names.map((name) => `:${name}`).join(", ")}`);
}

function valueOf(values: SqlValues, name: string): SqlValue {
  const value = values[name];
  if (value === undefined) throw new TypeError(`the parameter :${name} has no value`);
  return value;
}
