/** Short runs of `npm run chaos`, one of each kind, with a fixed seed. CONTRIBUTING.md names the long ones. */
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
  "services without keepers are killed, and tokens do not rotate": { rotation: "none", keeper: "none" },
  "services without keepers are killed, and tokens rotate with a grace period": { rotation: "grace", keeper: "none" },
  "services are killed, and tokens rotate strictly": { rotation: "strict" },
  "services and keepers are killed, and tokens rotate strictly": { rotation: "strict", kill: "all" },
  "processes are stopped, and tokens rotate strictly": { rotation: "strict", kill: "none", pause: 2, services: 3 },
  "services on PostgreSQL are killed, and tokens rotate strictly": { rotation: "strict", store: "postgres" },
};

for (const [name, options] of Object.entries(runs)) {
  test(
    `no grant is lost where ${name}`,
    { skip: process.platform === "linux" ? false : "it reads /proc" },
    async () => {
      const evidence = await runChaos({ ...small, ...options });
      const verdict = judge(evidence);
      const report = table(evidence, verdict, small.minutes);
      assert.deepEqual(verdict.violations, [], report);
      assert.ok(evidence.injectedFaults.length > 0 && verdict.exchanges > 0 && evidence.readings.tokens > 0, report);
    },
  );
}
