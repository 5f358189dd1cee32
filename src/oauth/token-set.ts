import { Secret } from "../core/secret.ts";
import { parseObject } from "./bounded-fetch.ts";

/**
 * A successful answer of the token endpoint.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 */
export interface TokenSet {
  readonly accessToken: Secret;
  /** How long the access token lives, counted from when the request was sent. */
  readonly expiresInSeconds: number;
  /** Absent: the refresh token that was sent stays valid, or the person granted no offline access. */
  readonly refreshToken?: Secret;
  /** How long the person's consent itself lasts (time-based access). Absent: it has no end. */
  readonly refreshTokenExpiresInSeconds?: number;
  /** As granted. Absent: what was asked for was granted. */
  readonly scope?: string;
  readonly idToken?: Secret;
}

/** Tokens, and when their request was sent. */
export interface ReceivedTokens {
  readonly tokens: TokenSet;
  /** When the request was sent, milliseconds since the epoch. The lives of the tokens are counted from then. */
  readonly receivedAt: number;
}

/** Assumed where a provider leaves `expires_in` out, as RFC 6749 allows: most access tokens live for an hour. */
const assumedLifeSeconds = 3600;

/** A century. Whatever a provider writes, the time at which a token ends must stay within the range of a date. */
const longestLifeSeconds = 3_155_760_000;

/** Only visible ASCII: any other character of an access token could end the header that it is sent in. */
const headerSafe = /^[\x21-\x7e]+$/;

/** Reads an answer with tokens; undefined where it holds no usable access token. */
export function tokenSetOf(body: Record<string, unknown>): TokenSet | undefined {
  const accessToken = textOf(body["access_token"]);
  if (accessToken === undefined || !headerSafe.test(accessToken)) return undefined;
  const type = body["token_type"];
  if (typeof type === "string" && type.toLowerCase() !== "bearer") return undefined;
  // These are taken as they are. A refresh token is sent in a form, which can carry any character, and without it the
  // grant would be lost. An ID token is refused by its verifier where it is malformed.
  const refreshToken = textOf(body["refresh_token"]);
  const idToken = textOf(body["id_token"]);
  const scope = textOf(body["scope"]);
  const refreshLife = seconds(body["refresh_token_expires_in"]);
  return {
    accessToken: new Secret(accessToken),
    expiresInSeconds: seconds(body["expires_in"]) ?? assumedLifeSeconds,
    ...(refreshToken === undefined ? {} : { refreshToken: new Secret(refreshToken) }),
    // Some providers write 0 for a consent that has no end.
    ...(refreshLife === undefined || refreshLife === 0 ? {} : { refreshTokenExpiresInSeconds: refreshLife }),
    ...(scope === undefined ? {} : { scope }),
    ...(idToken === undefined ? {} : { idToken: new Secret(idToken) }),
  };
}

/** An answer as the text that is sealed into a journal. It may go nowhere else. */
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

/** Reads the text of {@link journalText}; undefined where it holds no usable access token. */
export function fromJournal(text: string): ReceivedTokens | undefined {
  const body = parseObject(text);
  const tokens = body === undefined ? undefined : tokenSetOf(body);
  const receivedAt = body?.["received_at"];
  return tokens === undefined || typeof receivedAt !== "number" ? undefined : { tokens, receivedAt };
}

/** A text; undefined where it is empty or absent. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Whole seconds, from a number or from digits in a string; undefined where there is neither. Below 0 becomes 0. */
function seconds(value: unknown): number | undefined {
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || Number.isNaN(number)) return undefined;
  return Math.min(Math.max(Math.floor(number), 0), longestLifeSeconds);
}
