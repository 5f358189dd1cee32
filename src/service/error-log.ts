/** The one place that says how unexpected errors are logged, and how often. */
import type { Logger } from "pino";
import { systemClock } from "../core/clock.ts";
import type { Clock } from "../core/clock.ts";
import { loggedError } from "../core/logged-error.ts";
import type { OnFault } from "../index.ts";

/** How many lines of one kind a log takes within a minute. */
const linesEachMinute = 60;

/**
 * Lets through so many lines of a kind each minute, and counts the others. Somebody without a key could otherwise fill
 * the disk, or hide one line among a million.
 *
 * @param now milliseconds since the epoch
 * @returns for each kind: undefined where the line is to be left out; otherwise how many were left out before it
 */
export function lineLimit(now: () => number): (kind: string) => number | undefined {
  const kinds = new Map<string, { since: number; lines: number; omitted: number }>();
  return (kind) => {
    const at = now();
    let state = kinds.get(kind);
    if (state === undefined) {
      // Kinds are few: types of events and parts of the program. More than this would be a fault of ours.
      if (kinds.size >= 1_000) kinds.clear();
      state = { since: at, lines: 0, omitted: 0 };
      kinds.set(kind, state);
    }
    if (at - state.since >= 60_000 || at < state.since) Object.assign(state, { since: at, lines: 0 });
    if (state.lines >= linesEachMinute) {
      state.omitted += 1;
      return undefined;
    }
    state.lines += 1;
    const { omitted } = state;
    state.omitted = 0;
    return omitted;
  };
}

/**
 * A listener that writes unexpected errors to a log: what each is and where, never what it says.
 *
 * @param clock default: the machine's own
 * @returns for the `onFault` of `openVault` and `startServer`
 */
export function faultLogger(logger: Logger, clock: Clock = systemClock): OnFault {
  const admit = lineLimit(() => clock.now());
  return (error, during, about) => {
    const omitted = admit(during);
    if (omitted === undefined) return;
    logger.error({ error: loggedError(error), during, ...about, ...(omitted === 0 ? {} : { omitted }) }, "fault");
  };
}
