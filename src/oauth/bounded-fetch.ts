import { waitFor } from "../core/single-flight.ts";
import { exchangeLimitMs } from "../core/timing.ts";

/**
 * Sends a form, and gives the bytes of its answer to `answer` as they come; where that returns false, it wants no more.
 *
 * @returns `ended`: resolves when the answer is over; `abort` gives it up, and makes `ended` reject
 */
export type FormSender = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  answer: Pick<Reading, "head" | "chunk">,
) => { readonly ended: Promise<void>; readonly abort: (error: Error) => void };

/** A fetch with bounds: an answer that is slow or large must not hold up this process or fill its memory. */
export interface BoundedFetch {
  readonly fetch: typeof fetch;
  /**
   * Sends forms in place of `fetch`, at a quarter of the cost. Absent where somebody else's `fetch` must see each request.
   */
  readonly post?: FormSender;
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
  readonly headers: AnswerHeaders;
  readonly text: string;
  /** What stands beyond the limit, from the word on that was sought. Absent where it was not found there. */
  readonly found?: string;
}

/** The headers of an answer: one by its name in lower case, and all of them. */
export type AnswerHeaders = Pick<Headers, "get"> & Iterable<[string, string]>;

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
  const over = new AbortController();
  const limit = timeLimit(http.timeoutMs, (error) => over.abort(error));
  const reading = new Reading(http);
  try {
    // Wait no longer than the signal, even where a wrapped fetch does not pass the signal on: the grant would be held
    // for ever.
    await waitFor(readBody(send(over.signal), reading), over.signal);
    return reading.answer();
  } catch (error) {
    return reading.silence(error, over.signal.aborted);
  } finally {
    limit.stop();
  }
}

/**
 * Sends one form and reads the whole body of its answer, both within `http.timeoutMs`. Redirects are not followed. It never
 * throws.
 *
 * @param headers without those of the connection and of the body's length
 */
export async function boundedForm(
  http: BoundedFetch,
  url: string,
  headers: Readonly<Record<string, string>>,
  form: URLSearchParams,
): Promise<HttpResult> {
  const { post } = http;
  if (post === undefined) {
    const sent = { method: "POST", headers, body: form, redirect: "manual" } as const;
    return boundedRequest(http, (signal) => http.fetch(url, { ...sent, signal }));
  }
  const reading = new Reading(http);
  let isOver = false;
  let stop: (() => void) | undefined;
  try {
    const { ended, abort } = post(url, headers, form.toString(), reading);
    ({ stop } = timeLimit(http.timeoutMs, (error) => {
      isOver = true;
      abort(error);
    }));
    await ended;
    return reading.answer();
  } catch (error) {
    return reading.silence(error, isOver);
  } finally {
    stop?.();
  }
}

const longestTickMs = 250;

/**
 * A time limit that counts only while this process runs. A process may be stopped for a while, by a signal or together
 * with its machine. When it goes on, a plain timer has ended and the answer waits in the socket, but Node runs timers
 * first: the request would be aborted, and the only copy of a rotated refresh token would be thrown away. So the limit
 * counts ticks, and it never ends with a tick that came late: the next tick comes after the answer has been read.
 */
function timeLimit(ms: number, over: (error: Error) => void): { readonly stop: () => void } {
  const ticks = Math.ceil(ms / longestTickMs);
  const tickMs = ms / ticks;
  let left = ticks;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const isLate = now - last > tickMs + longestTickMs;
    last = now;
    left -= 1;
    if (left > 0 || isLate) return;
    clearInterval(timer);
    over(new Error("the time for an exchange is over"));
  }, tickMs);
  return { stop: () => clearInterval(timer) };
}

/** How much is kept from a word on that was sought: tokens are shorter than this, bytes. */
const keptFromWord = 16 * 1024;

/**
 * An answer that is being read, up to the limit. Of what comes after it, only the word that is sought is looked for. What
 * was read stays here where the connection ends in the middle: it may hold the only copy of a rotated refresh token.
 */
