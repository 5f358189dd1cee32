import { either, number, oneOf, read, stringMap, text, yesNo } from "../input-checks.ts";
import type { Spelling } from "../input-checks.ts";
import type { Reply } from "./messages.ts";

/** How the next answers on a path go wrong. Without any of the members that shape an answer, the request is merely late. */
export interface Fault {
  /** How many requests it meets; default 1. `"always"` until the faults are cleared. */
  times?: number | "always";
  /** When: before the stand-in acts (default), or after it has acted, so that only the answer is lost or spoiled. */
  after?: "request" | "answer";
  /** Wait so long first, in real milliseconds. */
  delayMs?: number;
  /** Cut the connection: without a byte, or in the middle of the body. */
  drop?: boolean | "midway";
  status?: number;
  /** A string is sent as it is, anything else as JSON. */
  body?: unknown;
  contentType?: string;
  headers?: Record<string, string>;
  /** `Retry-After`: seconds, or an HTTP date. */
  retryAfter?: number | string;
  /** Google's reason in an API error, such as `rateLimitExceeded`; status 403 unless given. */
  reason?: string;
  /** A page instead of JSON, as a proxy or a captive portal sends; status 502 unless given. */
  html?: boolean;
  /** JSON that breaks off in the middle. */
  invalidJson?: boolean;
  /** A token answer without `access_token`. */
  noToken?: boolean;
  /** Redirect there; status 302 unless given. */
  location?: string;
  /** A body of so many bytes. */
  hugeBytes?: number;
  /** The body comes in small pieces, with so many milliseconds between them. */
  dripMs?: number;
}

const shape = {
  times: either(number(1), oneOf("always")),
  after: oneOf("request", "answer"),
  delayMs: number(0, 600_000),
  drop: either(yesNo, oneOf("midway")),
  status: number(200, 599),
  body: (value: unknown) => value,
  contentType: text,
  headers: stringMap,
  retryAfter: either(number(0), text),
  reason: text,
  html: yesNo,
  invalidJson: yesNo,
  noToken: yesNo,
  location: text,
  hugeBytes: number(1, 1_073_741_824),
  dripMs: number(1, 60_000),
};

const placed = { ...shape, method: text, path: text };

/** A fault and the requests it waits for. */
export interface PlacedFault extends Fault {
  /** Any method, unless given. */
  method?: string;
  /** A path of the stand-in; an ending `*` stands for any rest. */
  path: string;
}

/** @throws {BadInput} naming the member that is unknown or wrong. */
export function readFault(input: unknown, spelling: Spelling): Fault {
  return read(input, shape, spelling);
}

/** @throws {BadInput} naming the member that is unknown, missing or wrong. */
export function readPlacedFault(input: unknown, spelling: Spelling): PlacedFault {
  const { path = "/token", ...rest } = read(input, placed, spelling);
  return { ...rest, path };
}

const shaping = ["status", "body", "reason", "html", "invalidJson", "noToken", "location", "hugeBytes"] as const;

/** Whether this fault has an answer of its own. One that is only late, slow or cut short leaves the stand-in's answer as it is. */
export function hasAnswer(fault: Fault): boolean {
  return shaping.some((member) => fault[member] !== undefined);
}

/** What the fault answers instead. */
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

/** The faults that wait for requests; the first that fits takes effect. */
export class Faults {
  #waiting: Waiting[] = [];

  add(fault: PlacedFault): void {
    this.#waiting.push({ fault, left: fault.times === "always" ? Infinity : (fault.times ?? 1) });
  }

  /** The fault for this request, if one waits for it; `paths` are the names it goes by. */
  take(method: string, paths: readonly string[]): PlacedFault | undefined {
    if (this.#waiting.length === 0) return undefined;
    const found = this.#waiting.find(({ fault }) => meets(fault, method, paths));
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

function meets(fault: PlacedFault, method: string, paths: readonly string[]): boolean {
  if (fault.method !== undefined && fault.method.toUpperCase() !== method) return false;
  const { path } = fault;
  return path.endsWith("*") ? paths.some((name) => name.startsWith(path.slice(0, -1))) : paths.includes(path);
}
