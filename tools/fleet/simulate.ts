/**
 * A fleet of services over one database and one provider, in virtual time. This is for scale: how many exchanges, how long
 * the queues, how large the peaks are. Whether the protocol is right in every order of events is what `tools/simulator`
 * shows, which runs its very code through crashes at every step; here its decisions and its gate run, over millions of
 * grants, and what they add up to is counted.
 */
import { defaultKeepAliveDays, keepAliveAt } from "../../src/core/keep-alive.ts";
import { seeded } from "../random.ts";
import { Calendar } from "./calendar.ts";
import { Checks } from "./checks.ts";
import { Database } from "./database.ts";
import { Fleet, slotOf } from "./fleet.ts";
import { Grants } from "./grants.ts";
import { SimulatedProvider } from "./provider.ts";
import type { FleetRun } from "./options.ts";
import { resultOf } from "./result.ts";
import type { Result } from "./result.ts";
import { everybodyComes, scenarios } from "./scenarios.ts";
import { Counts, tokenLifeMs } from "./model.ts";
import type { FleetModel } from "./model.ts";

/** How long after the last use a run goes on, so that all that is under way can end, seconds. */
const tailSeconds = 900;
/** When a scenario's trouble comes: at the busiest hour of the day, or half an hour into a shorter run, hours. */
const troubleAt = { day: 14, short: 0.5 };
const dayMs = 86_400_000;

/**
 * What part of the provider's quota the services share out among them. What leaves evenly arrives less evenly: with all of
 * it, some seconds would be over.
 */
const shareOfQuota = 0.9;

/** So many steps of promises end within one millisecond: more than the longest chain from a gate to its caller has. */
const promiseSteps = 12;

const done = Promise.resolve();

async function drain(): Promise<void> {
  for (let step = 0; step < promiseSteps; step += 1) await done;
}

export async function simulateFleet(run: FleetRun): Promise<Result> {
  const scenario = scenarios[run.scenario];
  if (scenario === undefined) throw new TypeError(`no scenario ${run.scenario}: ${Object.keys(scenarios).join(", ")}`);
  const seconds = Math.ceil(run.hours * 3_600) + tailSeconds;
  const calendar = new Calendar(seconds, drain);
  const grants = new Grants(run.grants);
  const checks = new Checks(() => calendar.now);
  const random = seeded(run.seed);
  const chance = seeded(run.seed ^ 0x5bd1e995);
  const each = Math.max(1, Math.floor((run.quota * shareOfQuota) / run.services));
  const unlimited = run.broken === "bucket" ? 1_000_000 : each;
  const providing = { rotation: run.rotation, quota: run.quota, seconds };
  const model: FleetModel = {
    calendar,
    grants,
    checks,
    random,
    database: new Database(calendar, run.costs, seconds),
    provider: new SimulatedProvider({ calendar, grants, checks }, seeded(run.seed + 1), providing),
    counts: new Counts(seconds),
    jitter: run.broken === "jitter" ? () => 0.5 : chance,
    rotation: run.rotation,
    rate: { perSecond: unlimited, burst: unlimited },
    tokensInMemory: run.tokensInMemory,
    broken: run.broken,
    attempts: new Map(),
    failures: new Map(),
    late: new Map(),
    nextAttempt: 1,
    ownerlessUntil: 0,
  };
  const isDay = run.hours >= 24;
  const fleet = new Fleet(model, {
    services: run.services,
    usage: run.usage,
    startHour: isDay ? 0 : 13,
    keepAliveDays: defaultKeepAliveDays,
    hintMs: run.hintMs,
    routing: run.routing,
  });
  const endMs = run.hours * 3_600_000;
  fill(fleet, model, run, endMs, scenario.isCold === true);
  scenario.begin(fleet, model, (isDay ? troubleAt.day : troubleAt.short) * 3_600_000, endMs);
  calendar.timer(endMs, () => (fleet.isUsed = false));
  const cpu = process.cpuUsage();
  await calendar.run(
    (kind, grant, detail) => fleet.handle(kind, grant, detail),
    () => fleet.second(Math.floor(calendar.now / 1_000)),
  );
  checks.atEnd(grants, model.late, (id) => model.attempts.get(id)?.owner.isWorkingOn(id) === true);
  const used = process.cpuUsage(cpu);
  return resultOf(run, scenario, fleet, { cpuSeconds: (used.user + used.system) / 1e6 });
}

/** How the grants stand when the run begins. */
function fill(fleet: Fleet, model: FleetModel, run: FleetRun, endMs: number, isCold: boolean): void {
  const { grants, random } = model;
  const steady = Math.floor(run.grants * run.usage.steady);
  const active = steady + Math.floor(run.grants * run.usage.active);
  for (let grant = 0; grant < run.grants; grant += 1) {
    if (grant < steady) grants.issuedAt[grant] = isCold ? -2 * tokenLifeMs : -random() * tokenLifeMs * 0.775;
    else if (grant < active) grants.issuedAt[grant] = -tokenLifeMs - random() * dayMs;
    else {
      // Anywhere in the time from one keep-alive to the next.
      const slot = slotOf(grant);
      const whole = keepAliveAt({ exchangedAt: 0, refreshExpiresAt: null }, defaultKeepAliveDays, slot);
      const issuedAt = -tokenLifeMs - random() * (whole - tokenLifeMs);
      grants.issuedAt[grant] = issuedAt;
      if (issuedAt + whole < endMs) fleet.idleUntil(grant, issuedAt + whole);
    }
  }
  if (isCold) everybodyComes(model, steady, active);
  fleet.beginSteadyUses(isCold ? 60_000 : run.usage.steadyGapMinutes * 60_000);
}
