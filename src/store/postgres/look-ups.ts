import type { LookUp, SqlRow, SqlValues } from "../sql/sql.ts";

/** How many values one statement looks up at most. */
const atOnce = 200;
/**
 * How many statements are under way at most. What comes meanwhile waits for one of them to end and shares the next: with
 * fewer statements, each costs less. One that the server never answers must not hold up all others.
 */
const statementsAtOnce = 3;

interface Waiting {
  readonly value: string;
  readonly found: (rows: readonly SqlRow[]) => void;
  readonly failed: (error: unknown) => void;
}

/** Looks up in one round trip what is asked for at the same moment. */
export class LookUps {
  readonly #all: (text: string, values: SqlValues) => Promise<SqlRow[]>;
  readonly #waiting = new Map<LookUp<unknown>, Waiting[]>();
  #isDue = false;
  #underWay = 0;

  constructor(all: (text: string, values: SqlValues) => Promise<SqlRow[]>) {
    this.#all = all;
  }

  /** The rows that have this value. */
  find<Row>(what: LookUp<Row>, value: string | Uint8Array): Promise<Row[]> {
    return new Promise((resolve, failed) => {
      const waiting = this.#waiting.get(what) ?? [];
      if (waiting.length === 0) this.#waiting.set(what, waiting);
      const found = (rows: readonly SqlRow[]): void => {
        // Whoever shares the statement has other rows: one that is damaged is no failure of theirs.
        try {
          resolve(rows.map(what.read));
        } catch (error) {
          failed(error);
        }
      };
      waiting.push({ value: textOf(value), found, failed });
      this.#begin();
    });
  }

  /** After what has come in with other sockets' data in this turn of the event loop. */
  #begin(): void {
    if (this.#isDue || this.#underWay >= statementsAtOnce) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [what, waiting] = next;
      const batch = waiting.splice(0, atOnce);
      // Deleted also where some are left, so that the other look-ups have their turn first.
      this.#waiting.delete(what);
      if (waiting.length > 0) this.#waiting.set(what, waiting);
      this.#underWay += 1;
      void this.#run(what, batch).finally(() => {
        this.#underWay -= 1;
        if (this.#waiting.size > 0) this.#begin();
      });
      if (this.#waiting.size > 0) this.#begin();
    });
  }

  async #run({ select, by, kind }: LookUp<unknown>, batch: readonly Waiting[]): Promise<void> {
    try {
      const values = arrayOf(new Set(batch.map(({ value }) => value)));
      const rows = await this.#all(`${select} WHERE ${by} = ANY(:values::${kind}[])`, { values });
      const byValue = Map.groupBy(rows, (row) => textOf(row[by] as string | Uint8Array));
      for (const { value, found } of batch) found(byValue.get(value) ?? []);
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
  }
}

/** A value as it stands in an array's text. */
function textOf(value: string | Uint8Array): string {
  if (typeof value === "string") return value;
  return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}`;
}

/** @see https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function arrayOf(values: Iterable<string>): string {
  return `{${[...values].map((value) => `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(",")}}`;
}
