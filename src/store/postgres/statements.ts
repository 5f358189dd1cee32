import { inOrder, numbered } from "../sql/column.ts";
import type { NumberedStatement } from "../sql/column.ts";
import { howForMany } from "../sql/for-many.ts";
import type { SqlValue, SqlValues } from "../sql/sql.ts";
import { manyAtOnce } from "./many.ts";
import type { ManyAtOnce } from "./many.ts";

/** A statement as it is sent, with its values in the order of their numbers. */
export interface Statement {
  readonly text: string;
  readonly values: SqlValue[];
  /** How it is run for many at once; absent where it cannot be. */
  readonly many?: ManyAtOnce;
}

/** A column of what comes back: its name, and what makes a value of its text. */
export interface Field {
  readonly name: string;
  readonly read: (text: string) => SqlValue;
}

/** A statement before it has values. */
export type Written = NumberedStatement & Pick<Statement, "many">;

/** By the suffix, then by the text before it. */
const texts = new Map<string, Map<string, Written>>();

/**
 * A statement with the values of its named parameters.
 *
 * @param suffix what follows the text, without parameters
 * @throws {TypeError} a parameter has no value, or a value no parameter
 */
export function bound(text: string, values: SqlValues, suffix = ""): Statement {
  let known = texts.get(suffix);
  if (known === undefined) texts.set(suffix, (known = new Map()));
  let statement = known.get(text);
  if (statement === undefined) {
    const how = howForMany(text);
    statement = {
      ...numbered(text + suffix, "$"),
      ...(how === undefined ? {} : { many: manyAtOnce(text, how, suffix) }),
    };
    known.set(text, statement);
  }
  return statementWith(statement, values);
}

/**
 * The same of one that is written already.
 *
 * @throws {TypeError} a parameter has no value, or a value no parameter
 */
export function statementWith({ names, ...rest }: Written, values: SqlValues): Statement {
  return { ...rest, values: inOrder(values, names).map(storable) };
}

/** PostgreSQL's text cannot hold NUL, and one in a provider's error must not keep an answer from being stored. */
function storable(value: SqlValue): SqlValue {
  return typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\uFFFD") : value;
}

/** How a statement is sent on a connection. */
export interface Naming {
  /** Empty where it gets no name, and is parsed each time. */
  readonly name: string;
  /** Whether the server has it under this name already. */
  readonly isPrepared: boolean;
  /** Whether it is known which columns it returns. */
  readonly isDescribed: boolean;
  /** Whether the server may have it under this name, and may not: it must forget it first. */
  readonly mustClose: boolean;
}

/** More names than our statements need; each costs the server some memory on each connection. */
const mostNames = 250;

/**
 * The names of a connection's prepared statements. The server parses and plans a statement that has a name once, and not
 * each time, which is half of what a short statement costs it.
 *
 * Names belong to a session, and a pooler hands out sessions by the transaction: then no statement gets a name.
 */
export class StatementNames {
  readonly #known = new Map<string, { readonly name: string; fields: readonly Field[] | undefined; isSure: boolean }>();
  #mayName = false;

  /** The connection leads straight to a server: from now on, statements get names. */
  begin(): void {
    this.#mayName = true;
  }

  /** No statement gets a name from now on. */
  end(): void {
    this.#mayName = false;
  }

  of(text: string): Naming {
    if (!this.#mayName) return { name: "", isPrepared: false, isDescribed: false, mustClose: false };
    const known = this.#known.get(text);
    if (known !== undefined) {
      const { name, fields, isSure } = known;
      // As good as certain for the statements after it in this batch: where it is not, none of them is run.
      known.isSure = true;
      return { name, isPrepared: isSure, isDescribed: isSure && fields !== undefined, mustClose: !isSure };
    }
    if (this.#known.size >= mostNames) return { name: "", isPrepared: false, isDescribed: false, mustClose: false };
    const name = `onbehalf_${this.#known.size}`;
    this.#known.set(text, { name, fields: undefined, isSure: true });
    return { name, isPrepared: false, isDescribed: false, mustClose: false };
  }

  /** The server has run the statement, and these are its columns. */
  described(text: string, fields: readonly Field[]): void {
    const known = this.#known.get(text);
    if (known !== undefined) known.fields ??= fields;
  }

  fieldsOf(text: string): readonly Field[] {
    return this.#known.get(text)?.fields ?? [];
  }

  /** Of these the server may know some and not others. */
  failed(unanswered: readonly string[]): void {
    for (const text of unanswered) {
      const known = this.#known.get(text);
      // Where its columns are known, it has been run before.
      if (known !== undefined && known.fields === undefined) known.isSure = false;
    }
  }
}
