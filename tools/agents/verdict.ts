/** Whether a run has shown what the vault promises, and the report. Pure. */
import type { AgentsReport, Outcome } from "./run.ts";

/** What must not be; empty where all is well. */
export function violationsOf({ vault, lost, isQuiet }: AgentsReport): string[] {
  const extra = vault.early - vault.kills;
  return [
    ...(lost.length === 0 ? [] : [`grants lost: ${lost.join(", ")}`]),
    ...(vault.unauthorized === 0 ? [] : [`calls that failed for want of authorization: ${vault.unauthorized}`]),
    ...(vault.reused === 0 ? [] : [`used refresh tokens sent again: ${vault.reused}`]),
    ...(extra <= 0 ? [] : [`exchanges that neither an expiry nor a kill explains: ${extra}`]),
    ...(vault.calls > 0 && vault.exchanges > 0 ? [] : ["the agents did nothing"]),
    ...(isQuiet ? [] : ["agents or keepers were left behind"]),
  ];
}

export function table(report: AgentsReport): string {
  const { options, vault, files, lost } = report;
  const { store, agents, people, ttl, seconds, every, seed } = options;
  const rows: readonly (readonly [string, (outcome: Outcome) => string | number])[] = [
    ["calls of the tool", ({ calls }) => calls],
    ["kill -9", ({ kills }) => kills],
    ["exchanges", ({ exchanges }) => exchanges],
    ["  of tokens that were about to end, or had ended", ({ expiries }) => expiries],
    ["  of others", ({ early }) => early],
    ["used refresh tokens sent again", ({ reused }) => reused],
    ["grants that ended by that", ({ ended }) => ended],
    ["times that a person had to be asked again", ({ consents }) => consents],
    ["calls that failed for want of authorization", ({ unauthorized }) => unauthorized],
    ["calls whose tokens ended on their way, twice", ({ late }) => late],
    ["calls that failed otherwise", ({ failures }) => [...failures.values()].reduce((sum, each) => sum + each, 0)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const line = (name: string, ...values: readonly (string | number)[]): string =>
    `  ${name.padEnd(width)}  ${values.map((value) => String(value).padStart(8)).join("  ")}`;
  return [
    `${store}: 2 x ${agents} agents, ${people} people, tokens of ${ttl} s, two of each killed every ${every} s for ${seconds} s, seed ${seed}`,
    line("", "vault", "files"),
    ...rows.map(([name, value]) => line(name, value(vault), value(files))),
    line("grants lost in the end", lost.length, ""),
    ...[...vault.failures].map(([what, times]) => `    vault, ${times} times: ${what}`),
    ...[...files.failures].map(([what, times]) => `    files, ${times} times: ${what}`),
    ...violationsOf(report).map((violation) => `  VIOLATION: ${violation}`),
    "",
  ].join("\n");
}
