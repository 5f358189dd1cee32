import { Secret } from "../core/secret.ts";
import { parseObject } from "./bounded-fetch.ts";

/** A successful answer of the token endpoint (RFC 6749 section 5.1), secrets wrapped. */
export interface TokenSet {
  readonly accessToken: Secret;
  /** Seconds of life, from when the request was sent. */
  readonly expiresInSeconds: number;
  readonly refreshToken?: Secret;
  /** Seconds until consent itself ends (time-based access). */
  readonly refreshTokenExpiresInSeconds?: number;
  readonly scope?: string;
  readonly idToken?: Secret;
}

/** Tokens, and when they were asked for. */
export interface ReceivedTokens {
  readonly tokens: TokenSet;
  /** When the request was sent, milliseconds since the epoch: the tokens' lives count from then. */
  readonly receivedAt: number;
}

/** RFC 6749 lets a provider leave `expires_in` out; an hour is the common life. */
const assumedLifeSeconds = 3600;

/** A century. No sum with it leaves the range of a date, whatever a provider writes. */
const longestLifeSeconds = 3_155_760_000;

/** Visible ASCII alone: anything else in an access token could break out of the header that it is sent in. */
const headerSafe = /^[\x21-\x7e]+$/;

/** Reads a token answer; undefined where it carries no usable access token. */
export function tokenSetOf(body: Record<string, unknown>): TokenSet | undefined {
  const accessToken = textOf(body["access_token"]);
  if (accessToken === undefined || !headerSafe.test(accessToken)) return undefined;
  const type = body["token_type"];
  if (typeof type === "string" && type.toLowerCase() !== "bearer") return undefined;
  // Taken as they are: a refresh token goes back in a form, which carries anything, and to drop one for its looks
  // would lose the grant; an ID token's form is for its verifier to refuse.
  const refreshToken = textOf(body["refresh_token"]);
  const idToken = textOf(body["id_token"]);
  const scope = textOf(body["scope"]);
  const refreshLife = seconds(body["refresh_token_expires_in"]);
  return {
    accessToken: new Secret(accessToken),
    expiresInSeconds: seconds(body["expires_in"]) ?? assumedLifeSeconds,
    ...(refreshToken === undefined ? {} : { refreshToken: new Secret(refreshToken) }),
    // Providers write 0 for consent that does not end.
    ...(refreshLife === undefined || refreshLife === 0 ? {} : { refreshTokenExpiresInSeconds: refreshLife }),
    ...(scope === undefined ? {} : { scope }),
    ...(idToken === undefined ? {} : { idToken: new Secret(idToken) }),
  };
}

/** The text that is sealed into the journal. Nothing else may see it. */
export function journalText({ tokens, receivedAt }: ReceivedTokens): Secret {
  return new Secret(
    JSON.stringify({
      received_at: receivedAt,
      access_token: tokens.accessToken.expose(),
      expires_in: tokens.expiresInSeconds,
      refresh_token: tokens.refreshToken?.expose(),
      refresh_token_expires_in: tokens.refreshTokenExpiresInSeconds,
      scope: tokens.scope,
      id_token: tokens.idToken?.expose(),
    }),
  );
}

/** Reads a journalled answer back. */
export function fromJournal(text: string): ReceivedTokens | undefined {
  const body = parseObject(text);
  const tokens = body === undefined ? undefined : tokenSetOf(body);
  const receivedAt = body?.["received_at"];
  return tokens === undefined || typeof receivedAt !== "number" ? undefined : { tokens, receivedAt };
}

/** An empty string says as much as none. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A number, or digits in a string; undefined where there is none. What is below zero has ended. */
function seconds(value: unknown): number | undefined {
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || Number.isNaN(number)) return undefined;
  return Math.min(Math.max(Math.floor(number), 0), longestLifeSeconds);
}
