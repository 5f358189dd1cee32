/** The tables with sealed values, in the order in which they are gone through. The largest comes last. */
export const tables = [
  "callers",
  "sessions",
  "clientKeys",
  "registeredClients",
  "connects",
  "lateAnswers",
  "tickets",
  "intakes",
  "grants",
] as const;
export type Table = (typeof tables)[number];

/** Where a search through all sealed values stands: in which table, after which row. */
export interface Position {
  readonly table: Table;
  /** The row's id, or its hash in hexadecimal. */
  readonly after: string;
}

/** What a page of rows has brought. */
export interface PageFacts {
  /** The last row of the page, if there was one. */
  readonly last: string | undefined;
  readonly isLast: boolean;
  /** How many values were found under keys that do not seal any more, and open. */
  readonly found: number;
  /** How many of those do not open. */
  readonly unreadable: number;
}

/** How far the search for values under older data keys has come. It is kept in the store, so that it outlives a crash. */
export interface ResealProgress {
  /** The numbers of the keys that are being emptied. */
  readonly keys: readonly number[];
  /** How many times all tables were gone through before. */
  readonly round: number;
  readonly position: Position;
  /** How many values under older keys this pass has met. */
  readonly found: number;
  /** How many values were sealed anew in all passes. */
  readonly resealed: number;
  /** How many values this pass has met that are under older keys and do not open. They stay as they are. */
  readonly unreadable: number;
  /** Whether every process knew which keys seal when this pass began. Only such a pass proves that nothing is left. */
  readonly everybodyKnew: boolean;
  /** Whether such a pass has found nothing. */
  readonly isEmpty: boolean;
}

const start: Position = { table: "callers", after: "" };

/** The first pass. */
export function beginReseal(keys: readonly number[], everybodyKnew: boolean): ResealProgress {
  return { keys, round: 0, position: start, found: 0, resealed: 0, unreadable: 0, everybodyKnew, isEmpty: false };
}

/** Where the search stands once a page is written. A pass that has found something is followed by another. */
export function afterPage(before: ResealProgress, page: PageFacts, everybodyKnows: boolean): ResealProgress {
  const found = before.found + page.found;
  const resealed = before.resealed + page.found;
  const unreadable = before.unreadable + page.unreadable;
  const { table } = before.position;
  if (!page.isLast) return { ...before, found, resealed, unreadable, position: { table, after: page.last ?? "" } };
  const nextTable = tables[tables.indexOf(table) + 1];
  if (nextTable !== undefined) {
    return { ...before, found, resealed, unreadable, position: { table: nextTable, after: "" } };
  }
  if (found === 0 && before.everybodyKnew) return { ...before, resealed, unreadable, isEmpty: true };
  const next = { round: before.round + 1, position: start, found: 0, unreadable: 0 };
  return { ...before, ...next, resealed, everybodyKnew: everybodyKnows };
}

/**
 * About how much of a pass is done, from 0 to 1. Ids of grants are random, so that the first letters of one tell how
 * many come before it.
 */
export function fractionOf({ isEmpty, position: { table, after } }: ResealProgress): number {
  if (isEmpty) return 1;
  if (table !== "grants") return 0;
  const letters = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
  const [first = -1, second = 0] = [after.charAt(2), after.charAt(3)].map((letter) =>
    letter === "" ? -1 : letters.indexOf(letter),
  );
  return first < 0 ? 0 : (first + Math.max(0, second) / 64) / 64;
}

/**
 * Reads what was written of a search.
 *
 * @returns undefined where there is nothing, or nothing that we have written: then the search begins anew
 */
export function readProgress(text: string | undefined): ResealProgress | undefined {
  try {
    const read = JSON.parse(text ?? "") as Partial<ResealProgress>;
    const { keys, round, position, found, resealed, unreadable, everybodyKnew, isEmpty } = read;
    const numbers = [round, found, resealed, unreadable, ...(keys ?? [Number.NaN])];
    const isWhole =
      numbers.every((each) => Number.isSafeInteger(each)) &&
      tables.includes(position?.table as Table) &&
      typeof position?.after === "string" &&
      typeof everybodyKnew === "boolean" &&
      typeof isEmpty === "boolean";
    return isWhole ? (read as ResealProgress) : undefined;
  } catch {
    return undefined;
  }
}
