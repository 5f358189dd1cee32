import { BadInput, either, number, oneOf, read, stringMap, text, whole, yesNo } from "../input-checks.ts";
import type { Check, Spelling } from "../input-checks.ts";
import type { Reply } from "./messages.ts";

/** How the next answers to a path go wrong. A fault without a member that shapes the answer delays, slows or cuts ours. */
export interface Fault {
  /** How many requests it meets. Default 1. `"always"`: all of them, until the faults are cleared. */
  times?: number | "always";
  /** `request` (the default): the stand-in does not act. `answer`: it acts, and only its answer is lost or spoiled. */
  after?: "request" | "answer";
  /** Wait this long first, in milliseconds of real time, at most 600,000. Default 0. */
  delayMs?: number;
  /** Close the connection: true, before the first byte; `midway`, in the middle of the body. Default false. */
  drop?: boolean | "midway";
  /** The HTTP status, 200 to 599. */
  status?: number;
  /** The body: a string is sent as it is, anything else as JSON. */
  body?: unknown;
  /** Default: that of the body. */
  contentType?: string;
  /** Headers to add to the answer. */
  headers?: Record<string, string>;
  /** `Retry-After`: seconds, or an HTTP date. */
  retryAfter?: number | string;
  /** Google's reason in an API error, such as `rateLimitExceeded`. The status is then 403 unless it is given. */
  reason?: string;
  /** Send a page instead of JSON, as a proxy or a captive portal does. The status is then 502 unless it is given. */
  html?: boolean;
  /** Send JSON that breaks off in the middle. */
  invalidJson?: boolean;
  /** Send a token answer without `access_token`. */
  noToken?: boolean;
  /** Redirect to this address. The status is then 302 unless it is given. */
  location?: string;
  /** Send a body of this many bytes. */
  hugeBytes?: number;
  /** Send the body in small pieces, with this many milliseconds between them. */
  dripMs?: number;
}

const shape = {
  times: either(whole(1), oneOf("always")),
  after: oneOf("request", "answer"),
  delayMs: number(0, 600_000),
  drop: either(yesNo, oneOf("midway")),
  status: whole(200, 599),
  body: (value: unknown) => value,
  contentType: text,
  headers: stringMap,
  retryAfter: either(number(0), text),
  reason: text,
  html: yesNo,
  invalidJson: yesNo,
  noToken: yesNo,
  location: text,
  hugeBytes: whole(1, 1_073_741_824),
  dripMs: number(1, 60_000),
};

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** A method in any case. A HEAD is answered as a GET, and meets the faults of one. */
const method: Check<string> = (value, name) => {
  if (typeof value === "string" && methods.includes(value.toUpperCase())) return value;
  throw new BadInput(`${name} must be one of ${methods.join(", ")}`);
};

/** A path as requests have it: one without the slash would fit none, and the fault would wait for ever. */
const path: Check<string> = (value, name) => {
  if (typeof value === "string" && /^\/[^?#]*$/.test(value)) return value;
  throw new BadInput(`${name} must be a path such as "/token", with a slash at its start and no query`);
};

const place = { method, path };

/** A fault and the requests it waits for. */
export interface PlacedFault extends Fault {
  /** Default: any method. */
  method?: string;
  /** A path of the stand-in; a `*` at the end stands for any rest. */
  path: string;
}

/**
 * Reads a fault.
 *
 * @throws {BadInput} naming the member that is unknown or wrong
 */
export function readFault(input: unknown, spelling: Spelling): Fault {
  return read(input, shape, spelling);
}

/**
 * Reads the requests that a fault waits for.
 *
 * @throws {BadInput} where there is no such method, or the path is none
 */
export function readPlace(input: unknown, spelling: Spelling): Pick<PlacedFault, "method" | "path"> {
  return read(input, place, spelling, ["path"]);
}

/**
 * Reads a fault with the requests that it waits for. Default path: `/token`.
 *
 * @throws {BadInput} naming the member that is unknown or wrong
 */
export function readPlacedFault(input: unknown, spelling: Spelling): PlacedFault {
  const { path: at = "/token", ...rest } = read(input, { ...shape, ...place }, spelling);
  return { ...rest, path: at };
}

const shaping = ["status", "body", "reason", "html", "invalidJson", "noToken", "location", "hugeBytes"] as const;

/** Whether a fault has an answer of its own. One without delays, slows or cuts the answer of the stand-in. */
export function hasAnswer(fault: Fault): boolean {
  return shaping.some((member) => fault[member] !== undefined);
}

/** The answer of a fault that has one. */
export function faultReply(fault: Fault): Reply {
  const { type, body, status } = content(fault);
  const headers: Record<string, string> = { "content-type": fault.contentType ?? type };
  if (fault.retryAfter !== undefined) headers["retry-after"] = String(fault.retryAfter);
  if (fault.location !== undefined) headers["location"] = fault.location;
  return { status: fault.status ?? status, headers: { ...headers, ...fault.headers }, body };
}

const jsonType = "application/json; charset=utf-8";
const page =
  "<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1><p>The upstream did not answer.</p>\n";

function content(fault: Fault): { type: string; body: string; status: number } {
  if (fault.body !== undefined) {
    const body = typeof fault.body === "string" ? fault.body : JSON.stringify(fault.body);
    return { type: jsonType, body, status: 200 };
  }
  if (fault.html === true) return { type: "text/html; charset=utf-8", body: page, status: 502 };
  if (fault.invalidJson === true) return { type: jsonType, body: '{"access_token": "ya29.a0brok', status: 200 };
  if (fault.noToken === true) return { type: jsonType, body: '{"token_type":"Bearer","expires_in":3599}', status: 200 };
  if (fault.location !== undefined) return { type: "text/plain", body: "", status: 302 };
  if (fault.hugeBytes !== undefined) return { type: jsonType, body: "", status: 200 };
  const status = fault.status ?? (fault.reason === undefined ? 500 : 403);
  return { type: jsonType, body: JSON.stringify(apiError(status, fault.reason)), status };
}

function apiError(status: number, reason = status === 429 ? "rateLimitExceeded" : "backendError"): unknown {
  const message = status === 429 ? "Rate Limit Exceeded" : "Injected fault";
  return { error: { code: status, message, errors: [{ message, domain: "global", reason }] } };
}

interface Waiting {
  readonly fault: PlacedFault;
  left: number;
}

/** The faults that wait for a request. The first that fits takes effect. */
export class Faults {
  #waiting: Waiting[] = [];

  add(fault: PlacedFault): void {
    this.#waiting.push({ fault, left: fault.times === "always" ? Infinity : (fault.times ?? 1) });
  }

  /**
   * The fault that waits for this request, if there is one; it then waits for one request less.
   *
   * @param paths the path as it was sent, and its canonical form
   */
  take(method: string, paths: readonly string[]): PlacedFault | undefined {
    if (this.#waiting.length === 0) return undefined;
    const found = this.#waiting.find(({ fault }) => fits(fault, method, paths));
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.#waiting = this.#waiting.filter((other) => other !== found);
    return found.fault;
  }

  waiting(): PlacedFault[] {
    return this.#waiting.map(({ fault, left }) => ({ ...fault, times: left === Infinity ? "always" : left }));
  }

  clear(): void {
    this.#waiting = [];
  }
}

function fits(fault: PlacedFault, method: string, paths: readonly string[]): boolean {
  if (fault.method !== undefined && fault.method.toUpperCase() !== method) return false;
  const { path } = fault;
  return path.endsWith("*") ? paths.some((name) => name.startsWith(path.slice(0, -1))) : paths.includes(path);
}
