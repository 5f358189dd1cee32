import { badRequest, OAuthRefusal } from "../http/oauth-form.ts";
import { fingerprint } from "../state/shortened.ts";
import { isInGrace } from "../state/rotation.ts";
import type { OAuth2State } from "./oauth2-state.ts";
import { targetOf } from "./resource.ts";
import { parseScope } from "./scopes.ts";
import type { Issued, TokenRequest } from "./token-request.ts";

/**
 * Uses a refresh token.
 *
 * @throws {OAuthRefusal} `invalid_grant`, `invalid_scope`, `invalid_target`, `invalid_request`
 * @see RFC 6749 section 6; RFC 9700 section 4.14.2; RFC 8707 section 2.2
 */
export function refresh(state: OAuth2State, { client, form, resources }: TokenRequest): Issued {
  const { ledger, settings, clock } = state;
  const value = form.get("refresh_token") || undefined;
  if (value === undefined) throw badRequest("refresh_token is missing.");
  const token = ledger.refreshToken(value);
  if (token === undefined) {
    throw new OAuthRefusal(400, "invalid_grant", "The refresh token is unknown.", {}, { clientId: client.id });
  }
  const { family } = token;
  const { authorization } = family;
  const note = {
    grant: authorization.person.email,
    clientId: client.id,
    family: family.id,
    generation: token.generation,
  };
  const refuse = (error: string, description: string, outcome = error): OAuthRefusal =>
    new OAuthRefusal(400, error, description, {}, { ...note, outcome });

  if (family.clientId !== client.id) {
    throw refuse("invalid_grant", "The refresh token was issued to another client.", "foreign_token");
  }
  const inGrace = isInGrace(token, settings, clock.now());
  if (token.supersededAt !== undefined && !inGrace) {
    if (settings.revokeFamilyOnReuse) ledger.endFamily(family);
    throw refuse("invalid_grant", "The refresh token was replaced, and used again.", "reused_token");
  }
  if (ledger.deadSince(family) !== undefined) {
    throw refuse("invalid_grant", "The refresh token has expired or was revoked.");
  }
  const scopes = narrowed(family.scopes, form.get("scope"));
  if (scopes === undefined) throw refuse("invalid_scope", "The refresh asks for more than was granted.");
  const audience = targetOf(state, resources, family.resources ?? []);

  family.lastUsedAt = clock.now();
  const replacement = inGrace ? family.current : settings.rotation === "none" ? undefined : ledger.rotate(family);
  const access = ledger.issueAccess({ authorization, family, clientId: client.id, azp: client.id, scopes, audience });
  const issued = replacement === undefined ? undefined : fingerprint(replacement.value);
  const outcome = inGrace ? "refreshed_in_grace" : "refreshed";
  return { access, refreshToken: replacement, note: { ...note, outcome, issued } };
}

function narrowed(granted: readonly string[], scope: string | undefined): readonly string[] | undefined {
  if (scope === undefined || scope === "") return granted;
  const asked = parseScope(scope);
  return asked?.every((word) => granted.includes(word)) === true ? asked : undefined;
}
