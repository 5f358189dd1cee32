import { defined } from "../core/defined.ts";
import { OnbehalfError } from "../core/errors.ts";
import { subjectOfExternalId } from "../core/external-ids.ts";
import type { Profile } from "../core/grant.ts";
import { meaningOf, refusalsOf, saysLater } from "../core/refresh.ts";
import { isRecent, remainingMs } from "../core/recorded-time.ts";
import type { Secret } from "../core/secret.ts";
import type { Provider, UserinfoIdentity } from "../providers/provider.ts";
import { parseObject, retryAfterMs } from "./bounded-fetch.ts";
import type { BoundedFetch, HttpResult } from "./bounded-fetch.ts";
import { exactJson, memberAt, subjectText } from "./exact-json.ts";
import { refusalWord } from "./refusal-word.ts";
import { withAnyRefreshToken } from "./token-set.ts";
import type { TokenSet } from "./token-set.ts";
import { askUserinfo } from "./userinfo.ts";

/** What is known of a sign-in whose person no ID token names. */
export interface SignInToIdentify {
  readonly tokens: TokenSet;
  /** When the request for them was sent, milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The app's own user id. Undefined: none was given. */
  readonly externalId: string | undefined;
  /** The label of one of that user's accounts. Undefined: none was given. */
  readonly account: string | undefined;
}

/** What {@link identify} needs besides. */
export interface Asking {
  readonly http: BoundedFetch;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * How long the provider's word that an access token is not good cannot mean that it has ended, milliseconds: from when it
 * was asked for. Within that time the token is refused for another reason, and the next one would be refused as well.
 */
const freshMs = 60_000;

/**
 * Finds out who has consented, in the way that the provider's record names.
 *
 * @returns undefined: there is no access token to ask with any more, or none yet, and the answer's refresh token can get one
 * @throws {OnbehalfError} `code_rejected`: the answer names nobody, or the userinfo endpoint refuses the token for good
 * @throws {OnbehalfError} `provider_unavailable`: the userinfo endpoint gives no usable answer just now
 */
export async function identify(
  provider: Provider,
  { tokens, receivedAt, externalId, account }: SignInToIdentify,
  asking: Asking,
): Promise<Profile | undefined> {
  const { identity, name } = provider;
  if (typeof identity === "object" && "userinfo" in identity) {
    const { accessToken, expiresInSeconds } = tokens;
    const canRenew = withAnyRefreshToken(tokens).refreshToken !== undefined;
    if (accessToken === undefined) {
      if (canRenew) return undefined;
      throw unnamed(name, "no_access_token");
    }
    const hasEnded =
      expiresInSeconds !== undefined &&
      remainingMs(receivedAt + expiresInSeconds * 1_000, receivedAt, asking.now) === 0;
    if (canRenew && hasEnded) return undefined;
    const mayHaveEnded = canRenew && !isRecent(receivedAt, asking.now, freshMs);
    return profileFrom(provider, identity, accessToken, { ...asking, mayHaveEnded });
  }
  if (identity === "none") {
    if (externalId === undefined) throw unnamed(name, "no_external_id");
    return { sub: subjectOfExternalId(name, externalId, account) };
  }
  if (tokens.subject === undefined) throw unnamed(name, "no_subject");
  return { sub: tokens.subject };
}

async function profileFrom(
  provider: Provider,
  identity: UserinfoIdentity,
  accessToken: Secret,
  { http, now, mayHaveEnded }: Asking & { readonly mayHaveEnded: boolean },
): Promise<Profile | undefined> {
  const result = await askUserinfo(http, identity, accessToken);
  const answer = result.kind === "body" && isSuccess(result) ? exactJson(result.text) : undefined;
  const sub = subjectText(memberAt(answer, identity.subject));
  if (sub !== undefined) return profileOf(sub, answer, identity);
  if (mayHaveEnded && result.kind === "body" && result.status === 401) return undefined;
  throw failure(provider, result, now);
}

function isSuccess({ status }: { readonly status: number }): boolean {
  return status >= 200 && status < 300;
}

const claims = ["email", "name", "picture", "given_name", "family_name", "locale"] as const;

/** @see https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
function profileOf(sub: string, answer: unknown, identity: UserinfoIdentity): Profile {
  const profile: Profile = { sub };
  for (const claim of claims) {
    const path = identity[claim];
    const value = path === undefined ? undefined : memberAt(answer, path);
    if (typeof value === "string" && value !== "") profile[claim] = value;
  }
  const { email_verified: verified } = identity;
  const isVerified = verified === undefined ? undefined : memberAt(answer, verified);
  return { ...profile, ...defined({ email_verified: typeof isVerified === "boolean" ? isVerified : undefined }) };
}

/**
 * What an answer without an id means. The provider's word that it cannot answer now, or nobody's word at all, is an outage:
 * the answer to the code stays in the journal, and the person is asked for later. Any other answer would be the same again.
 */
function failure(provider: Provider, result: HttpResult, now: number): OnbehalfError {
  const { name, issuer } = provider;
  const later = (why: string, waitMs = 5_000): OnbehalfError =>
    new OnbehalfError("provider_unavailable", `${name} does not say who has consented just now (${why})`, {
      hint: "nothing was lost: the sign-in is finished once its userinfo endpoint answers",
      details: { issuer, retryAfterMs: waitMs },
    });
  if (result.kind === "silence") return later(result.error);
  const { status, headers, text } = result;
  const waitMs = retryAfterMs(headers, now);
  const body = result.kind === "body" ? parseObject(text) : undefined;
  const word = body === undefined ? undefined : refusalWord(body, status)?.error;
  const isPage = body === undefined && text.trim() !== "";
  const meaning = word === undefined ? undefined : meaningOf(refusalsOf(provider), word);
  const isLater =
    status >= 500 ||
    saysLater(status) ||
    waitMs !== undefined ||
    // GitHub refuses a request too many with 403, and says so only here.
    headers.get("x-ratelimit-remaining") === "0" ||
    meaning === "transient" ||
    meaning === "limited" ||
    // A page is of somebody between us and the provider, whatever its status. So is a redirect.
    (isPage && status !== 401) ||
    (status >= 300 && status < 400);
  if (isLater) return later(word ?? `http_${status}`, waitMs);
  return unnamed(name, word ?? (isSuccess(result) ? "no_subject" : `http_${status}`));
}

const hints: Readonly<Record<string, string>> = {
  no_subject: "look at the subject of identity in the provider's record: its answer has no such text or whole number",
  no_access_token: "start a new sign-in: the answer to the code held no access token to ask with",
  no_external_id: "send the app's own user id with the code, as external_id",
};

/** Nobody knows whose tokens these are. They are neither handed out nor revoked: that could end another grant. */
function unnamed(provider: string, error: string): OnbehalfError<"code_rejected"> {
  return new OnbehalfError("code_rejected", `${provider} does not say who has consented (${error})`, {
    hint:
      (Object.hasOwn(hints, error) ? hints[error] : undefined) ??
      "look whether the sign-in asks for the scope that its userinfo endpoint wants, then start a new sign-in",
    details: { providerError: error },
  });
}
