/*
 * The largest scopes that a key or a handle may give: an access token cannot be narrowed once it is there, so one that may
 * do more is not handed out. Where a limit is kept does not belong here.
 */
import { missingScopes } from "./scopes.ts";
import type { CanonicalScopes } from "./scopes.ts";

/** Who signed in is no right to anything of theirs: these are never beyond a limit, in any spelling. */
const identityScopes = ["openid", "email", "profile"];

/**
 * The scopes of a grant that are beyond a limit, in the provider's own names. Where there are none, a token of the grant may
 * be handed out.
 *
 * @param limit the largest scopes, in any of the provider's names
 * @param granted what the grant holds
 * @param canonical the provider's names
 */
export function scopesBeyond(
  limit: readonly string[],
  granted: readonly string[],
  canonical: CanonicalScopes = {},
): readonly string[] {
  return missingScopes(granted, [...limit, ...identityScopes], canonical, { signedIn: true, offline: true });
}
