/** One request to the service, and what came back: its answer, its error, or nothing that is the service's. */
import type { OnbehalfError } from "../core/errors.ts";
import { waitFor } from "../core/single-flight.ts";
import { userAgent } from "../outbound/user-agent.ts";
import { retryAfterMs } from "./retry.ts";
import { errorOf } from "./service-error.ts";

/** What is asked of the service. */
export interface ServiceRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came of a request. */
export type Outcome =
  | { readonly kind: "answer"; readonly body: Readonly<Record<string, unknown>>; readonly headers: Headers }
  /** What the service says about the request. */
  | { readonly kind: "error"; readonly error: OnbehalfError }
  /** The service has not answered. Whether it has done what was asked is not known. */
  | {
      readonly kind: "silence";
      readonly what: string;
      /** 0: nobody says. */
      readonly retryAfterMs: number;
      /** Whether the same would come again: then something else stands at the address. */
      readonly isLasting: boolean;
      /** Whether nothing can have arrived. */
      readonly isUnsent: boolean;
      readonly cause?: unknown;
    };

/** Where requests go, and how. */
export interface Line {
  /** Without a slash at its end. */
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly now: () => number;
}

/** How a request is sent once. */
export interface Try {
  readonly key: string;
  readonly requestId: string;
  readonly timeoutMs: number;
  readonly end?: AbortSignal | undefined;
}

/** Larger than any answer of the service: a page of 500 grants has less than two megabytes. */
const mostBytes = 16 * 1024 * 1024;

/** A client's error of something that stands before the service, and may pass. */
const passing = new Set([408, 421, 425, 429]);

/**
 * Sends a request once. Redirects are never followed: the key would go with them.
 *
 * @param how.key the caller's key
 * @param how.timeoutMs how long the whole answer may take, milliseconds
 * @param how.end gives the request up. Absent: nothing does
 */
export async function exchange(
  line: Line,
  request: ServiceRequest,
  { key, requestId, timeoutMs, end }: Try,
): Promise<Outcome> {
  const limit = new AbortController();
  const giveUp = (): void => limit.abort(new Error("the request was given up"));
  end?.addEventListener("abort", giveUp, { once: true });
  const timer = setTimeout(() => limit.abort(new Error(`there was no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    // A fetch that does not look at its signal must not hold up whoever waits.
    return await waitFor(send(line, request, key, requestId, limit.signal), limit.signal);
  } catch (cause) {
    const isUnsent = unsent.has(codeOf(cause) ?? "");
    return { kind: "silence", what: whatFailed(cause), retryAfterMs: 0, isLasting: false, isUnsent, cause };
  } finally {
    clearTimeout(timer);
    end?.removeEventListener("abort", giveUp);
  }
}

async function send(
  line: Line,
  { method, path, body, headers = {} }: ServiceRequest,
  key: string,
  requestId: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const response = await line.fetch(line.url + path, {
    method,
    headers: {
      accept: "application/json, application/problem+json",
      authorization: `Bearer ${key}`,
      "user-agent": `${userAgent} client`,
      "x-request-id": requestId,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: "manual",
    cache: "no-store",
    signal,
  });
  return outcomeOf(response, requestId, line.now());
}

async function outcomeOf(response: Response, requestId: string, now: number): Promise<Outcome> {
  const { status, headers } = response;
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  const waitMs = retryAfterMs(headers, now);
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
    discard(response);
    return silence(`it was redirected${placeOf(headers)}, and a key is not sent on`, 0, true);
  }
  const isProblem = status >= 400 && type === "application/problem+json";
  const isAnswer = status >= 200 && status < 300 && type === "application/json";
  const body = isProblem || isAnswer ? await jsonOf(response) : undefined;
  if (isProblem) {
    const error = errorOf(body, { status, retryAfterMs: waitMs, requestId, at: new Date(now) });
    if (error !== undefined) return { kind: "error", error };
  }
  if (isAnswer && typeof body === "object" && body !== null && !Array.isArray(body)) {
    return { kind: "answer", body: body as Record<string, unknown>, headers };
  }
  if (!isProblem && !isAnswer) discard(response);
  const isLasting = status >= 400 && status < 500 && !passing.has(status);
  return silence(`the answer was ${status} ${type || "without a type"}, and not the service's`, waitMs, isLasting);
}

function silence(what: string, retryAfterMs: number, isLasting: boolean): Outcome {
  return { kind: "silence", what, retryAfterMs, isLasting, isUnsent: false };
}

/** Where a redirect leads, as far as it may be said: its path and query may hold a secret. */
function placeOf(headers: Headers): string {
  const place = headers.get("location") ?? "";
  return URL.canParse(place) ? ` to ${new URL(place).origin}` : "";
}

/** @returns undefined where it is no JSON */
async function jsonOf(response: Response): Promise<unknown> {
  const text = await textOf(response);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function textOf({ body, headers }: Response): Promise<string> {
  if (Number(headers.get("content-length") ?? 0) > mostBytes) throw new Error("the answer was too large");
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > mostBytes) throw new Error("the answer was too large");
  }
  return text + decoder.decode();
}

/** A body that nobody reads would keep its connection. */
function discard({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}

/** Codes of failures before there is a connection. */
const unsent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** The system's code of what made a request fail. */
function codeOf(cause: unknown): string | undefined {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if ("code" in error && typeof error.code === "string") return error.code;
  }
  return undefined;
}

/** What a failed request says of itself, without what might hold a secret. */
function whatFailed(cause: unknown): string {
  const code = codeOf(cause);
  if (code !== undefined) return `the request failed (${code.toLowerCase()})`;
  const isOurs = cause instanceof Error && /^(?:there was no answer|the answer was)/.test(cause.message);
  return isOurs ? cause.message : "the request failed";
}
