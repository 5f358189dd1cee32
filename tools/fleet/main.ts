/**
 * `npm run fleet`: a fleet of services over a day, in virtual time. `--scenario day,deploy,…` (all of them by default),
 * `--grants N`, `--hours N`, `--seed N`, `--rotation none|strict|grace:SECONDS`, `--quota N` exchanges a second,
 * `--routing any|by-grant`, `--break jitter|bucket|attempt|durability`. `--write` keeps the
 * results in `tools/fleet/results/`, of which `docs/scale.md` is made.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Rotation } from "../../src/core/refresh.ts";
import { ordinaryRun } from "./options.ts";
import { linesOf } from "./result.ts";
import type { Result } from "./result.ts";
import { scenarios } from "./scenarios.ts";
import { simulateFleet } from "./simulate.ts";
import type { Broken } from "./world.ts";

const { values } = parseArgs({
  options: {
    scenario: { type: "string", default: Object.keys(scenarios).join(",") },
    grants: { type: "string", default: String(ordinaryRun.grants) },
    hours: { type: "string", default: String(ordinaryRun.hours) },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    rotation: { type: "string", default: "none" },
    quota: { type: "string", default: String(ordinaryRun.quota) },
    memory: { type: "string", default: String(ordinaryRun.tokensInMemory) },
    routing: { type: "string", default: ordinaryRun.routing },
    break: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

const results: Result[] = [];
for (const scenario of values.scenario.split(",")) {
  const result = await simulateFleet({
    ...ordinaryRun,
    scenario,
    grants: Number(values.grants),
    hours: Number(values.hours),
    seed: Number(values.seed),
    rotation: rotationOf(values.rotation),
    quota: Number(values.quota),
    tokensInMemory: Number(values.memory),
    routing: values.routing === "by-grant" ? "by-grant" : "any",
    broken: values.break as Broken | undefined,
  });
  results.push(result);
  if (values.write) keep(result);
  process.stdout.write(`${linesOf(result).join("\n")}\n`);
}
process.exit(results.some(({ violated }) => violated > 0) ? 1 : 0);

function keep(result: Result): void {
  const { scenario, rotation } = result.run;
  const name = rotation === "none" ? scenario : `${scenario}-${rotation === "strict" ? rotation : "grace"}`;
  writeFileSync(new URL(`results/${name}.json`, import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
}

function rotationOf(text: string): Rotation {
  if (text === "none" || text === "strict") return text;
  return { graceSeconds: Number(text.replace("grace:", "")) };
}
