import { waitFor } from "../core/single-flight.ts";
import { exchangeLimitMs } from "../core/timing.ts";

/** A fetch, and the bounds that keep a provider's bad answer from hurting us. */
export interface BoundedFetch {
  readonly fetch: typeof fetch;
  /** For one exchange in all, milliseconds. */
  readonly timeoutMs: number;
  /** The largest body that is read. */
  readonly bodyLimitBytes: number;
}

export const boundedFetchDefaults: Omit<BoundedFetch, "fetch"> = {
  timeoutMs: exchangeLimitMs,
  bodyLimitBytes: 64 * 1024,
};

/** What came back, read to its end within the bounds; or why nothing usable did. */
export type HttpResult =
  | { readonly kind: "body"; readonly status: number; readonly headers: Headers; readonly text: string }
  | { readonly kind: "too-large"; readonly status: number; readonly headers: Headers }
  | { readonly kind: "silence"; readonly sent: boolean; readonly error: string };

/**
 * Sends one request and reads its whole body, both within `http.timeoutMs`: a body that drips is as bad as none.
 *
 * @param send gets the signal that ends it all
 */
export async function boundedRequest(
  http: BoundedFetch,
  send: (signal: AbortSignal) => Promise<Response>,
): Promise<HttpResult> {
  const { signal, stop } = timeLimit(http.timeoutMs);
  try {
    // Not left to the signal alone: a fetch that somebody wrapped may not pass it on, and would hold a grant for ever.
    return await waitFor(answerOf(send(signal), http.bodyLimitBytes), signal);
  } catch (error) {
    if (signal.aborted) return { kind: "silence", sent: true, error: "timeout" };
    const { code, syscall } = failureOf(error);
    const sent = !(neverArrived.has(code) || (noRoute.has(code) && syscall === "connect"));
    return { kind: "silence", sent, error: code === "" ? "network_error" : code.toLowerCase() };
  } finally {
    stop();
  }
}

const longestTickMs = 250;

/**
 * A limit in time that this process is running. One that was stopped for longer, by a signal or with its whole machine,
 * finds its timer over and the answer waiting in the socket, and timers come first: with the answer, the only copy of a
 * rotated refresh token would be thrown away. So time is counted in ticks, and never ends with one that came late.
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

async function answerOf(sending: Promise<Response>, bodyLimitBytes: number): Promise<HttpResult> {
  const response = await sending;
  const text = await readText(response, bodyLimitBytes);
  const { status, headers } = response;
  return text === undefined ? { kind: "too-large", status, headers } : { kind: "body", status, headers, text };
}

/** Failures from before a single byte of the request could be read by the other side. */
const neverArrived: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** These also end a connection that was up and had carried the request. */
const noRoute: ReadonlySet<string> = new Set(["EHOSTUNREACH", "ENETUNREACH"]);

/** The text of a body, or undefined as soon as it is larger than `limitBytes`; the rest is not read. */
export async function readText(
  { body }: { readonly body: ReadableStream<Uint8Array> | null },
  limitBytes: number,
): Promise<string | undefined> {
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limitBytes) return undefined;
    chunks.push(chunk);
  }
  // Without the byte order mark that some servers send: JSON.parse would refuse the whole answer for it.
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/**
 * RFC 9110 section 10.2.3: seconds, or a date. Capped at an hour, so that a wrong date does not silence us for a year.
 *
 * @returns milliseconds; undefined where nothing readable was said, or no wait was asked for: our own back-off decides
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : httpDate(value) - now;
  return ms > 0 ? Math.min(ms, 3_600_000) : undefined;
}

/** RFC 9110 section 5.6.7, all three forms; NaN for anything else, of which Date.parse would make some date. */
function httpDate(value: string): number {
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(value)) return Number.NaN;
  return Date.parse(value.endsWith(" GMT") ? value : `${value} GMT`);
}

/** A JSON object, or undefined for everything else that a proxy or an outage may send. */
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

/** The system's name of a failure and the call that failed; fetch hides them some causes deep. */
function failureOf(error: unknown): { readonly code: string; readonly syscall: string } {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) {
    // One per address that was tried: the first is as good as any.
    const named: unknown = each instanceof AggregateError ? each.errors[0] : each;
    if (!(named instanceof Error) || !("code" in named) || typeof named.code !== "string") continue;
    return { code: named.code, syscall: "syscall" in named && typeof named.syscall === "string" ? named.syscall : "" };
  }
  return { code: "", syscall: "" };
}
