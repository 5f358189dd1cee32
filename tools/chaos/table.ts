import type { Evidence, Verdict } from "./verdict.ts";

/** A run's figures, for people. */
export function table({ options, readings }: Evidence, verdict: Verdict, minutes: number): string {
  const { store, rotation, kill, keeper, pause, services, grants, seed } = options;
  const inFlight = verdict.losses.filter(({ inFlight }) => inFlight).length;
  const rows: readonly (readonly [string, string | number])[] = [
    ["kills of services, of keepers", `${verdict.kills.services}, ${verdict.kills.keepers}`],
    ["pauses", verdict.pauses],
    ["tokens served", readings.tokens],
    ["told to come back", total(readings.refused)],
    ["exchanges", verdict.exchanges],
    ["exchanges per expiry", (verdict.exchanges / Math.max(1, verdict.commits)).toFixed(3)],
    ["used tokens presented again", verdict.reused],
    ["grants lost", verdict.losses.length],
    ["  of these, in flight at a kill", inFlight],
    ["  and flagged after, at most", `${longest(verdict)} s`],
    ["healthy grants flagged", verdict.healthyFlagged],
    ["silent", verdict.silent],
    ["tokens that the API refused", verdict.worthless],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    `${store}, rotation ${rotation}, keeper ${keeper}, kill ${kill}, pause ${pause} s: ${services} services, ` +
      `${grants} grants, ${minutes.toFixed(1)} minutes, seed ${seed}`,
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    ...[...readings.refused].map(([error, times]) => `    ${error}: ${times}`),
    ...verdict.faults.map((fault) => `  FAULT: ${fault}`),
    conclusion(verdict),
    "",
  ].join("\n");
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, each) => sum + each, 0);
}

function longest({ losses }: Verdict): string {
  return (Math.max(0, ...losses.map(({ flaggedAfterMs }) => flaggedAfterMs)) / 1000).toFixed(1);
}

function conclusion({ losses, faults }: Verdict): string {
  if (faults.length > 0) return `${faults.length} faults`;
  return losses.length === 0 ? "nothing was lost" : "nothing was lost but what was in flight, and that is flagged";
}
