import { InvalidArgumentError, Option } from "commander";

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Ten years: longer is a mistyped number. */
const longestMs = 3_650 * 86_400_000;

/** A flag that takes a length of time, such as `90d`, `24h`, `30m` or `0s`. Its value is in milliseconds. */
export function durationOption(flags: string, says: string): Option {
  return new Option(flags, says).argParser((text) => {
    const [, digits = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
    const ms = Number(digits) * (unitsMs[unit] ?? Number.NaN);
    if (digits !== "" && ms <= longestMs) return ms;
    throw new InvalidArgumentError("it must be a number with s, m, h or d, such as 90d or 24h, and ten years at most");
  });
}
