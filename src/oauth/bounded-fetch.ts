import { waitFor } from "../core/single-flight.ts";
import { exchangeLimitMs } from "../core/timing.ts";

/** A fetch with bounds: an answer that is slow or large must not hold up this process or fill its memory. */
export interface BoundedFetch {
  readonly fetch: typeof fetch;
  /** How long a request may take, from its start to the last byte of the answer, milliseconds. */
  readonly timeoutMs: number;
  /** The largest body that is read, bytes. */
  readonly bodyLimitBytes: number;
  /** What is looked for in a larger body, beyond that limit. Nothing by default: then no more of it is read. */
  readonly sought?: Sought;
}

/** A word whose surroundings are kept, wherever in a body that is too large they stand. */
export interface Sought {
  readonly word: string;
  /** How far the body is read for it, bytes. */
  readonly withinBytes: number;
}

export const boundedFetchDefaults: Omit<BoundedFetch, "fetch"> = {
  timeoutMs: exchangeLimitMs,
  bodyLimitBytes: 64 * 1024,
};

/** An answer, as far as it came. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** What stands beyond the limit, from the word on that was sought. Absent where it was not found there. */
  readonly found?: string;
}

/**
 * What came of one request. `body`: the answer was read to its end within the bounds. `too-large`: its body is larger
 * than the limit, and `text` is what came before that. `silence`: no answer, or only a part of one, which is `begun`;
 * `sent` is false only where the request certainly never arrived, and `error` is our word for why.
 */
export type HttpResult =
  | ({ readonly kind: "body" } & HttpAnswer)
  | ({ readonly kind: "too-large" } & HttpAnswer)
  | { readonly kind: "silence"; readonly sent: boolean; readonly error: string; readonly begun?: HttpAnswer };

/**
 * Sends one request and reads the whole body of its answer, both within `http.timeoutMs`. It never throws.
 *
 * @param send sends the request; the signal that it gets aborts when the time is over
 */
export async function boundedRequest(
  http: BoundedFetch,
  send: (signal: AbortSignal) => Promise<Response>,
): Promise<HttpResult> {
  const { signal, stop } = timeLimit(http.timeoutMs);
  const reading: Reading = { chunks: [] };
  try {
    // Wait no longer than the signal, even where a wrapped fetch does not pass the signal on: the grant would be held
    // for ever.
    return await waitFor(answerOf(send(signal), http, reading), signal);
  } catch (error) {
    // What came before the end may hold the only copy of a rotated refresh token.
    const { response } = reading;
    const part = response === undefined ? {} : { begun: answerSoFar(response, reading) };
    if (signal.aborted) return { kind: "silence", sent: true, error: "timeout", ...part };
    const { code, syscall } = failureOf(error);
    const sent = !(neverArrived.has(code) || (noRoute.has(code) && syscall === "connect"));
    return { kind: "silence", sent, error: code === "" ? "network_error" : code.toLowerCase(), ...part };
  } finally {
    stop();
  }
}

const longestTickMs = 250;

/**
 * A time limit that counts only while this process runs. A process may be stopped for a while, by a signal or together
 * with its machine. When it goes on, a plain timer has ended and the answer waits in the socket, but Node runs timers
 * first: the request would be aborted, and the only copy of a rotated refresh token would be thrown away. So the limit
 * counts ticks, and it never ends with a tick that came late: the next tick comes after the answer has been read.
 */
function timeLimit(ms: number): { readonly signal: AbortSignal; readonly stop: () => void } {
  const ticks = Math.ceil(ms / longestTickMs);
  const tickMs = ms / ticks;
  const controller = new AbortController();
  let left = ticks;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const isLate = now - last > tickMs + longestTickMs;
    last = now;
    left -= 1;
    if (left <= 0 && !isLate) controller.abort(new Error("the time for an exchange is over"));
  }, tickMs);
  return { signal: controller.signal, stop: () => clearInterval(timer) };
}

/** An answer that is being read. */
interface Reading {
  response?: Response;
  readonly chunks: Uint8Array[];
  /** The word that is sought, and what has come after it. */
  found?: Buffer;
}

