/*
 * The largest scopes that a key or a handle may give: an access token cannot be narrowed once it is there, so one that may
 * do more is not handed out. Where a limit is kept does not belong here.
 */
import { missingScopes } from "./scopes.ts";
import type { CanonicalScopes } from "./scopes.ts";

/** Who signed in is no right to anything of theirs: these are never beyond a limit, in any spelling. */
const identityScopes = ["openid", "email", "profile"];

/**
 * The scopes of a grant that are beyond a limit, in the provider's own names. Where a provider says nothing of scopes, nothing
 * shows that a token stays within, so that it may not be handed out.
 *
 * @param limit the largest scopes, in any of the provider's names
 * @param granted what the grant holds
 * @param canonical the provider's names
 * @returns undefined: the grant stays within the limit, and its token may be handed out; empty: nobody knows what it covers
 */
export function scopesBeyond(
  limit: readonly string[],
  granted: readonly string[],
  canonical: CanonicalScopes = {},
): readonly string[] | undefined {
  const beyond = missingScopes(granted, [...limit, ...identityScopes], canonical, { signedIn: true, offline: true });
  return beyond.length === 0 && granted.length > 0 ? undefined : beyond;
}

/** Why a token is beyond a limit, for messages. */
export function whyBeyond(beyond: readonly string[]): string {
  const [first] = beyond;
  if (first === undefined) return "the provider does not say which scopes the grant covers";
  return `the grant covers ${first}${beyond.length > 1 ? ` and ${beyond.length - 1} more` : ""} as well`;
}
