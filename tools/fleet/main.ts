/**
 * `npm run fleet`: a fleet of services over a day, in virtual time. `--scenario day,deploy,…` (all of them by default),
 * `--grants N`, `--hours N`, `--seed N`, `--rotation none|strict|grace:SECONDS`, `--quota N` exchanges a second,
 * `--routing any|by-grant`, `--break jitter|bucket|attempt|durability`, `--json FILE`.
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
    json: { type: "string" },
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
  process.stdout.write(`${linesOf(result).join("\n")}\n`);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
process.exit(results.some(({ violated }) => violated > 0) ? 1 : 0);

function rotationOf(text: string): Rotation {
  if (text === "none" || text === "strict") return text;
  return { graceSeconds: Number(text.replace("grace:", "")) };
}
