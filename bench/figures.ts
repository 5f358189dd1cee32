/** What a result's rows come to: medians, spreads, ratios, and whether an aim is met. */
import type { Row, SuiteResult, Table } from "./result.ts";
import { spreadOf } from "./rounds.ts";
import type { Spread } from "./rounds.ts";

export interface Summary {
  readonly figure: Spread;
  /** Of the row that this one is compared with, round by round. */
  readonly ratio?: Spread;
  readonly against?: string;
  /** Whether the aim is met; absent where there is none. */
  readonly isMet?: boolean;
}

export function summaryOf(table: Table, row: Row): Summary {
  const figure = spreadOf(row.figures);
  const other = table.rows.find(({ name }) => name === row.against);
  const ratio =
    other === undefined
      ? undefined
      : spreadOf(row.figures.map((each, round) => each / (other.figures[round] ?? Number.NaN)));
  const { aim } = row;
  const judged = aim?.of === "figure" ? figure.median : ratio?.median;
  return {
    figure,
    ...(ratio === undefined || other === undefined ? {} : { ratio, against: other.name }),
    ...(aim === undefined || judged === undefined
      ? {}
      : { isMet: judged >= (aim.atLeast ?? -Infinity) && judged <= (aim.atMost ?? Infinity) }),
  };
}

/** A number as people read it: three digits that count, thousands parted. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return "none";
  if (Math.abs(value) >= 1_000) return Number(value.toPrecision(3)).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

export function shownSpread({ median, min, max }: Spread): string {
  return min === max ? shown(median) : `${shown(median)} (${shown(min)} to ${shown(max)})`;
}

export function shownAim(row: Row): string {
  const { aim } = row;
  if (aim === undefined) return "";
  const bound = aim.atLeast === undefined ? `at most ${shown(aim.atMost ?? 0)}` : `at least ${shown(aim.atLeast)}`;
  return bound;
}

/** Sentences under a suite's heading: when, how long, how often, and how busy the machine was. */
export function circumstances({ began, tookSeconds, rounds, load, machine }: SuiteResult): string {
  const [before, after] = load;
  const pinned = machine.pinned ? "" : " Nothing was pinned to a processor.";
  return (
    `Measured ${began.slice(0, 16).replace("T", " ")} UTC at commit ${machine.commit}, in ${tookSeconds} s, ${rounds} rounds; ` +
    `load average ${before} before and ${after} after.${pinned}`
  );
}
