import { number, numbered } from "../sql/column.ts";
import type { Changed, LockedChange, SqlValues } from "../sql/sql.ts";
import type { Answer } from "./batch.ts";
import { nowExpression } from "./connection.ts";
import type { ManyAtOnce } from "./many.ts";
import { statementWith } from "./statements.ts";
import type { Statement, Written } from "./statements.ts";

/** Stands in no statement. */
const parting = "\0";

/** Whether the row was changed: 1, or 0. */
const changedColumn = number("is_changed");

/** A change as it is sent: where it waits for a row that another transaction holds, and where it passes over it. */
interface Forms {
  readonly waiting: Written;
  readonly passing: Written;
}

const known = new WeakMap<LockedChange, Forms>();

/**
 * A row's lock, and what is done with it, as one statement and in one round trip. The lock passes over a row that another transaction
 * holds, so that neighbours do not wait for it.
 *
 * The lock finds the row as it is last committed, and an insert reads nothing else. An update looks for the row as it was when the
 * statement began, then looks again at one that was changed since: what it changes is as the lock keeps it. A row that fits only since
 * then it does not find; see `Changed.isChanged`.
 *
 * @param passes whether it passes over a row that another transaction holds
 * @throws {TypeError} a parameter has no value, or a value no parameter
 * @see https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED
 */
export function boundChange(what: LockedChange, values: SqlValues, passes: boolean): Statement {
  let forms = known.get(what);
  if (forms === undefined)
    known.set(what, (forms = { waiting: written(what, ""), passing: written(what, " SKIP LOCKED") }));
  return statementWith(passes ? forms.passing : forms.waiting, values);
}

/** What came of it; undefined where no row was locked. */
export function changedIn({ rows: [row] }: Answer): Changed | undefined {
  return row === undefined ? undefined : { before: row, isChanged: changedColumn.read(row) === 1 };
}

function written({ lock, change, key, column, types }: LockedChange, suffix: string): Written {
  const mark = "given.v" as "$";
  // Both at once: what has the same name in both has the same number.
  const { text, names } = numbered(lock + parting + change, mark);
  const [locking = "", changing = ""] = text.split(parting);
  const used = names.filter((name) => name !== "now");
  const inOrder = used.map((name) => types[name] ?? noForm(change, `no type of :${name}`));
  // The database's own time is no parameter.
  const withoutNow = (part: string): string =>
    part.replaceAll(/given\.v(\d+)/g, (_, n: string) => {
      const name = names[Number(n) - 1] ?? "";
      return name === "now" ? nowExpression : `given.v${used.indexOf(name) + 1}`;
    });
  const columns = used.map((_, at) => `v${at + 1}`).join(", ");
  const keyAt = used.indexOf(key);
  if (keyAt < 0) noForm(lock, `:${key} is not among its parameters`);
  const isLocked = `given.v${keyAt + 1} IN (SELECT ${column} FROM locked)`;
  const form = (given: string): string => `WITH given (${columns}) AS (${given}),
    locked AS (${lockOf(withoutNow(locking), suffix)}),
    changed AS (${changeOf(withoutNow(changing), isLocked, column)})
  SELECT locked.*, (changed.changed_key IS NOT NULL)::int AS ${changedColumn.name}
    FROM locked LEFT JOIN changed ON changed.changed_key = locked.${column}`;
  const one = inOrder.map((type, at) => `$${at + 1}::${type}`).join(", ");
  const arrays = inOrder.map((type, at) => `$${at + 1}::${type}[]`).join(", ");
  const many: ManyAtOnce = { text: form(`SELECT * FROM unnest(${arrays})`), types: inOrder, keyAt, column };
  return { text: form(`SELECT ${one}`), names: used, many };
}

function lockOf(text: string, suffix: string): string {
  const [, before, table, after] = /^(SELECT .*? FROM (\w+))(\s+WHERE .*)$/s.exec(text) ?? noForm(text, "no lock");
  return `${before}, given${after} FOR NO KEY UPDATE OF ${table}${suffix}`;
}

function changeOf(text: string, isLocked: string, column: string): string {
  const [, table] = /^(?:INSERT INTO|UPDATE) (\w+)/.exec(text) ?? noForm(text, "neither inserts nor updates");
  const insert = /^(.*?) VALUES \((.*?)\)( ON CONFLICT.*)?$/s.exec(text);
  const returning = `RETURNING ${table}.${column} AS changed_key`;
  if (text.startsWith("INSERT")) {
    const [, into, list, rest = ""] = insert ?? noForm(text, "inserts no row of parameters");
    return `${into} SELECT ${list} FROM given WHERE ${isLocked}${rest} ${returning}`;
  }
  const where = /\sWHERE\s/.exec(text) ?? noForm(text, "updates without a condition");
  const condition = text.slice(where.index + where[0].length);
  return `${text.slice(0, where.index)} FROM given WHERE ${isLocked} AND (${condition}) ${returning}`;
}

function noForm(text: string, why: string): never {
  throw new TypeError(`cannot lock and change at once (${why}): ${text}`);
}
