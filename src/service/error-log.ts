/**
 * The one place that says what of an error may be logged, and how often. An error's message and properties may repeat
 * what somebody sent: `new URL` keeps its whole input, `JSON.parse` quotes it. So a log has an error's name, code and
 * stack, which are of our making, and never its message.
 */
import type { Logger } from "pino";
import { systemClock } from "../core/clock.ts";
import type { Clock } from "../core/clock.ts";
import { defined } from "../core/defined.ts";
import { isOnbehalfError } from "../index.ts";
import type { OnFault } from "../index.ts";

/** What may be logged of an error. */
export interface LoggedError {
  readonly name: string;
  readonly code?: string;
  readonly syscall?: string;
  /** Only of an `OnbehalfError`, whose message never holds a secret. */
  readonly message?: string;
  /** Where it was thrown: the frames, without the message that stands before them. */
  readonly stack?: string;
  readonly cause?: LoggedError;
}

const deepestCause = 4;

/**
 * What may be logged of an error, and of what caused it.
 *
 * @param error anything that was caught
 */
export function loggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { name: typeof error };
  const { code, syscall } = error as NodeJS.ErrnoException;
  return {
    name: wordOf(error.name) ?? "Error",
    ...defined({
      code: isOnbehalfError(error) ? error.code : wordOf(code),
      syscall: typeof syscall === "string" && /^[a-z]{2,16}$/.test(syscall) ? syscall : undefined,
      message: isOnbehalfError(error) ? printable(error.message) : undefined,
      stack: framesOf(error),
      cause: error.cause === undefined || depth === deepestCause ? undefined : loggedError(error.cause, depth + 1),
    }),
  };
}

/** One of the words that Node and libraries give errors: a code in capitals, or the name of a class. */
function wordOf(value: unknown): string | undefined {
  return typeof value === "string" &&
    /^(?:[A-Z][A-Z0-9_]{1,40}|[A-Z][A-Za-z]{1,40}(?:Error|Exception)|Error)$/.test(value)
    ? value
    : undefined;
}

/** A frame of our own code, of a package, or of Node. */
const frame =
  /^ {4}at (?:(?:async |new )*[\w.$#<>[\] ]{1,120} \()?(?:file:\/\/\/|node:|\/)[\w@%.\-/+:]{1,300}:\d+:\d+\)?$/;

function framesOf({ stack = "", message, name }: Error): string | undefined {
  if (typeof stack !== "string") return undefined;
  // The message may have lines that look like frames.
  const at = message === "" ? -1 : stack.indexOf(message);
  const frames = (at < 0 ? stack : stack.slice(at + message.length)).split("\n").filter((line) => frame.test(line));
  return frames.length === 0 ? undefined : [wordOf(name) ?? "Error", ...frames.slice(0, 20)].join("\n");
}

function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\uFFFD").slice(0, 1_000);
}

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
  return (error, during) => {
    const omitted = admit(during);
    if (omitted === undefined) return;
    logger.error({ error: loggedError(error), during, ...(omitted === 0 ? {} : { omitted }) }, "fault");
  };
}
