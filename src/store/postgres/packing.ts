import type { Answer } from "./batch.ts";
import { arraysOf, fits, keyText, rowsByKey } from "./many.ts";
import type { Statement } from "./statements.ts";

/** A statement that somebody asks. */
export interface Asked {
  readonly statement: Statement;
  /** Who asks. What one asks is run in its order. */
  readonly asker: object;
}

/** What is sent for statements, and whose answer is whose. */
export interface Packed {
  readonly statements: readonly Statement[];
  /**
   * Takes the answers apart.
   *
   * @param answers to the statements before the one that failed; to all where none did
   * @returns the answer to each that was asked, in that order; undefined where there is none
   */
  readonly deal: (answers: readonly Answer[]) => readonly (Answer | undefined)[];
}

/** Where statements that are asked together stand. */
interface Slot {
  readonly asked: number[];
  readonly keys: Set<string>;
}

/**
 * Makes one statement of those that ask the same about different rows, so that sixty-four transactions that share a commit cost
 * the server and us a few statements, and not a few times sixty-four.
 */
export function pack(asked: readonly Asked[]): Packed {
  const slots: Slot[] = [];
  /** By text, the last slot that others may still join. */
  const open = new Map<string, number>();
  /** Of each asker, where its last statement stands. */
  const last = new Map<object, number>();
  asked.forEach(({ statement, asker }, n) => {
    const { many, values, text } = statement;
    const isAlike = many !== undefined && fits(many, values);
    const key = isAlike ? keyText(values[many.keyAt] ?? null) : "";
    let at = isAlike ? open.get(text) : undefined;
    // Not before what the same one asked before, and no key twice: which of two rows meant what could not be told.
    if (at === undefined || at <= (last.get(asker) ?? -1) || slots[at]?.keys.has(key) === true) {
      at = slots.push({ asked: [], keys: new Set() }) - 1;
      if (isAlike) open.set(text, at);
    }
    slots[at]?.asked.push(n);
    slots[at]?.keys.add(key);
    last.set(asker, at);
  });
  const statementOf = (n: number): Statement => (asked[n] as Asked).statement;
  return {
    statements: slots.map((slot) => together(slot.asked.map(statementOf))),
    deal(answers) {
      const dealt: (Answer | undefined)[] = Array.from({ length: asked.length });
      slots.forEach((slot, at) => {
        const answer = answers[at];
        if (answer === undefined) return;
        const [first = 0] = slot.asked;
        const { many } = statementOf(first);
        if (slot.asked.length === 1 || many === undefined) {
          dealt[first] = answer;
          return;
        }
        const byKey = rowsByKey(many, answer.rows);
        for (const n of slot.asked) {
          const rows = byKey.get(keyText(statementOf(n).values[many.keyAt] ?? null)) ?? [];
          dealt[n] = { rows, count: rows.length, command: answer.command };
        }
      });
      return dealt;
    },
  };
}

/** One alone is sent as it is: an array of one costs more. */
function together(statements: readonly Statement[]): Statement {
  const [first] = statements as [Statement];
  if (statements.length === 1 || first.many === undefined) return first;
  return {
    text: first.many.text,
    values: arraysOf(
      first.many,
      statements.map(({ values }) => values),
    ),
  };
}
