import { OnbehalfBrowserError } from "./errors.ts";
import { missingScopes, scopeList } from "./scopes.ts";
import type { Scopes } from "./scopes.ts";

/**
 * The verified claims of the ID token, by their registered names. Only `sub` is always present.
 *
 * @see {@link https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims | OpenID Connect Core 1.0 section 5.1}
 */
export interface Profile {
  /** The provider's id of the person: it never changes. */
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
  readonly picture?: string;
  readonly locale?: string;
  readonly family_name?: string;
  readonly given_name?: string;
}

/** Who signed in, and what the server may now do on their behalf. It contains no token of the provider. */
export interface SignedIn {
  /** The provider's id of the person, as in `profile.sub`. */
  readonly subject: string;
  readonly profile: Profile;
  /** The grant that the service keeps for this person. */
  readonly grantId: string;
  /** The scopes that the person granted, by the provider's own names. */
  readonly scopes: readonly string[];
  /** The scopes that the page asked for and the person did not grant: they can untick each one. */
  readonly missingScopes: readonly string[];
  /** Whether the service holds a refresh token. Without one it loses access when the access token ends, in about an hour. */
  readonly offline: boolean;
  /** A JWT for the app's own backend, valid for five minutes. The backend verifies it with `/.well-known/jwks.json`. */
  readonly signInAssertion: string | undefined;
  /** What to do next, where the service has advice: with `offline: false`, for one. */
  readonly hint: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function objectOf(body: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** The parts of an HTTP answer that decide what it means. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The `Retry-After` header. */
  readonly retryAfter: string | null;
}

/**
 * Reads the answer of `POST /authcode`.
 *
 * @throws {OnbehalfBrowserError} the code in the service's problem details
 * @throws {OnbehalfBrowserError} `unexpected_answer`: something else than the service answered, such as a proxy with an
 *   error page, or a single-page app with its `index.html`
 * @see {@link https://www.rfc-editor.org/rfc/rfc9457 | RFC 9457}
 */
export function signedInFrom({ status, body, retryAfter }: Answer, asked: Scopes): SignedIn {
  const json = objectOf(body);
  if (json !== undefined && status >= 400) {
    const code = textOf(json["error"]);
    if (code !== undefined) {
      throw new OnbehalfBrowserError(code, textOf(json["error_description"]) ?? `the service answered ${code}`, {
        hint: textOf(json["hint"]),
        status,
        retryAfterSeconds: secondsOf(retryAfter),
      });
    }
  }
  const subject = textOf(json?.["sub"]);
  const grantId = textOf(json?.["grant_id"]);
  if (status !== 200 || json === undefined || subject === undefined || grantId === undefined) {
    throw new OnbehalfBrowserError(
      "unexpected_answer",
      `the endpoint answered ${String(status)} with something that is not an answer of Onbehalf`,
      {
        hint: "check that `endpoint`, and every proxy on the way, leads to the service's POST /authcode",
        status,
        retryAfterSeconds: secondsOf(retryAfter),
      },
    );
  }
  const granted = textOf(json["scope"]) ?? "";
  const offline = json["offline"] === true;
  return {
    subject,
    profile: profileOf(json, subject),
    grantId,
    scopes: scopeList(granted),
    missingScopes: missingScopes(asked, granted, offline),
    offline,
    signInAssertion: textOf(json["sign_in_assertion"]),
    hint: textOf(json["hint"]),
  };
}

const profileTexts = ["email", "name", "picture", "locale", "family_name", "given_name"] as const;

function profileOf(json: Json, sub: string): Profile {
  const profile: { -readonly [Claim in keyof Profile]: Profile[Claim] } = { sub };
  for (const claim of profileTexts) {
    const value = textOf(json[claim]);
    if (value !== undefined) profile[claim] = value;
  }
  if (typeof json["email_verified"] === "boolean") profile.email_verified = json["email_verified"];
  return profile;
}

/** `Retry-After` in seconds. Its other form, a date, is ignored: the page's clock may be wrong by hours. */
function secondsOf(retryAfter: string | null): number | undefined {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
}
