import { OnbehalfError } from "../../index.ts";
import type { AccessToken, Grant } from "../../index.ts";

/** A grant as JSON: OAuth's spelling, times in ISO 8601, and no token. */
export function grantBody(grant: Grant): Record<string, unknown> {
  return {
    grant_id: grant.grantId,
    provider: grant.provider,
    issuer: grant.issuer,
    client_id: grant.clientId,
    subject: grant.subject,
    external_id: grant.externalId,
    profile: grant.profile,
    scope: grant.scopes.join(" "),
    state: grant.state,
    reason: grant.reason,
    since: grant.since,
    offline: grant.offline,
    generation: grant.generation,
    created_at: grant.createdAt,
    updated_at: grant.updatedAt,
    last_refresh_at: grant.lastRefreshAt,
    access_expires_at: grant.accessExpiresAt,
    last_error: grant.lastError,
  };
}

/** Everything of a token answer but its end, which changes with every second. */
const heads = new WeakMap<AccessToken, string>();

/**
 * A token as RFC 6749 section 5.1 has it, plus `expires_at` in epoch seconds. Written by hand because it is the one
 * answer that is given thousands of times a second.
 */
export function tokenBody(token: AccessToken, now: number): string {
  let head = heads.get(token);
  const expiresAt = Math.floor(token.expiresAt.getTime() / 1000);
  if (head === undefined) {
    const members = JSON.stringify({
      access_token: token.token,
      token_type: "Bearer",
      scope: token.scopes.join(" "),
      expires_at: expiresAt,
    });
    head = `${members.slice(0, -1)},"expires_in":`;
    heads.set(token, head);
  }
  return `${head}${Math.max(0, Math.floor((token.expiresAt.getTime() - now) / 1000))}}`;
}

/** The headers of a token answer (RFC 6749 section 5.1). */
export const tokenHeaders: Readonly<Record<string, string>> = {
  "content-type": "application/json",
  "cache-control": "no-store",
};

/**
 * A query's whole number.
 *
 * @throws {OnbehalfError} `invalid_request`
 */
export function wholeNumber(name: string, text: string | undefined, from: number, to: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= from && value <= to) return value;
  throw new OnbehalfError("invalid_request", `${name} must be a whole number from ${from} to ${to}`, {
    hint: `send ${name} as plain digits, or leave it out`,
    details: { parameter: name },
  });
}
