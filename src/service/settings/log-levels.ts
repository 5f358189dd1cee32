/** How much is logged: one level, and others for parts of the log by their names. */

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** The parts of the log that may have a level of their own. docs/operations.md says which events each has. */
export const logNames = [
  "codes",
  "refresh",
  "providers",
  "revoke",
  "signals",
  "webhooks",
  "keys",
  "audit",
  "store",
] as const;
export type LogName = (typeof logNames)[number];

export interface LogLevels {
  /** Of everything that has none of its own. */
  readonly level: LogLevel;
  readonly ofNames: Partial<Readonly<Record<LogName, LogLevel>>>;
}

/**
 * Reads `info,webhooks=debug,codes=warn`. The level without a name may be left out.
 *
 * @param variable what problems call the setting
 */
export function readLogLevels(text: string, variable: string, problems: string[]): LogLevels {
  let level: LogLevel | undefined;
  const ofNames: Partial<Record<LogName, LogLevel>> = {};
  for (const part of text.split(",")) {
    const [first = "", second, ...more] = part.split("=").map((word) => word.trim());
    const given = logLevels.find((known) => known === (second ?? first));
    const name = logNames.find((known) => known === first);
    if (given === undefined || more.length > 0) {
      problems.push(`${variable} must be one of ${logLevels.join(", ")}, and such as webhooks=debug after a comma`);
    } else if (second === undefined) {
      if (level !== undefined) problems.push(`${variable} must have one level without a name`);
      level = given;
    } else if (name === undefined) {
      problems.push(`${variable} must name parts of the log: ${logNames.join(", ")}`);
    } else if (ofNames[name] !== undefined) problems.push(`${variable} must name ${name} once`);
    else ofNames[name] = given;
  }
  return { level: level ?? "info", ofNames };
}
