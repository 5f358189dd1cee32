import * as oauth from "oauth4webapi";
import type { Client, ClientAuthenticationMethod, Endpoints, Provider } from "../providers/provider.ts";
import { defined } from "../core/defined.ts";
import type { TokenFailure } from "../core/refresh.ts";
import { BoundToken } from "../core/secret.ts";
import type { Secret } from "../core/secret.ts";
import { jtiOf } from "./dpop.ts";
import type { DpopKey } from "./dpop.ts";
import { readAnswer, readRefusal } from "./answer-members.ts";
import { basicAuthentication, recordedMethod } from "./client-authentication.ts";
import { signedAssertion } from "./private-key-jwt.ts";
import { refusalWord } from "./refusal-word.ts";
import { withOwnTokens, withoutIdToken } from "./plain-oauth-answer.ts";
import type { LifetimeHabits } from "./lifetimes.ts";
import { noAccessToken, plainTokenSet, tokenSetOf } from "./token-set.ts";
import type { AnswerContext, TokenSet } from "./token-set.ts";
import { boundedForm, retryAfterMs } from "./bounded-fetch.ts";
import type { AnswerHeaders, HttpAnswer, HttpResult, BoundedFetch, Sought } from "./bounded-fetch.ts";

/**
 * What came of one request to the token endpoint.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5
 */
export type TokenResponse =
  | {
      readonly kind: "tokens";
      readonly tokens: TokenSet;
      /** The answer's `Date`, as it came: what time it is by the clock of whoever answered. */
      readonly date?: string;
    }
  | TokenFailure;

/**
 * How much of an answer is read at least, bytes. No answer is this large. One that is larger than other endpoints may
 * send is read on all the same: the refresh token may stand at its end.
 */
const answerLimitBytes = 1024 * 1024;

/**
 * In an answer that is larger still, the refresh token is looked for, and nothing else is read: to read all of it would
 * hold up this process for seconds. With its quotes, the name stands in no text of JSON.
 */
const sought: Sought = { word: '"refresh_token"', withinBytes: 32 * 1024 * 1024 };

/** What one request to a token endpoint needs. */
export interface TokenRequest {
  readonly provider: Provider;
  readonly client: Client;
  readonly endpoints: Endpoints;
  /** How the client authenticates. Default: what the provider's record says. */
  readonly authentication?: ClientAuthenticationMethod;
  readonly http: BoundedFetch;
  /** The key whose proof goes with it. Absent: none does. */
  readonly dpop?: DpopKey | undefined;
  /** Milliseconds since the epoch: points in time that the answer names are compared with it. */
  readonly now: number;
}

/** An authorization code, and what is sent with it. */
export interface CodeToExchange {
  /** As the app got it, decoded. */
  readonly code: Secret;
  /**
   * `""` is sent as an empty parameter, which a phone's code needs: it was issued without a redirect. To the provider, a
   * parameter that is left out means something else.
   */
  readonly redirectUri?: string | undefined;
  /** Absent: the sign-in was started without one. */
  readonly codeVerifier?: Secret | undefined;
}

/**
 * Exchanges an authorization code.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
 * @see https://www.rfc-editor.org/rfc/rfc7636#section-4.5
 */
export function requestCodeExchange(
  request: TokenRequest,
  { code, redirectUri, codeVerifier }: CodeToExchange,
): Promise<TokenResponse> {
  const parameters = new URLSearchParams({ code: code.expose() });
  if (redirectUri !== undefined) parameters.set("redirect_uri", redirectUri);
  if (codeVerifier !== undefined) parameters.set("code_verifier", codeVerifier.expose());
  return post(request, "authorization_code", parameters, request.dpop === undefined ? undefined : jtiOf(code));
}

/**
 * Asks for a new access token.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
 */
export function requestRefresh(request: TokenRequest, refreshToken: Secret): Promise<TokenResponse> {
  return post(request, "refresh_token", new URLSearchParams({ refresh_token: refreshToken.expose() }));
}

/** What of a request must be repeated nowhere. */
const secretParameters = ["code", "code_verifier", "refresh_token", "client_secret", "client_assertion"];

async function post(
  request: TokenRequest,
  grantType: string,
  parameters: URLSearchParams,
  jti?: string,
): Promise<TokenResponse> {
  const { provider, endpoints, http, now, dpop } = request;
  const { timeoutMs } = http;
  for (const resource of [provider.resource ?? []].flat()) parameters.append("resource", resource);
  const sent = (): string[] => secretParameters.flatMap((name) => parameters.get(name) ?? []);
  const read = (result: HttpResult): TokenResponse => {
    if ((provider.identity ?? "id_token") === "id_token") return tokenResponseOf(result, now, provider, sent());
    const response = tokenResponseOf(
      withOwnTokens(provider, result, grantType === "refresh_token"),
      now,
      provider,
      sent(),
    );
    if (response.kind !== "tokens") return response;
    return { ...response, tokens: withoutIdToken(provider, result, response.tokens) };
  };
  if (dpop === undefined) return read(await send(request, grantType, parameters, timeoutMs));
  const proving = { url: endpoints.tokenEndpoint, now, timeoutMs, jti };
  const result = await dpop.send(proving, (proof, ms) => send(request, grantType, parameters, ms, proof));
  return boundBy(dpop.thumbprint, read(result));
}

/**
 * Sends the form, with how the client authenticates.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.2
 */
