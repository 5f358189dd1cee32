/**
 * What of an error may be told to a log or a terminal. An error's message and properties may repeat what somebody sent:
 * `new URL` keeps its whole input, `JSON.parse` quotes it. So an error's name, code and stack are told, which are of our
 * making, and never its message.
 */
import { defined } from "./defined.ts";
import { isOnbehalfError } from "./errors.ts";

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
