/** Whether a service under mixed load stayed as it was: what was measured minute by minute, and what is made of it. */
import { quantile } from "./quantile.ts";
import type { Machine } from "./result.ts";

/** What was measured in one part of the run, of a minute or less. */
export interface Part {
  /** Seconds since the load began, at the end of this part. */
  readonly at: number;
  /** By kind of request: how many, and milliseconds from when each was due until its answer was there. */
  readonly kinds: Readonly<
    Record<string, { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number }>
  >;
  /** Memory of each process, MB: in use, and what it shares with no file. */
  readonly memory: Readonly<Record<string, { readonly rss: number; readonly anonymous: number }>>;
  /** Answers that were no success, by kind, status and code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Requests that were not sent, since the sender came too late for them: the machine was busy. */
  readonly leftOut: number;
  /** The database on the disk, MB. */
  readonly diskMB: number;
  readonly load: number;
}

/** What a run has found, as it is written. */
export interface HourResult {
  readonly startedAt: string;
  readonly machine: Machine;
  readonly minutes: number;
  readonly store: string;
  readonly grants: number;
  /** How many times the usual load. */
  readonly times: number;
  readonly partSeconds: number;
  readonly verdict: Verdict;
  readonly parts: readonly Part[];
}

export interface Verdict {
  /** The 99th percentile of token reads: medians of the first parts and of the last ones, and their ratio. */
  readonly p99: { readonly first: number; readonly last: number; readonly ratio: number };
  /** Of each process: memory in the first parts and in the last ones, MB. */
  readonly memory: Readonly<Record<string, { readonly first: number; readonly last: number }>>;
  readonly undocumented: readonly string[];
  /** What is not as it must be; empty where all is. */
  readonly failures: readonly string[];
}

export const most = { p99Ratio: 1.2, memoryRatio: 1.1, memoryMB: 10 } as const;

/**
 * @param share which share of the parts are the first ones, and which the last: ten minutes of an hour are a sixth
 * @param allowed whether an answer that was no success may be given
 */
export function verdictOf(parts: readonly Part[], share: number, allowed: (error: string) => boolean): Verdict {
  const count = Math.max(1, Math.floor(parts.length * share));
  const [first, last] = [parts.slice(0, count), parts.slice(-count)];
  const middle = (some: readonly Part[], of: (part: Part) => number): number => quantile(some.map(of), 0.5);
  const tail = (part: Part): number => part.kinds["token"]?.p99 ?? Number.NaN;
  const p99 = { first: middle(first, tail), last: middle(last, tail), ratio: middle(last, tail) / middle(first, tail) };
  const names = Object.keys(parts[0]?.memory ?? {});
  const memory = Object.fromEntries(
    names.map((name) => {
      const of = (part: Part): number => part.memory[name]?.anonymous ?? Number.NaN;
      return [name, { first: middle(first, of), last: middle(last, of) }];
    }),
  );
  const undocumented = [...new Set(parts.flatMap(({ errors }) => Object.keys(errors)))].filter(
    (each) => !allowed(each),
  );
  const failures = [
    ...(p99.ratio <= most.p99Ratio
      ? []
      : [`the 99th percentile of token reads grew to ${p99.ratio.toFixed(2)} of itself`]),
    ...Object.entries(memory).flatMap(([name, { first: before, last: after }]) =>
      after <= before * most.memoryRatio + most.memoryMB
        ? []
        : [
            Number.isNaN(after)
              ? `the ${name} was gone at the end`
              : `the memory of the ${name} grew from ${before.toFixed(0)} to ${after.toFixed(0)} MB`,
          ],
    ),
    ...undocumented.map((each) => `not documented: ${each}`),
  ];
  return { p99, memory, undocumented, failures };
}
