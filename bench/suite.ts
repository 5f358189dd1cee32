/** What a suite is, and what it is run with. */
import type { Contender } from "./rounds.ts";
import type { Aim, Row, Table } from "./result.ts";

/** Contenders of one table, with what each is compared with. */
export interface Compared extends Contender {
  /** The name of the contender that it is compared with. */
  readonly against?: string;
  readonly aim?: Aim;
}

export interface Run {
  readonly rounds: number;
  /** Numbers are small: it is seen that everything runs, and no figure means anything. */
  readonly isTrial: boolean;
  /** On the disk where the databases are whose commits are measured. */
  readonly folder: string;
  /** In memory where that is possible, for databases whose commits are not measured. */
  readonly quickFolder: string;
  /** Says on stderr what is going on. */
  readonly tell: (line: string) => void;
  /** Leaves a contender out. */
  readonly leaveOut: (name: string, why: string) => void;
  /** The number, or the small one in a trial. */
  readonly size: (number: number, inTrial: number) => number;
}

export interface Suite {
  readonly name: string;
  /** What it measures, for `--list` and as a heading. */
  readonly title: string;
  readonly rounds: number;
  /** Whether who asks has a processor of its own; otherwise all share the machine. */
  readonly isPinned: boolean;
  /** How long it takes with these rounds on a machine with two processors, seconds. */
  seconds(rounds: number): number;
  run(run: Run): Promise<readonly Table[]>;
}

/** The rows of a table: what contenders are, with what was measured of each. */
export function rowsOf(contenders: readonly Compared[], figures: readonly (readonly number[])[]): Row[] {
  return contenders.map(({ name, settings, against, aim }, at) => ({
    name,
    ...(settings === undefined ? {} : { settings }),
    ...(against === undefined ? {} : { against }),
    ...(aim === undefined ? {} : { aim }),
    figures: figures[at] ?? [],
  }));
}
