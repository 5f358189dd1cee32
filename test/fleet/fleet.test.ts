/**
 * A fleet of 20 services in virtual time: small by default, and with `FLEET=full` at ten million grants over a day, in some
 * minutes for each scenario.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import type { Rotation } from "../../src/core/refresh.ts";
import { Calendar } from "../../tools/fleet/calendar.ts";
import { Durations } from "../../tools/fleet/figures.ts";
import { ordinaryRun } from "../../tools/fleet/options.ts";
import type { Result } from "../../tools/fleet/result.ts";
import { scenarios } from "../../tools/fleet/scenarios.ts";
import type { FleetRun } from "../../tools/fleet/options.ts";
import { ordinaryUsage } from "../../tools/fleet/usage.ts";

const isFull = process.env["FLEET"] === "full";
const timeout = isFull ? 10_800_000 : 300_000;
// The quota fits the number of grants, or a small fleet would never come near it.
const size = isFull ? {} : { grants: 10_000, hours: 2, quota: 100 };

async function run(scenario: string, options: Partial<FleetRun> = {}): Promise<Result> {
  const workerData: FleetRun = { ...ordinaryRun, ...size, scenario, seed: 20_261_126, ...options };
  const worker = new Worker(new URL("../../tools/fleet/worker.ts", import.meta.url), { workerData });
  const [result] = (await once(worker, "message")) as [Result];
  return result;
}

const small = { grants: 10_000, hours: 1, quota: 60 } as const;
/** So many refreshes at a time that some are under way when something breaks. */
const many = { grants: 100_000, services: 3, quota: 400, usage: { ...ordinaryUsage, steady: 0.5 } } as const;
const grace: Rotation = { graceSeconds: 60 };

describe("a fleet of 20 services over one database", { timeout }, () => {
  for (const scenario of Object.keys(scenarios)) {
    test(
      `${scenario}: no grant is lost, none is exchanged twice, and the provider's quota holds`,
      { timeout },
      async () => {
        const { violations, lost, exchanges, requests, callers, run: ran } = await run(scenario);
        assert.deepEqual(violations, []);
        assert.equal(lost, 0);
        assert.equal(requests.overQuota, 0);
        assert.ok(requests.perSecond.peak <= ran.quota, `${requests.perSecond.peak} requests in one second`);
        assert.ok(exchanges.total > ran.grants / 10, "a fleet that nobody uses would prove nothing");
        assert.ok(callers.waited.count > 0);
      },
    );
  }

  test("where tokens rotate with a grace, killed services and keepers cost no grant", { timeout }, async () => {
    const { violations, lost, exchanges } = await run("kills", {
      ...small,
      rotation: grace,
      grants: 200_000,
      quota: 400,
    });
    assert.deepEqual(violations, []);
    assert.equal(lost, 0);
    assert.ok(exchanges.takeOvers > 0, "attempts of the dead were taken over");
  });

  test("where each token works once, killed services cost no grant whose keeper lives", { timeout }, async () => {
    const { violations, lost } = await run("crashes", { ...small, rotation: "strict" });
    assert.deepEqual(violations, []);
    assert.equal(lost, 0);
  });
});

describe("a fleet whose protocol lacks a part", { timeout }, () => {
  test("without limits of exchanges a cold start is a storm", { timeout }, async () => {
    const whole = await run("cold", small);
    const broken = await run("cold", { ...small, broken: "bucket" });
    assert.equal(whole.requests.overQuota, 0);
    assert.ok(broken.requests.overQuota > 200, `${broken.requests.overQuota} requests were too many`);
    assert.ok(broken.callers.deferred > 10 * whole.callers.deferred);
  });

  test("without jitter all services refresh a token ahead in the same moment", { timeout }, async () => {
    const whole = await run("day", small);
    const broken = await run("day", { ...small, broken: "jitter" });
    const { idlePermits } = broken.requests;
    assert.ok(idlePermits > 5 * whole.requests.idlePermits, `${idlePermits} permits sent nothing`);
  });

  test("without the attempt that others see, tokens are exchanged twice and grants are lost", { timeout }, async () => {
    const { violations, lost } = await run("cold", { ...small, broken: "attempt", rotation: "strict" });
    assert.ok(violations.some((each) => each.includes("exchanged twice")));
    assert.ok(lost > 0);
  });

  test("without answers that outlive a database's absence, grants are lost", { timeout }, async () => {
    const { lost } = await run("failover", { ...small, ...many, broken: "durability", rotation: "strict" });
    assert.ok(lost > 0);
  });
});

test("a fleet's run takes the same course for the same seed", { timeout }, async () => {
  const without = (result: Result): string => JSON.stringify({ ...result, cpuSeconds: 0, residentMb: 0 });
  const [one, again, other] = [
    await run("kills", small),
    await run("kills", small),
    await run("kills", { ...small, seed: 5 }),
  ];
  assert.equal(without(one), without(again));
  assert.notEqual(without(one), without(other));
});

test("a calendar gives each event at its time, whatever the order in which they were added", async () => {
  const calendar = new Calendar(3, async () => undefined);
  const seen: number[] = [];
  const times = [2_500, 0, 999, 1_000, 1_001, 2_999, 500];
  times.forEach((at, index) => calendar.add(at, 1, index, at % 7));
  calendar.timer(1_000, () => calendar.add(1_000, 2, 99, 0));
  calendar.add(3_000, 1, 0, 0);
  await calendar.run(
    (kind, grant, detail) => {
      seen.push(calendar.now);
      if (kind === 1) assert.deepEqual([times[grant], (times[grant] ?? 0) % 7], [calendar.now, detail]);
    },
    () => undefined,
  );
  assert.deepEqual(
    seen,
    [...times, 1_000].sort((one, other) => one - other),
  );
  assert.equal(calendar.waiting, 0);
});

test("durations say within a tenth how long so large a share took", () => {
  const durations = new Durations();
  for (let ms = 1; ms <= 10_000; ms += 1) durations.add(ms);
  for (const share of [0.5, 0.9, 0.99]) {
    assert.ok(Math.abs(durations.at(share) / (10_000 * share) - 1) < 0.1, `${share}: ${durations.at(share)}`);
  }
  assert.equal(durations.summary().longest, 10_000);
});
