/**
 * `npm run simulate`: runs the refresh protocol through random schedules of two and three processes, with crashes,
 * pauses, lost messages and store failures at every step. `--schedules N --seed N` says how many and which;
 * `--trace SEED` shows one schedule, moment by moment.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { simulate } from "./simulate.ts";
import { traceHead } from "./trace.ts";
import type { Tally } from "./worker.ts";

const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    workers: { type: "string", default: String(availableParallelism()) },
    trace: { type: "string" },
  },
});

if (values.trace !== undefined) {
  const lines = [traceHead()];
  const result = await simulate(Number(values.trace), (line) => lines.push(line));
  process.stdout.write(`${lines.join("\n")}\n${JSON.stringify(result, null, 2)}\n`);
  process.exit(result.violations.length > 0 ? 1 : 0);
}

const schedules = Number(values.schedules);
const seed = Number(values.seed);
const workers = Number(values.workers);
process.stdout.write(`seed ${seed}, ${schedules} schedules\n`);

const share = Math.ceil(schedules / workers);
const tallies = await Promise.all(
  Array.from({ length: workers }, (_, index) =>
    runWorker(seed + index * share, Math.min(share, schedules - index * share)),
  ),
);
const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, each) => total + of(each), 0);
for (const { seed: violating, rotation, violations } of tallies.flatMap(({ examples }) => examples)) {
  process.stdout.write(`seed ${violating} (${JSON.stringify(rotation)}): ${violations.join("; ")}\n`);
}
process.stdout.write(
  `${schedules} schedules, ${sum(({ steps }) => steps)} steps: served ${sum(({ ends }) => ends.served)}, ` +
    `lapsed with a reason ${sum(({ ends }) => ends.lapsed)}, revoked ${sum(({ ends }) => ends.revoked)}, unsettled ${sum(({ ends }) => ends.unsettled)}; ` +
    `${sum(({ restored }) => restored)} with a restored backup; ` +
    `${sum(({ violated }) => violated)} with violations\n`,
);
process.exit(sum(({ violated }) => violated) > 0 ? 1 : 0);

function runWorker(first: number, count: number): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: { first, count } });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}
