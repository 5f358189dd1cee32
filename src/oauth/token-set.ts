import { Secret } from "../secret.ts";
import { parseObject } from "./wire.ts";

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

/** RFC 6749 lets a provider leave `expires_in` out; an hour is the common life. */
const assumedLifeSeconds = 3600;

/** Visible ASCII alone: anything else in a token could break out of a header. */
const tokenForm = /^[\x21-\x7e]+$/;

/** Reads a token answer; undefined where it carries no usable access token. */
export function tokenSetOf(body: Record<string, unknown>): TokenSet | undefined {
  const accessToken = tokenOf(body["access_token"]);
  if (accessToken === undefined) return undefined;
  const type = body["token_type"];
  if (typeof type === "string" && type.toLowerCase() !== "bearer") return undefined;
  const refreshToken = tokenOf(body["refresh_token"]);
  const idToken = tokenOf(body["id_token"]);
  const refreshLife = seconds(body["refresh_token_expires_in"]);
  return {
    accessToken,
    expiresInSeconds: seconds(body["expires_in"]) ?? assumedLifeSeconds,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(refreshLife === undefined ? {} : { refreshTokenExpiresInSeconds: refreshLife }),
    ...(typeof body["scope"] === "string" ? { scope: body["scope"] } : {}),
    ...(idToken === undefined ? {} : { idToken }),
  };
}

/** The text that is sealed into the journal. Nothing else may see it. */
export function journalText(tokens: TokenSet, receivedAt: number): Secret {
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
export function fromJournal(text: string): { tokens: TokenSet; receivedAt: number } | undefined {
  const body = parseObject(text);
  const tokens = body === undefined ? undefined : tokenSetOf(body);
  const receivedAt = body?.["received_at"];
  return tokens === undefined || typeof receivedAt !== "number" ? undefined : { tokens, receivedAt };
}

function tokenOf(value: unknown): Secret | undefined {
  return typeof value === "string" && tokenForm.test(value) ? new Secret(value) : undefined;
}

function seconds(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number >= 0 ? Math.floor(number) : undefined;
}
