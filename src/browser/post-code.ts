import { signedInFrom } from "./answer.ts";
import type { Answer, SignedIn } from "./answer.ts";
import { OnbehalfBrowserError } from "./errors.ts";
import { scopeList } from "./scopes.ts";
import type { Scopes } from "./scopes.ts";

/** Where the code came from. It decides the `redirect_uri` of the exchange; a wrong one burns the code. */
export type Source = "android" | "ios" | "web-popup" | "web-redirect";

/** How to reach the service. */
export interface Delivery {
  /** The service's route, on the page's own origin or on one that allows it. `/authcode` by default. */
  readonly endpoint?: string | URL;
  /** Further headers, such as a ticket of the app's own backend. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Gives up; the promise then rejects with the signal's own reason. */
  readonly signal?: AbortSignal;
  /** How long one attempt may take, in milliseconds; 30,000 by default. There are at most two. */
  readonly timeoutMs?: number;
  /** Time between the two, in milliseconds, for a radio to come back; 1,000 by default. */
  readonly pauseMs?: number;
}

/** One code, and what is needed to exchange it. */
export interface PostCodeOptions extends Delivery {
  readonly code: string;
  /** `web-popup` by default. */
  readonly source?: Source;
  /** What was asked for, so that service and page can tell what was not granted. */
  readonly scope?: Scopes;
  /** With `web-redirect`: the URI that the code was sent to, character by character. */
  readonly redirectUri?: string;
  /** With PKCE (RFC 7636): the verifier. */
  readonly codeVerifier?: string;
  /** Where one was sent with the authorization request: the service compares it with the ID token's. */
  readonly nonce?: string;
}

/**
 * Hands a code to the service, which exchanges it and keeps the grant.
 * An answer that got lost on the way is asked for once more with the same code: the service repeats a result
 * for a minute, so nobody has to consent again because of a tunnel.
 *
 * @throws {OnbehalfBrowserError} `network_error`: no answer in two attempts; `unexpected_answer`: somebody else
 *   answered; otherwise the service's own code.
 */
export async function postCode(options: PostCodeOptions): Promise<SignedIn> {
  const request = { url: options.endpoint ?? "/authcode", body: formOf(options), options };
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
}

/** The body is read here too: an answer cut off in the middle is as lost as none. */
async function attempt({ url, body, options }: Request): Promise<Answer> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 30_000);
  const response = await fetch(url, {
    method: "POST",
    // A form of another site cannot set a header: this is what tells our page from a forged one.
    headers: { Accept: "application/json", ...options.headers, "X-Requested-With": "XMLHttpRequest" },
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
      hint: "try again when online; a service on another origin must allow this origin (ONBEHALF_ALLOWED_ORIGINS)",
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
