import type { Outcome } from "./outcome.ts";

/** How many lines have had each outcome. */
export type Counts = Readonly<Record<Outcome, number>>;

export const noCounts: Counts = { deposited: 0, already: 0, refused: 0, failed: 0, unknown: 0 };

/** How far a run has come. */
export interface Standing {
  readonly counts: Counts;
  /** The part of the input that has been read, 0 to 1. Undefined: nobody knows how long it is. */
  readonly part: number | undefined;
  readonly elapsedMs: number;
}

/** A line that says how far a run has come, how fast it is and when it will end. */
export function progressLine({ counts, part, elapsedMs }: Standing): string {
  const lines = totalOf(counts);
  const perSecond = lines / Math.max(elapsedMs / 1_000, 0.001);
  const isEarly = part === undefined || part < 0.001 || elapsedMs < 2_000;
  const left = isEarly ? undefined : (elapsedMs * (1 - part)) / part;
  return [
    `${lines} lines`,
    ...(part === undefined ? [] : [`${Math.floor(part * 100)} %`]),
    `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`,
    ...(left === undefined ? [] : [`${durationText(left)} left`]),
    countsText(counts),
  ].join(", ");
}

/** What became of how many, without what there is none of. */
export function countsText(counts: Counts): string {
  const said = Object.entries(counts).filter(([outcome, count]) => count > 0 || outcome === "deposited");
  return said.map(([outcome, count]) => `${count} ${outcome}`).join(", ");
}

export function totalOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3_600)} h`;
}