async function send(
  { provider, client, endpoints, authentication = recordedMethod(provider, client), http, now }: TokenRequest,
  grantType: string,
  parameters: URLSearchParams,
  timeoutMs: number,
  proof?: string,
): Promise<HttpResult> {
  parameters.set("grant_type", grantType);
  const added = new Headers();
  const { tokenEndpoint } = endpoints;
  const server = { issuer: provider.issuer, token_endpoint: tokenEndpoint };
  await authenticating(authentication, client, now)(server, { client_id: client.clientId }, parameters, added);
  const headers = {
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded;charset=UTF-8",
    ...Object.fromEntries(added),
    ...(proof === undefined ? {} : { dpop: proof }),
  };
  const bodyLimitBytes = Math.max(http.bodyLimitBytes, answerLimitBytes);
  return boundedForm({ ...http, bodyLimitBytes, timeoutMs, sought }, tokenEndpoint, headers, parameters);
}

/** The answer to a request with a proof: its refresh tokens are bound to the key. */
function boundBy(thumbprint: string, response: TokenResponse): TokenResponse {
  if (response.kind !== "tokens") return response;
  const { refreshToken, otherRefreshTokens, ...rest } = response.tokens;
  const bound = (token: Secret): Secret => new BoundToken(token.expose(), thumbprint);
  const tokens = {
    ...rest,
    ...defined({
      refreshToken: refreshToken && bound(refreshToken),
      otherRefreshTokens: otherRefreshTokens?.map(bound),
    }),
  };
  return { ...response, tokens };
}

/**
 * Sends what a method asks for.
 *
 * @param method of a client that has a secret; a client without one sends its id alone, whatever the method
 * @param now milliseconds since the epoch
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
 */
export function authenticating(
  method: ClientAuthenticationMethod,
  { clientSecret, privateKey }: Client,
  now: number,
): oauth.ClientAuth {
  if (privateKey !== undefined) return signedAssertion(privateKey, now);
  if (clientSecret === undefined || method === "none") return oauth.None();
  return method === "client_secret_basic"
    ? basicAuthentication(clientSecret)
    : oauth.ClientSecretPost(clientSecret.expose());
}

/**
 * Reads an HTTP result as the answer of a token endpoint. A refusal counts whatever the status, because some
 * providers send it with 200. It does not count beside a token: that answer may hold the only copy of a rotated
 * refresh token. For the same reason, an answer with success that is too large, or was cut off, counts where a refresh
 * token can be read in what came.
 *
 * @param now when the request was sent, milliseconds since the epoch
 * @param habits what the provider's record says of lifetimes
 * @param sent secrets of the request: what the provider says for people is not kept where it repeats one
 */
export function tokenResponseOf(
  result: HttpResult,
  now: number,
  habits: LifetimeHabits = {},
  sent: readonly string[] = [],
): TokenResponse {
  const context = { sentAt: now, habits };
  if (result.kind === "silence") {
    const { begun, ...silence } = result;
    return (begun === undefined ? undefined : tokensInPart(begun, context)) ?? silence;
  }
  const { status, headers, text } = result;
  const unusable = (error: string): TokenResponse =>
    defined({ kind: "unusable" as const, status, error, retryAfterMs: retryAfterMs(headers, now) });
  if (result.kind === "too-large") return tokensInPart(result, context) ?? unusable("body_too_large");

  const plain = isSuccess(status) ? plainTokenSet(text, habits) : undefined;
  if (plain !== undefined) return tokensAt(plain, headers);
  const answer = isSuccess(status) ? readAnswer(text) : undefined;
  if (answer?.isWhole === false) return tokensInPart(result, context) ?? unusable("not_json");
  const tokens = answer === undefined ? undefined : tokenSetOf(answer.members, { ...answer, ...context });
  if (tokens !== undefined) return tokensAt(tokens, headers);
  const body = answer?.members ?? readRefusal(text);
  if (body === undefined) return unusable("not_json");
  const refusal = refusalWord(body, status, sent);
  if (refusal === undefined) return unusable(noAccessToken);
  return defined({
    kind: "oauth-error" as const,
    status,
    error: refusal.error,
    errorSubtype: refusal.subtype,
    errorNumbers: refusal.numbers,
    says: refusal.says,
    retryAfterMs: retryAfterMs(headers, now),
  });
}

/**
 * The tokens in a part of an answer with success; undefined where no refresh token can be read in it. Without one, the
 * part says nothing: the rest may have replaced the refresh token that was sent. With what was found beyond the largest
 * body that is read comes the refresh token alone, and the next refresh brings everything else.
 */
function tokensInPart(
  { found, ...part }: HttpAnswer,
  context: Pick<AnswerContext, "sentAt" | "habits">,
): TokenResponse | undefined {
  const answer = isSuccess(part.status) ? readAnswer(part.text, false) : undefined;
  const tokens = answer === undefined ? undefined : tokenSetOf(answer.members, { ...answer, ...context });
  const hasRefreshToken = (tokens?.refreshToken ?? tokens?.otherRefreshTokens) !== undefined;
  if (tokens !== undefined && (answer?.isWhole === true || hasRefreshToken)) return { kind: "tokens", tokens };
  return found === undefined ? undefined : tokensInPart({ ...part, text: `{${found}` }, context);
}

function tokensAt(tokens: TokenSet, headers: AnswerHeaders): TokenResponse {
  const date = headers.get("date");
  return date === null ? { kind: "tokens", tokens } : { kind: "tokens", tokens, date };
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
