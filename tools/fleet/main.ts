/**
 * `npm run fleet`: a fleet of services over a day, in virtual time. `--scenario day,deploy,…` (all of them by default),
 * `--grants N`, `--hours N`, `--seed N`, `--rotation none|strict|grace:SECONDS`, `--quota N` exchanges a second,
 * `--routing any|by-grant`, `--break jitter|bucket|attempt|durability`. `--write` keeps the
 * results in `tools/fleet/results/`; without a scenario it runs all that `docs/scale.md` shows.
 */
import { parseArgs } from "node:util";
import { defined } from "../../src/core/defined.ts";
import type { Rotation } from "../../src/core/refresh.ts";
import { keepResult } from "./kept-results.ts";
import { ordinaryRun, publishedRuns } from "./options.ts";
import type { FleetRun } from "./options.ts";
import { linesOf } from "./result.ts";
import { scenarios } from "./scenarios.ts";
import { simulateFleet } from "./simulate.ts";
import type { Broken } from "./model.ts";

const { values } = parseArgs({
  options: {
    scenario: { type: "string" },
    grants: { type: "string", default: String(ordinaryRun.grants) },
    hours: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    rotation: { type: "string" },
    quota: { type: "string", default: String(ordinaryRun.quota) },
    memory: { type: "string" },
    routing: { type: "string" },
    break: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

const named = { grants: Number(values.grants), seed: Number(values.seed), quota: Number(values.quota) };
const asked: Partial<FleetRun> = defined({
  hours: values.hours === undefined ? undefined : Number(values.hours),
  rotation: values.rotation === undefined ? undefined : rotationOf(values.rotation),
  routing: values.routing === "by-grant" ? ("by-grant" as const) : undefined,
  tokensInMemory: values.memory === undefined ? undefined : Number(values.memory),
  broken: values.break as Broken | undefined,
});
const scenarioNames = (values.scenario ?? Object.keys(scenarios).join(",")).split(",");
const runs =
  values.write && values.scenario === undefined ? publishedRuns : scenarioNames.map((scenario) => ({ scenario }));

let violated = 0;
for (const run of runs) {
  const result = await simulateFleet({ ...ordinaryRun, ...named, ...run, ...asked });
  violated += result.violated;
  if (values.write) keepResult(result);
  process.stdout.write(`${linesOf(result).join("\n")}\n`);
}
process.exit(violated > 0 ? 1 : 0);

function rotationOf(text: string): Rotation {
  if (text === "none" || text === "strict") return text;
  return { graceSeconds: Number(text.replace("grace:", "")) };
}
