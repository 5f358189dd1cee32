import * as oauth from "oauth4webapi";
import type { Client, Endpoints, Provider } from "../providers/provider.ts";
import type { TokenAnswer } from "../core/refresh.ts";
import type { Secret } from "../core/secret.ts";
import { tokenSetOf } from "./token-set.ts";
import type { TokenSet } from "./token-set.ts";
import { parseObject, boundedFetch, retryAfterMs } from "./bounded-fetch.ts";
import type { HttpResult, BoundedFetch } from "./bounded-fetch.ts";

/** An answer of the token endpoint, and its tokens where it is one of success. */
export interface TokenReply {
  readonly answer: TokenAnswer;
  /** Present exactly where `answer.kind` is `tokens`. */
  readonly tokens?: TokenSet;
}

/** What one request to a token endpoint needs. */
export interface TokenRequest {
  readonly provider: Provider;
  readonly client: Client;
  readonly endpoints: Endpoints;
  readonly wire: BoundedFetch;
  /** Milliseconds since the epoch, for `Retry-After` dates. */
  readonly now: number;
}

/**
 * Exchanges an authorization code.
 *
 * @param code as the app got it, decoded
 * @param redirectUri `""` is sent explicitly: a phone's code was issued without a redirect, and a parameter that is
 *   left out means something else to the provider
 * @see RFC 6749 section 4.1.3; RFC 7636 section 4.5
 */
export function requestCodeExchange(
  request: TokenRequest,
  { code, redirectUri, codeVerifier }: { code: Secret; redirectUri?: string; codeVerifier?: Secret },
): Promise<TokenReply> {
  const parameters = new URLSearchParams({ code: code.expose() });
  if (redirectUri !== undefined) parameters.set("redirect_uri", redirectUri);
  if (codeVerifier !== undefined) parameters.set("code_verifier", codeVerifier.expose());
  return post(request, "authorization_code", parameters);
}

/**
 * Asks for a new access token.
 *
 * @see RFC 6749 section 6
 */
export function requestRefresh(request: TokenRequest, refreshToken: Secret): Promise<TokenReply> {
  return post(request, "refresh_token", new URLSearchParams({ refresh_token: refreshToken.expose() }));
}

async function post(
  { provider, client, endpoints, wire, now }: TokenRequest,
  grantType: string,
  parameters: URLSearchParams,
): Promise<TokenReply> {
  const received = await boundedFetch(wire, (signal) =>
    oauth.genericTokenEndpointRequest(
      { issuer: provider.issuer, token_endpoint: endpoints.tokenEndpoint },
      { client_id: client.clientId },
      clientAuthentication(provider, client),
      grantType,
      parameters,
      {
        signal,
        headers: new Headers({ accept: "application/json" }),
        [oauth.customFetch]: (url, init) => wire.fetch(url, init),
        // Whether a plain-http endpoint is acceptable (loopback only) is settled when the vault opens.
        [oauth.allowInsecureRequests]: true,
      },
    ),
  );
  return replyOf(received, now);
}

export function clientAuthentication(provider: Provider, { clientSecret }: Client): oauth.ClientAuth {
  if (clientSecret === undefined) return oauth.None();
  return provider.clientAuthentication === "client_secret_basic"
    ? oauth.ClientSecretBasic(clientSecret.expose())
    : oauth.ClientSecretPost(clientSecret.expose());
}

/**
 * Reduces what came back to an answer. An `error` member counts whatever the status, for some providers send it with
 * 200; but not beside a token: that answer may be the only copy of a rotated refresh token.
 */
export function replyOf(received: HttpResult, now: number): TokenReply {
  if (received.kind === "silence") return { answer: received };
  const { status, headers } = received;
  const later = retryAfterMs(headers, now);
  const retry = later === undefined ? {} : { retryAfterMs: later };
  if (received.kind === "too-large") return { answer: { kind: "unusable", status, why: "body_too_large", ...retry } };

  const body = parseObject(received.text);
  if (body === undefined) return { answer: { kind: "unusable", status, why: "not_json", ...retry } };
  const tokens = status >= 200 && status < 300 ? tokenSetOf(body) : undefined;
  if (tokens !== undefined) return { answer: { kind: "tokens" }, tokens };
  if (typeof body["error"] === "string") {
    const subtype = body["error_subtype"];
    return {
      answer: {
        kind: "refusal",
        status,
        error: errorCode(body["error"]),
        ...(typeof subtype === "string" ? { errorSubtype: errorCode(subtype) } : {}),
        ...retry,
      },
    };
  }
  return { answer: { kind: "unusable", status, why: "no_access_token", ...retry } };
}

/** A provider's error code is shown to people and kept in the store: only a plain short word passes. */
export function errorCode(value: string): string {
  return /^[\w.-]{1,64}$/.test(value) ? value : "unreadable_error";
}
