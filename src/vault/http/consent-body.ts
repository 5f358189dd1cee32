/** What an app is told of a consent. */
import type { Grant } from "../../core/grant.ts";
import { missingScopes } from "../../core/scopes.ts";
import type { Provider } from "../../providers/provider.ts";

/**
 * What an app may know of a consent: who signed in, and what was granted. No token of the provider is ever in it.
 *
 * @param requested the scopes that were asked for, so that `missing_scopes` can name those that were not granted
 */
export function consentBody(grant: Grant, provider: Provider, requested: readonly string[]): Record<string, unknown> {
  const missing = missingOf(grant, provider, requested);
  const { sub, email, email_verified, name, picture, locale, family_name, given_name } = grant.profile;
  return {
    sub,
    email,
    email_verified,
    name,
    picture,
    locale,
    family_name,
    given_name,
    grant_id: grant.grantId,
    scope: grant.scopes.join(" "),
    ...(missing.length === 0 ? {} : { missing_scopes: missing }),
    offline: grant.offline,
    ...(grant.offline
      ? {}
      : {
          offline_reason: "the provider sent no refresh token: it sends one only when consent is shown",
          hint: provider.offlineHint,
        }),
  };
}

/**
 * A grant that says what it lacks of what was asked for: whoever sent the code with a ticket does not know what that was.
 */
export function withMissing(grant: Grant, provider: Provider, requested: readonly string[] = []): Grant {
  const missing = missingOf(grant, provider, requested);
  return missing.length === 0 ? grant : { ...grant, missingScopes: missing };
}

/** What a grant lacks of what was asked for, and of what it covered once. */
function missingOf(grant: Grant, { canonicalScopes }: Provider, requested: readonly string[]): readonly string[] {
  // Only a verified ID token makes a grant, so that `openid` was granted whatever the list says.
  const proof = { signedIn: true, offline: grant.offline };
  return missingScopes([...requested, ...(grant.missingScopes ?? [])], grant.scopes, canonicalScopes, proof);
}
