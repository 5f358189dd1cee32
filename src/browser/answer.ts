import { OnbehalfBrowserError } from "./errors.ts";
import { missingScopes, scopeList } from "./scopes.ts";
import type { Scopes } from "./scopes.ts";

/** The verified claims of the ID token, under their registered names. Only `sub` is always there. */
export interface Profile {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
  readonly picture?: string;
  readonly locale?: string;
  readonly family_name?: string;
  readonly given_name?: string;
}

/** Who signed in, and what the server may now do on their behalf. There is no token of the provider in here. */
export interface SignedIn {
  readonly subject: string;
  readonly profile: Profile;
  readonly grantId: string;
  /** What was granted, in the provider's own names. */
  readonly scopes: readonly string[];
  /** What was asked for and not granted: the person can untick each one. */
  readonly missingScopes: readonly string[];
  /** False: the server holds no refresh token and loses access when the access token ends, about an hour from now. */
  readonly offline: boolean;
  /** A short-lived JWT for the app's own backend, which checks it with `/.well-known/jwks.json`. */
  readonly signInAssertion: string | undefined;
  /** What to do about it, where the service has something to say (`offline: false`, for one). */
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

/** The pieces of an HTTP answer that decide what it means. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The `Retry-After` header. */
  readonly retryAfter: string | null;
}

/**
 * Reads the answer of `POST /authcode`.
 *
 * @throws {OnbehalfBrowserError} the service's own code (RFC 9457 problem), or `unexpected_answer` where something
 *   else than the service spoke: a proxy's error page, a single-page app's `index.html`.
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
      `the endpoint answered ${String(status)}, but not as Onbehalf`,
      {
        hint: "check that `endpoint` leads to the service's POST /authcode, through every proxy in between",
        status,
        retryAfterSeconds: secondsOf(retryAfter),
      },
    );
  }
  const granted = textOf(json["scope"]) ?? "";
  return {
    subject,
    profile: profileOf(json, subject),
    grantId,
    scopes: scopeList(granted),
    missingScopes: missingScopes(asked, granted),
    offline: json["offline"] === true,
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

/** `Retry-After` in seconds; its other form, a date, is left aside: the page's clock may be wrong by hours. */
function secondsOf(retryAfter: string | null): number | undefined {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
}