async function answerOf(sending: Promise<Response>, bounds: BoundedFetch, reading: Reading): Promise<HttpResult> {
  const response = await sending;
  reading.response = response;
  const isWhole = await readBody(response, bounds, reading);
  return { kind: isWhole ? "body" : "too-large", ...answerSoFar(response, reading) };
}

function answerSoFar({ status, headers }: Response, { chunks, found }: Reading): HttpAnswer {
  // TextDecoder leaves out the byte order mark that some servers send. JSON.parse would refuse the answer with it.
  const bytes = Buffer.concat(chunks);
  const text = new TextDecoder(encodingOf(bytes)).decode(bytes);
  return { status, headers, text, ...(found === undefined ? {} : { found: found.toString() }) };
}

/** UTF-8, as JSON is to be sent, or what JSON was allowed to be before: its first two bytes tell (RFC 4627 section 3). */
function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return second === 0 ? "utf-16le" : first === 0 ? "utf-16be" : "utf-8";
}

/** Failures after which the other side certainly has not read a single byte of the request. */
const neverArrived: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "CONNECT_TIMEOUT",
  "ADDRESS_NOT_PUBLIC",
  "PROXY_REFUSED",
  "PROXY_UNREACHABLE",
  "PROXY_UNUSABLE",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/**
 * Where connecting failed with one of these, the request certainly never arrived. They may also end a connection that
 * has carried the request.
 */
const noRoute: ReadonlySet<string> = new Set(["EHOSTUNREACH", "ENETUNREACH"]);

/** How much is kept from a word on that was sought: tokens are shorter than this, bytes. */
const keptFromWord = 16 * 1024;

/**
 * Reads a body up to the limit. Of what comes after it, only the word that is sought is looked for. What was read stays
 * in `reading` where the connection ends in the middle.
 *
 * @returns false where the body is larger than the limit. Then the rest is not read to its end
 */
async function readBody(
  { body }: { readonly body: ReadableStream<Uint8Array> | null },
  { bodyLimitBytes, sought }: BoundedFetch,
  reading: Reading,
): Promise<boolean> {
  let read = 0;
  // From just before the limit on: the word, or what follows it, may stand on both sides of it.
  let window: Buffer = Buffer.alloc(0);
  for await (const chunk of body ?? []) {
    const within = chunk.subarray(0, Math.max(bodyLimitBytes - read, 0));
    if (within.length > 0) reading.chunks.push(within);
    read += chunk.length;
    const isBeyond = read > bodyLimitBytes;
    if (sought === undefined) {
      if (isBeyond) return false;
      continue;
    }
    window = Buffer.concat([window, chunk]);
    const at = isBeyond ? window.indexOf(sought.word) : -1;
    window = at < 0 ? window.subarray(-keptFromWord) : window.subarray(at, at + keptFromWord);
    if (at >= 0) reading.found = window;
    if (read > sought.withinBytes || (at >= 0 && window.length === keptFromWord)) return false;
  }
  return read <= bodyLimitBytes;
}

/**
 * Reads `Retry-After`: seconds, or a date. An hour at most, so that a wrong date does not stop our requests for a year.
 *
 * @param now milliseconds since the epoch
 * @returns milliseconds; undefined where the header is absent or unreadable, or asks for no wait: then our own back-off
 *   decides
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : httpDate(value) - now;
  return ms > 0 ? Math.min(ms, 3_600_000) : undefined;
}

/**
 * Reads an HTTP date in any of its three forms; NaN for anything else, of which Date.parse would make some date.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
 */
function httpDate(value: string): number {
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(value)) return Number.NaN;
  return Date.parse(value.endsWith(" GMT") ? value : `${value} GMT`);
}

/** The JSON object that a text holds; undefined where it holds anything else, such as a proxy's HTML page. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The system's code for a failure, and the call that failed. fetch hides both some causes deep. */
function failureOf(error: unknown): { readonly code: string; readonly syscall: string } {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) {
    // It holds one error for each address that was tried. The first is as good as any.
    const named: unknown = each instanceof AggregateError ? each.errors[0] : each;
    if (!(named instanceof Error) || !("code" in named) || typeof named.code !== "string") continue;
    return { code: named.code, syscall: "syscall" in named && typeof named.syscall === "string" ? named.syscall : "" };
  }
  return { code: "", syscall: "" };
}
