/** What a run came to, as JSON and as lines to read. */
import { rounded } from "./figures.ts";
import type { DurationSummary, Spread } from "./figures.ts";
import type { Fleet } from "./fleet.ts";
import type { Scenario } from "./scenarios.ts";
import type { FleetRun } from "./options.ts";

export interface Result {
  readonly run: Omit<FleetRun, "costs" | "usage">;
  readonly what: string;
  readonly violations: readonly string[];
  readonly violated: number;
  readonly lost: number;
  readonly exchanges: {
    readonly total: number;
    /** Of what it would take to refresh every token whenever it ends, percent. */
    readonly shareOfExpiries: number;
    readonly interactive: number;
    readonly ahead: number;
    readonly keepAlive: number;
    /** Percent of them whose token nobody was given. */
    readonly unused: number;
    readonly repeated: number;
    readonly takeOvers: number;
    readonly late: number;
    readonly perSecond: Spread;
  };
  readonly requests: { readonly perSecond: Spread; readonly overQuota: number; readonly idlePermits: number };
  readonly callers: {
    readonly uses: number;
    /** Percent. */
    readonly fromMemory: number;
    readonly waited: DurationSummary;
    readonly deferred: number;
    readonly gaveUp: number;
    readonly waitedTooLong: number;
  };
  readonly queues: {
    readonly gates: Spread;
    readonly database: Spread;
    readonly callers: Spread;
    readonly oldestMs: Spread;
  };
  readonly database: {
    readonly writes: Spread;
    readonly transactions: Spread;
    readonly reads: Spread;
    /** Percent of all cores. */
    readonly cpu: Spread;
    readonly writeMs: DurationSummary;
    readonly attempts: Spread;
  };
  /** Percent of all grants that were used in each hour. */
  readonly usedByHour: readonly number[];
  readonly bytesAGrant: number;
  readonly residentMb: number;
  readonly cpuSeconds: number;
}

export function resultOf(run: FleetRun, { what }: Scenario, fleet: Fleet, took: { cpuSeconds: number }): Result {
  const { model } = fleet;
  const { counts, provider, database, grants, checks, calendar } = model;
  const { costs, usage: _, ...named } = run;
  const total = counts.exchanges.total;
  const uses = counts.uses.total;
  const percent = (part: number, of: number): number => rounded((100 * part) / Math.max(1, of));
  const hours = Array.from({ length: Math.ceil(run.hours) }, (_, hour) => hour);
  const cpu = database.cpu.spread();
  const ofCores = (ms: number): number => percent(ms, 1_000 * costs.cores);
  return {
    run: named,
    what,
    violations: checks.violations,
    violated: checks.count,
    lost: checks.lostGrants,
    exchanges: {
      total,
      shareOfExpiries: percent(total, run.grants * run.hours),
      interactive: counts.interactive,
      ahead: counts.ahead,
      keepAlive: counts.keepAlive,
      unused: percent(counts.unused, total),
      repeated: counts.repeated,
      takeOvers: counts.takeOvers,
      late: counts.late,
      perSecond: counts.exchanges.spread(),
    },
    requests: {
      perSecond: provider.requests.spread(),
      overQuota: provider.overQuota.total,
      idlePermits: counts.idlePermits,
    },
    callers: {
      uses,
      fromMemory: percent(counts.fromMemory.total, uses),
      waited: counts.waited.summary(),
      deferred: counts.deferred,
      gaveUp: counts.gaveUp,
      waitedTooLong: counts.waitedTooLong,
    },
    queues: {
      gates: counts.gateQueue.spread(),
      database: database.queue.spread(),
      callers: counts.waiters.spread(),
      oldestMs: counts.oldestWaiting.spread(),
    },
    database: {
      writes: database.writes.spread(),
      transactions: database.transactions.spread(),
      reads: database.reads.spread(),
      cpu: { p50: ofCores(cpu.p50), p99: ofCores(cpu.p99), peak: ofCores(cpu.peak), peakAt: cpu.peakAt },
      writeMs: database.writeTook.summary(),
      attempts: counts.attemptsOpen.spread(),
    },
    usedByHour: hours.map((hour) => {
      let used = 0;
      for (let second = 0; second < 3_600; second += 1) used += counts.used.at(hour * 3_600 + second);
      return percent(used, run.grants);
    }),
    bytesAGrant: rounded((grants.bytes + calendar.bytes) / run.grants),
    residentMb: Math.round(process.memoryUsage.rss() / 1e6),
    cpuSeconds: rounded(took.cpuSeconds),
  };
}

const spreadText = ({ p50, p99, peak }: Spread): string => `${p50} / ${p99} / ${peak}`;

/** A run in lines. */
export function linesOf(result: Result): string[] {
  const { exchanges, requests, callers, queues, database } = result;
  const { waited } = callers;
  return [
    `${result.run.scenario}: ${result.what}; ${result.run.grants} grants, ${result.run.hours} h, seed ${result.run.seed}`,
    `  exchanges ${exchanges.total}, ${exchanges.shareOfExpiries} % of all expiries: for callers ${exchanges.interactive}, ` +
      `ahead ${exchanges.ahead}, keep-alive ${exchanges.keepAlive}; ${exchanges.unused} % for nobody`,
    `  a second, p50 / p99 / peak: exchanges ${spreadText(exchanges.perSecond)}, requests ${spreadText(requests.perSecond)}, ` +
      `over quota ${requests.overQuota}, permits that sent nothing ${requests.idlePermits}`,
    `  taken over ${exchanges.takeOvers}, repeated ${exchanges.repeated}, late ${exchanges.late}`,
    `  uses ${callers.uses}, ${callers.fromMemory} % from memory; waited ${waited.count}: p50 ${waited.p50} ms, p99 ${waited.p99} ms, ` +
      `longest ${waited.longest} ms; turned away ${callers.deferred}, gave up ${callers.gaveUp}, over 45 s ${callers.waitedTooLong}`,
    `  queues p50 / p99 / peak: gates ${spreadText(queues.gates)}, database ${spreadText(queues.database)}, callers ${spreadText(queues.callers)}, ` +
      `oldest ${spreadText(queues.oldestMs)} ms`,
    `  database a second: writes ${spreadText(database.writes)}, transactions ${spreadText(database.transactions)}, ` +
      `reads ${spreadText(database.reads)}, CPU ${spreadText(database.cpu)} %; a write p50 ${database.writeMs.p50} p99 ${database.writeMs.p99} ms; ` +
      `attempts open ${spreadText(database.attempts)}`,
    `  in use by hour, %: ${result.usedByHour.join(" ")}`,
    `  ${result.bytesAGrant} bytes a grant, ${result.residentMb} MB, ${result.cpuSeconds} s of CPU`,
    `  lost ${result.lost}, violations ${result.violated}${result.violations.map((each) => `\n    ${each}`).join("")}`,
  ];
}