class Reading {
  readonly #bounds: BoundedFetch;
  #head: { readonly status: number; readonly headers: AnswerHeaders } | undefined;
  readonly #chunks: Uint8Array[] = [];
  #read = 0;
  /** From just before the limit on: the word, or what follows it, may stand on both sides of it. */
  #window: Buffer | undefined;
  /** The word that is sought, and what has come after it. */
  #found: Buffer | undefined;

  constructor(bounds: BoundedFetch) {
    this.#bounds = bounds;
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#head = { status, headers };
  }

  /** @returns false where the body is larger than the limit, and no more of it is read */
  chunk(bytes: Uint8Array): boolean {
    const { bodyLimitBytes, sought } = this.#bounds;
    const within = bytes.subarray(0, Math.max(bodyLimitBytes - this.#read, 0));
    const before = this.#read <= bodyLimitBytes ? this.#chunks.length : 0;
    if (within.length > 0) this.#chunks.push(within);
    this.#read += bytes.length;
    if (this.#read <= bodyLimitBytes) return true;
    if (sought === undefined) return false;
    // Until now all that came is among the chunks.
    const last = this.#window ?? Buffer.concat(this.#chunks.slice(0, before)).subarray(-keptFromWord);
    const window = Buffer.concat([last, bytes]);
    const at = window.indexOf(sought.word);
    this.#window = at < 0 ? window.subarray(-keptFromWord) : window.subarray(at, at + keptFromWord);
    if (at >= 0) this.#found = this.#window;
    return this.#read <= sought.withinBytes && (at < 0 || this.#window.length < keptFromWord);
  }

  /** The answer, where all of it came that is read. */
  answer(): HttpResult {
    const head = this.#head;
    if (head === undefined) throw new TypeError("an answer ended before it began");
    return { kind: this.#read > this.#bounds.bodyLimitBytes ? "too-large" : "body", ...this.#soFar(head) };
  }

  /** What came before a failure. @param isOver whether the time was over */
  silence(error: unknown, isOver: boolean): HttpResult {
    const part = this.#head === undefined ? {} : { begun: this.#soFar(this.#head) };
    if (isOver) return { kind: "silence", sent: true, error: "timeout", ...part };
    const { code, syscall } = failureOf(error);
    const sent = !(neverArrived.has(code) || (noRoute.has(code) && syscall === "connect"));
    return { kind: "silence", sent, error: code === "" ? "network_error" : code.toLowerCase(), ...part };
  }

  #soFar(head: { readonly status: number; readonly headers: AnswerHeaders }): HttpAnswer {
    const [only] = this.#chunks;
    const bytes = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    const found = this.#found;
    return { ...head, text: textOf(bytes), ...(found === undefined ? {} : { found: found.toString() }) };
  }
}

async function readBody(sending: Promise<Response>, reading: Reading): Promise<void> {
  const { status, headers, body } = await sending;
  reading.head(status, headers);
  for await (const chunk of body ?? []) if (!reading.chunk(chunk)) return;
}

// TextDecoder leaves out the byte order mark that some servers send. JSON.parse would refuse the answer with it.
const decoders = {
  "utf-8": new TextDecoder("utf-8"),
  "utf-16le": new TextDecoder("utf-16le"),
  "utf-16be": new TextDecoder("utf-16be"),
};

function textOf(bytes: Uint8Array): string {
  return decoders[encodingOf(bytes)].decode(bytes);
}

/** UTF-8, as JSON is to be sent, or what JSON was allowed to be before: its first two bytes tell (RFC 4627 section 3). */
function encodingOf([first, second]: Uint8Array): keyof typeof decoders {
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

/**
 * Reads `Retry-After`: seconds, or a date. An hour at most, so that a wrong date does not stop our requests for a year.
 *
 * @param now milliseconds since the epoch
 * @returns milliseconds; undefined where the header is absent or unreadable, or asks for no wait: then our own back-off
 *   decides
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterMs(headers: AnswerHeaders, now: number): number | undefined {
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
