import * as oauth from "oauth4webapi";
import { defined } from "../core/defined.ts";
import { meaningOf, saysLater, refusalsOf } from "../core/refresh.ts";
import type { Secret } from "../core/secret.ts";
import type { Provider } from "../providers/provider.ts";
import { recordedMethod } from "./client-authentication.ts";
import { refusalWord } from "./refusal-word.ts";
import { authenticating } from "./token-endpoint.ts";
import type { TokenRequest } from "./token-endpoint.ts";
import { parseObject, boundedRequest, retryAfterMs } from "./bounded-fetch.ts";
import type { HttpResult } from "./bounded-fetch.ts";

/**
 * How a revocation ended. `done`: the token is dead, also where it was dead before. `unsupported`: the provider has no
 * revocation endpoint, or will never revoke such a token. `refused`: the provider did not confirm, and would answer the
 * same however often it is asked. `failed`: try again later.
 */
export type RevocationResponse =
  | { readonly kind: "done" }
  | { readonly kind: "unsupported" }
  | { readonly kind: "refused"; readonly error: string }
  | { readonly kind: "failed"; readonly error: string; readonly retryAfterMs?: number };

/**
 * Revokes a token at the provider.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7009#section-2
 * @see https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
 */
export async function requestRevocation(
  { provider, client, endpoints, authentication = recordedMethod(provider, client), http, now }: TokenRequest,
  token: Secret,
): Promise<RevocationResponse> {
  const { revocationEndpoint } = endpoints;
  if (revocationEndpoint === undefined) return { kind: "unsupported" };
  const result = await boundedRequest(http, (signal) =>
    oauth.revocationRequest(
      { issuer: provider.issuer, revocation_endpoint: revocationEndpoint },
      { client_id: client.clientId },
      authenticating(authentication, client, now),
      token.expose(),
      {
        signal,
        [oauth.customFetch]: (url, init) => http.fetch(url, init),
        [oauth.allowInsecureRequests]: true,
      },
    ),
  );
  if (result.kind === "silence") return { kind: "failed", error: result.error };
  const { status, headers } = result;
  const body = result.kind === "body" ? parseObject(result.text) : undefined;
  const error = body === undefined ? undefined : wordOfFailure(body, status);
  if (error === undefined && status >= 200 && status < 300) return { kind: "done" };
  if (status < 500 && (isWord(error, "invalid_token") || isDeadBy(provider, error))) return { kind: "done" };
  // Section 2.2.1: the provider does not revoke tokens of this type, however often it is asked.
  if (status < 500 && isWord(error, "unsupported_token_type")) return { kind: "unsupported" };
  const said = error ?? `http_${status}`;
  if (isFinal(status, error, body !== undefined || isEmpty(result), provider)) return { kind: "refused", error: said };
  return defined({ kind: "failed" as const, error: said, retryAfterMs: retryAfterMs(headers, now) });
}

/** The word of a failure. Some providers send one with 200, with an object in `error` or with no more than `ok: false`. */
function wordOfFailure(body: Readonly<Record<string, unknown>>, status: number): string | undefined {
  const word = refusalWord(body, status)?.error;
  if (word !== undefined) return word;
  const { error, ok, success } = body;
  const isNamed = typeof error === "object" && error !== null && Object.keys(error).length > 0;
  return isNamed || ok === false || success === false ? `http_${status}` : undefined;
}

/** Whether a provider's own word says that the token is dead. */
function isDeadBy({ refusals = {} }: Provider, error = ""): boolean {
  return Object.hasOwn(refusals, error) && refusals[error] === "dead";
}

/** Whether a provider has said a word, in small letters or in capitals. */
function isWord(error: string | undefined, word: string): boolean {
  return error?.toLowerCase() === word;
}

/**
 * Statuses that say of themselves that a later request has the same answer: moved permanently (no token is sent after it),
 * and not implemented.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-15
 */
const forGood: ReadonlySet<number> = new Set([301, 308, 501]);

/**
 * Whether no retry can change an answer that is no success: the provider, or whatever stands at that address, refuses
 * this token or knows no such request. Not so where it says that a later request may work, or refuses our client, which
 * an operator can correct; nor for the page with which a firewall forbids.
 *
 * @param isAnswer whether the body is empty or JSON, and so no page
 */
function isFinal(status: number, error: string | undefined, isAnswer: boolean, provider: Provider): boolean {
  if (error === undefined && forGood.has(status)) return true;
  if (status >= 500 || saysLater(status) || (status >= 300 && status < 400)) return false;
  if (error === undefined) return status !== 401 && (status !== 403 || isAnswer);
  if (isWord(error, "unauthorized_client")) return false;
  const meaning = meaningOf(refusalsOf(provider), error);
  return meaning !== "misconfigured" && meaning !== "transient" && meaning !== "limited";
}

function isEmpty(result: HttpResult): boolean {
  return result.kind === "body" && result.text.trim() === "";
}
