/** The report of a run, as text. */
import type { Evidence, Verdict } from "./verdict.ts";

export function table(evidence: Evidence, verdict: Verdict, minutes: number): string {
  const { options, readings, audit } = evidence;
  const { store, rotation, kill, keeper, pause, services, grants, seed } = options;
  const second = evidence.grants.filter(({ provider }) => provider === "plain");
  const isSecond = ({ email }: { readonly email: string }): boolean => second.some((grant) => grant.email === email);
  const inFlight = verdict.losses.filter(({ inFlight }) => inFlight).length;
  const rows: readonly (readonly [string, string | number])[] = [
    ["kills of services, of keepers", `${verdict.kills.services}, ${verdict.kills.keepers}`],
    ["pauses", verdict.pauses],
    ["tokens served", readings.tokens],
    ["different tokens, and those without a record", `${distinct(readings)}, ${audit.unrecorded}`],
    ["rows in the audit log", audit.rows],
    ["requests told to try again", total(readings.refused)],
    ["exchanges", verdict.exchanges],
    ["exchanges per expiry", (verdict.exchanges / Math.max(1, verdict.commits)).toFixed(3)],
    ["used refresh tokens sent again", verdict.reused],
    ["grants at a strict provider without ID tokens", second.length],
    ["  exchanges there", evidence.exchanges.filter(({ grant = "" }) => isSecond({ email: grant })).length],
    ["grants lost", verdict.losses.length],
    ["  of these, in flight at a kill", inFlight],
    ["  of these, at the strict provider without ID tokens", verdict.losses.filter(isSecond).length],
    ["  longest time until flagged", `${longest(verdict)} s`],
    ["healthy grants flagged", verdict.healthyFlagged],
    ["grants or requests without answer", verdict.silent],
    ["grants with a token the API refused", verdict.refusedByApi],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    `${store}, rotation ${rotation}, keeper ${keeper}, kill ${kill}, pause ${pause} s: ${services} services, ` +
      `${grants} grants, ${minutes.toFixed(1)} minutes, seed ${seed}`,
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    ...[...readings.refused].map(([error, times]) => `    ${error}: ${times}`),
    ...verdict.violations.map((violation) => `  VIOLATION: ${violation}`),
    conclusion(verdict),
    "",
  ].join("\n");
}

function distinct({ given }: Evidence["readings"]): number {
  return [...given.values()].reduce((sum, tokens) => sum + tokens.size, 0);
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, each) => sum + each, 0);
}

function longest({ losses }: Verdict): string {
  return (Math.max(0, ...losses.map(({ flaggedAfterMs }) => flaggedAfterMs)) / 1000).toFixed(1);
}

function conclusion({ losses, violations }: Verdict): string {
  if (violations.length > 0) return `${violations.length} violations`;
  return losses.length === 0
    ? "nothing was lost"
    : "nothing was lost but what was in flight at a kill, and each such grant says so";
}
