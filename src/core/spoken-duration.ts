const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * How long something took, as people say it: `less than a minute`, `1 hour`, `6.5 days`. Days have one decimal while it tells
 * something: a refresh token that lived 6.9 days and one that lived 7.5 died of different causes.
 *
 * @param ms milliseconds; what is below zero, since two clocks differ, counts as none
 * @returns `an unknown time` for what is no number, or has no end
 */
export function spokenDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "an unknown time";
  if (ms < minute) return "less than a minute";
  if (ms < hour) return counted(Math.floor(ms / minute), "minute");
  if (ms < 2 * day) return counted(Math.floor(ms / hour), "hour");
  const days = ms / day;
  if (days >= 730) return counted(Math.floor(days / 365.25), "year");
  return counted(days < 30 ? Math.round(days * 10) / 10 : Math.round(days), "day");
}

/** A number and its noun: `1 grant`, `2 grants`. */
export function counted(value: number, noun: string): string {
  return `${value} ${noun}${value === 1 ? "" : "s"}`;
}
