import { signedInFrom } from "./answer.ts";
import type { Answer, SignedIn } from "./answer.ts";
import { OnbehalfBrowserError } from "./errors.ts";
import { randomText } from "./pkce.ts";
import { scopeList } from "./scopes.ts";
import type { Scopes } from "./scopes.ts";

/** Where a code came from. It decides the `redirect_uri` of the exchange: a wrong source may use the code up. */
export type Source = "android" | "ios" | "web-popup" | "web-redirect";

/** How to reach the service. Nothing is required. */
export interface Delivery {
  /** The service's `POST /authcode`, on the page's own origin or on one that allows this origin. Default `/authcode`. */
  readonly endpoint?: string | URL;
  /** Headers to add to the request. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the wait: the promise then rejects with the signal's reason. The service may have taken the code all the same. */
  readonly signal?: AbortSignal;
  /** How long one attempt may take, milliseconds. Default 30,000. There are at most two attempts. */
  readonly timeoutMs?: number;
  /** How long to wait before the second attempt, milliseconds, for a lost network to come back. Default 1,000. */
  readonly pauseMs?: number;
}

/** One code, and what the service needs to exchange it. */
export interface PostCodeOptions extends Delivery {
  /** The one-time code, as the provider gave it. */
  readonly code: string;
  /** Default `web-popup`. */
  readonly source?: Source;
  /** The scopes that the page asked for, so that the answer can name those that the person did not grant. */
  readonly scope?: Scopes;
  /** With `web-redirect`: the URI that the code was sent to, character by character. */
  readonly redirectUri?: string;
  /** The PKCE verifier, where the sign-in had a challenge (RFC 7636). */
  readonly codeVerifier?: string;
  /** The nonce of the authorization request, where it had one: the service compares it with that of the ID token. */
  readonly nonce?: string;
  /** A ticket that the app's backend has made (`POST /v1/tickets`): the grant becomes that of the user it was made for. */
  readonly ticket?: string;
}

/**
 * Hands a code to the service, which exchanges it and keeps the grant. Where no answer comes, it sends the same code once
 * more: for a minute the service repeats its result, so that no person has to consent again because of a lost network.
 *
 * @returns who signed in, and what they granted
 * @throws {OnbehalfBrowserError} `network_error`: no answer in two attempts
 * @throws {OnbehalfBrowserError} `unexpected_answer`: something else than the service answered
 * @throws {OnbehalfBrowserError} every other code comes from the service: `code_rejected`, `id_token_invalid`,
 *   `ticket_invalid`, `external_id_conflict`, `invalid_request`, `csrf_rejected`, `forbidden`, `client_misconfigured`, `provider_unavailable`, `store_unavailable`,
 *   `keeper_unavailable`, `request_too_large`, `internal_error`
 * @throws the reason of `signal`, where it fires
 */
export async function postCode(options: PostCodeOptions): Promise<SignedIn> {
  const request = { url: options.endpoint ?? "/authcode", body: formOf(options), options, tries: randomText() };
  let answer: Answer;
  try {
    answer = await attempt(request);
  } catch {
    options.signal?.throwIfAborted();
    await pause(options.pauseMs ?? 1_000, options.signal);
    answer = await lastAttempt(request);
  }
  return signedInFrom(answer, options.scope ?? []);
}

interface Request {
  readonly url: string | URL;
  readonly body: URLSearchParams;
  readonly options: Delivery;
  /** The same for each attempt, so that the service knows the second one for ours. */
  readonly tries: string;
}

/** Sends the code and reads the whole answer: one that breaks off in the middle is as lost as one that never came. */
async function attempt({ url, body, options, tries }: Request): Promise<Answer> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 30_000);
  const response = await fetch(url, {
    method: "POST",
    // A form on another site cannot set a header. The service tells our page from a forged one by this header.
    headers: {
      Accept: "application/json",
      "Idempotency-Key": tries,
      ...options.headers,
      "X-Requested-With": "XMLHttpRequest",
    },
    body,
    signal: options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]),
  });
  return { status: response.status, body: await response.text(), retryAfter: response.headers.get("Retry-After") };
}

async function lastAttempt(request: Request): Promise<Answer> {
  try {
    return await attempt(request);
  } catch (cause) {
    request.options.signal?.throwIfAborted();
    throw new OnbehalfBrowserError("network_error", `${String(request.url)} could not be reached`, {
      hint: "try again when online; a service on another origin must allow this page's origin (ONBEHALF_ALLOWED_ORIGINS)",
      cause,
    });
  }
}

function formOf(options: PostCodeOptions): URLSearchParams {
  const form = new URLSearchParams({ authCode: options.code, source: options.source ?? "web-popup" });
  const asked = scopeList(options.scope ?? []);
  if (asked.length > 0) form.set("scope", asked.join(" "));
  if (options.redirectUri !== undefined) form.set("redirect_uri", options.redirectUri);
  if (options.codeVerifier !== undefined) form.set("code_verifier", options.codeVerifier);
  if (options.nonce !== undefined) form.set("nonce", options.nonce);
  if (options.ticket !== undefined) form.set("ticket", options.ticket);
  return form;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
