/** `npm run chaos`: kills and stops services on purpose, and reports what became of the grants. */
import { randomInt } from "node:crypto";
import { readOptions, usage } from "./options.ts";
import type { ChaosOptions } from "./options.ts";
import { runChaos } from "./run.ts";
import { table } from "./table.ts";
import { judge } from "./verdict.ts";

function optionsOrUsage(): ChaosOptions {
  try {
    return readOptions(process.argv.slice(2), randomInt(2 ** 31));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    process.exit(2);
  }
}

const options = optionsOrUsage();
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupted.abort());
const begun = performance.now();
const evidence = await runChaos(options, interrupted.signal, (line) => process.stderr.write(`${line}\n`));
const verdict = judge(evidence);
const lost = verdict.losses.filter(({ inFlight }) => !inFlight).map(({ email }) => email);
for (const email of new Set([...lost, ...verdict.unexplained])) {
  const last = evidence.exchanges.filter(({ grant }) => grant === email).slice(-8);
  const since = Date.parse(last[0]?.at ?? "");
  const lines = [
    ...last,
    ...evidence.lapses.filter((lapse) => lapse.email === email),
    ...evidence.injectedFaults.filter(({ at }) => at >= since),
  ];
  process.stderr.write(`${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
}
process.stdout.write(table(evidence, verdict, (performance.now() - begun) / 60_000));
process.exitCode = verdict.violations.length === 0 ? 0 : 1;
