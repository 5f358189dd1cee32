import { numbered } from "../sql/column.ts";
import type { ForMany, ParameterType, SqlRow, SqlValue } from "../sql/sql.ts";

/** A statement as it is run for many at once: each parameter is an array, with one value for each of them. */
export interface ManyAtOnce {
  /** Returns the key of each row that it finds or changes. */
  readonly text: string;
  /** The types of the parameters, in the order of their numbers. */
  readonly types: readonly ParameterType[];
  /** Which parameter the key is. */
  readonly keyAt: number;
  /** The column of the answer that holds the key. */
  readonly column: string;
}

/**
 * Rewrites a statement for many: `WHERE id = :id` becomes `WHERE id = ANY ($1)`, and what is written is joined with the
 * arrays of its values.
 *
 * @param text with named parameters
 * @param suffix what follows it
 * @throws {TypeError} it is of no form that can be rewritten
 */
export function manyAtOnce(text: string, { key, column, types }: ForMany, suffix: string): ManyAtOnce {
  const { names, text: given } = numbered(text, "given.v" as "$");
  const inOrder = names.map((name) => types[name] ?? noForm(text, `no type of :${name}`));
  const columns = names.map((_, at) => `v${at + 1}`);
  const arrays = inOrder.map((type, at) => `$${at + 1}::${type}[]`);
  const rows = `unnest(${arrays.join(", ")}) AS given(${columns.join(", ")})`;
  return { text: rewritten() + suffix, types: inOrder, keyAt: names.indexOf(key), column };

  function rewritten(): string {
    const [, verb] = /^(\w+)/.exec(given) ?? [];
    const [, table] = /^(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)/.exec(given) ?? [];
    const where = /\sWHERE\s/.exec(given);
    const insert = /^(.*?) VALUES \(([^()]*)\)(.*)$/s.exec(given);
    if (verb === "SELECT" && names.length === 1 && where !== null)
      return given.replace("= given.v1", `= ANY (${arrays[0]})`);
    if (verb === "INSERT" && insert !== null) {
      const [, into, list, rest] = insert;
      return `${into} SELECT ${list} FROM ${rows}${rest} RETURNING ${column}`;
    }
    if ((verb !== "UPDATE" && verb !== "DELETE") || where === null)
      return noForm(text, "neither selects, inserts, updates nor deletes");
    const joined = `${verb === "UPDATE" ? "FROM" : "USING"} ${rows}`;
    return `${given.slice(0, where.index)} ${joined} ${given.slice(where.index)} RETURNING ${table}.${column}`;
  }
}

/** Whether a statement's values are all what the types promise. Whatever is not is the server's to refuse, and for one alone. */
export function fits({ types, keyAt }: ManyAtOnce, values: readonly SqlValue[]): boolean {
  return values.every((value, at) => {
    if (value === null) return at !== keyAt;
    if (typeof value === "number") return types[at] === "bigint" && Number.isSafeInteger(value);
    return types[at] === (typeof value === "string" ? "text" : "bytea");
  });
}

/** A key in a form in which equal ones are equal. */
export function keyText(value: SqlValue): string {
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1");
  return String(value);
}

/** The values of each parameter as one array. */
export function arraysOf({ types }: ManyAtOnce, statements: readonly (readonly SqlValue[])[]): Buffer[] {
  return types.map((type, at) =>
    arrayOf(
      type,
      statements.map((values) => values[at] ?? null),
    ),
  );
}

/** The rows of each key. */
export function rowsByKey({ column }: ManyAtOnce, rows: readonly SqlRow[]): Map<string, SqlRow[]> {
  return Map.groupBy(rows, (row) => keyText(row[column] ?? null));
}

const oids: Readonly<Record<ParameterType, number>> = { text: 25, bigint: 20, bytea: 17 };
const headerBytes = 20;

/**
 * An array in the binary form, in which bytes are as they are: its text form would double them.
 *
 * @see `array_recv` in PostgreSQL's src/backend/utils/adt/arrayfuncs.c
 */
function arrayOf(type: ParameterType, values: readonly SqlValue[]): Buffer {
  let length = headerBytes;
  const sizes = values.map((value) => {
    const size = sizeOf(value);
    length += 4 + Math.max(size, 0);
    return size;
  });
  const array = Buffer.allocUnsafe(length);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(sizes.includes(-1) ? 1 : 0, 4);
  array.writeInt32BE(oids[type], 8);
  array.writeInt32BE(values.length, 12);
  array.writeInt32BE(1, 16);
  let at = headerBytes;
  values.forEach((value, n) => {
    const size = sizes[n] as number;
    at = array.writeInt32BE(size, at);
    if (typeof value === "string") array.write(value, at, "utf8");
    else if (typeof value === "number") array.writeBigInt64BE(BigInt(value), at);
    else if (value !== null) array.set(value, at);
    at += Math.max(size, 0);
  });
  return array;
}

/** How many bytes it takes; -1 says that it is null. */
function sizeOf(value: SqlValue): number {
  if (value === null) return -1;
  if (typeof value === "string") return Buffer.byteLength(value, "utf8");
  return typeof value === "number" ? 8 : value.byteLength;
}

function noForm(text: string, why: string): never {
  throw new TypeError(`cannot be run for many (${why}): ${text}`);
}
