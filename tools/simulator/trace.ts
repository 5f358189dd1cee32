/** The trace of one schedule, for `--trace`: a table with one line for each moment, below a legend of its columns. */
import { refreshTokenIn } from "./plain-sealer.ts";
import { startOfTime } from "./schedule.ts";
import { grantId, storedGrant } from "./simulation.ts";
import type { Simulation } from "./simulation.ts";

/** What happened, as the schedule tells it. */
interface Moment {
  readonly who: string;
  readonly event: string;
  readonly result: string;
}

interface Column {
  readonly name: string;
  readonly width: number;
  /** For people who see a trace for the first time. */
  readonly legend: readonly string[];
  readonly value: (simulation: Simulation, moment: Moment) => string;
}

/** A column cannot be printed without its legend: both come from this table. */
export const columns: readonly Column[] = [
  {
    name: "time",
    width: 9,
    legend: ["virtual time since the schedule began, in milliseconds; it stands still while any step is due"],
    value: ({ schedule }) =>
      Math.floor(schedule.now - startOfTime)
        .toString()
        .padStart(9),
  },
  {
    name: "who",
    width: 8,
    legend: [
      "p0, p1, ...: a process, numbered in the order of their start; the last one starts when all others have ended",
      "person, app, operator: somebody outside all processes; all: every process",
    ],
    value: (_simulation, { who }) => who,
  },
  {
    name: "event",
    width: 24,
    legend: [
      "what happened; one name alone, such as beginAttempt, is an operation of the store (src/store/store.ts)",
      "commits: all that this process has written since its last commit is there now, and each caller hears of it",
      "provider gets r1: the refresh token r1 has reached the provider, which answers; receives ...: its answer has",
      "  reached the process; times out: no answer came for 30 s, whether the request or the answer was lost",
      "makes a backup, puts the backup back, lets the store go on: what the operator does",
      "wakes: a sleep is over; writes rescue journal: keeps an answer that the store cannot take",
      "is killed, is stopped: faults of a process; a killed process takes no more steps",
      "faults end: nothing fails from here on, stopped processes go on, and each process finishes and ends",
    ],
    value: (_simulation, { event }) => event,
  },
  {
    name: "result",
    width: 24,
    legend: [
      "what the store or the provider answered; empty where there is nothing to tell",
      "store fails: the operation threw, and nothing was changed",
      "store fails after it: the commit was carried out, and all the same each operation that shared it threw, as when an",
      "  acknowledgement is lost; its caller cannot know what was changed",
      "store is locked: the operation threw, since a process that is stopped holds the store between writing and commit",
    ],
    value: (_simulation, { result }) => result,
  },
  {
    name: "gen",
    width: 3,
    legend: ["the grant's generation after the moment, as are all columns from here on"],
    value: (simulation) => String(storedGrant(simulation).generation).padStart(3),
  },
  {
    name: "state",
    width: 8,
    legend: ["the grant's state: active, suspect, lapsed, revoking or revoked (src/core/grant.ts)"],
    value: (simulation) => storedGrant(simulation).state,
  },
  {
    name: "token",
    width: 5,
    legend: [
      "the refresh token in the grant's row: r0, r1, ... in the order in which the provider issued them; -: none",
      "followed by ! where the provider would refuse it",
    ],
    value: (simulation) => {
      const { refreshSealed } = storedGrant(simulation);
      if (refreshSealed === null) return "-";
      const token = refreshTokenIn(refreshSealed);
      return simulation.provider.isLive(token, simulation.schedule.now) ? token : `${token}!`;
    },
  },
  {
    name: "attempt",
    width: 7,
    legend: [
      "the attempt in the store: p0@3 is one of p0 on generation 3; -: none",
      "followed by ? where it has ended and nobody knows what the provider did",
    ],
    value: ({ store }) => {
      const [attempt] = store.attempts();
      if (attempt === undefined) return "-";
      return `${attempt.owner.vault}@${attempt.generation}${attempt.endedUnknown ? "?" : ""}`;
    },
  },
  {
    name: "late",
    width: 4,
    legend: ["how many late answers the store keeps beside the grant"],
    value: ({ store }) => String(store.lateAnswersOf(grantId).length).padStart(4),
  },
  {
    name: "rescued",
    width: 7,
    legend: ["how many answers are in the rescue journal, outside the store"],
    value: ({ rescued }) => String(rescued.size).padStart(7),
  },
];

export function traceHead(): string {
  const indent = Math.max(...columns.map(({ name }) => name.length)) + 4;
  const legend = columns.flatMap(({ name, legend }) =>
    legend.map((line, n) => `${`  ${n === 0 ? name : ""}`.padEnd(indent)}${line}`),
  );
  const names = columns.map(({ name, width }) => name.padEnd(width)).join("  ");
  return ["Each line is one moment. Its columns:", ...legend, "", names.trimEnd()].join("\n");
}

export function traceLine(simulation: Simulation, moment: Moment): string {
  return columns
    .map(({ width, value }) => value(simulation, moment).padEnd(width))
    .join("  ")
    .trimEnd();
}
