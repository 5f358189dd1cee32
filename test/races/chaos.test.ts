/** A small `npm run chaos` of each kind, with a fixed seed. Long ones are for people: see CONTRIBUTING.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaults } from "../../tools/chaos/options.ts";
import type { ChaosOptions } from "../../tools/chaos/options.ts";
import { runChaos } from "../../tools/chaos/run.ts";
import { table } from "../../tools/chaos/table.ts";
import { judge } from "../../tools/chaos/verdict.ts";

const small: ChaosOptions = {
  ...defaults,
  minutes: 0.12,
  services: 2,
  grants: 12,
  ttl: 2,
  latency: 300,
  seed: 20_261_122,
};

const runs: Readonly<Record<string, Partial<ChaosOptions>>> = {
  "services without keepers are killed, tokens do not rotate": { rotation: "none", keeper: "none" },
  "services without keepers are killed, tokens rotate with a grace period": { rotation: "grace", keeper: "none" },
  "services are killed, tokens rotate strictly": { rotation: "strict" },
  "services and keepers are killed, tokens rotate strictly": { rotation: "strict", kill: "all" },
  "processes are stopped, tokens rotate strictly": { rotation: "strict", kill: "none", pause: 2, services: 3 },
  "services are killed, tokens rotate strictly, on PostgreSQL": { rotation: "strict", store: "postgres" },
};

for (const [name, options] of Object.entries(runs)) {
  test(`${name}: nothing is lost`, { skip: process.platform === "linux" ? false : "it reads /proc" }, async () => {
    const evidence = await runChaos({ ...small, ...options });
    const verdict = judge(evidence);
    const story = table(evidence, verdict, small.minutes);
    assert.deepEqual(verdict.faults, [], story);
    assert.ok(evidence.blows.length > 0 && verdict.exchanges > 0 && evidence.readings.tokens > 0, story);
  });
}
