import { createHash } from "node:crypto";
import { badRequest, OAuthRefusal } from "../http/oauth-form.ts";
import { fingerprint } from "../state/shortened.ts";
import { isRegisteredRedirect } from "./clients.ts";
import type { Client } from "./clients.ts";
import type { Code, OAuth2State } from "./oauth2-state.ts";
import { targetOf } from "./resource.ts";
import type { Issued, TokenRequest } from "./token-request.ts";

/**
 * Exchanges a code.
 *
 * @throws {OAuthRefusal} `invalid_grant`, `invalid_target`, `invalid_request`
 * @see RFC 6749 section 4.1.3; RFC 7636 section 4.6; RFC 8707 section 2.2
 */
export function exchange(state: OAuth2State, { client, form, resources }: TokenRequest): Issued {
  const { ledger, settings } = state;
  const given = form.get("code") || undefined;
  if (given === undefined) throw badRequest("code is missing.");
  const code = state.codes.find(given);
  if (code === undefined) {
    throw new OAuthRefusal(400, "invalid_grant", "The code is unknown or has expired.", {}, { clientId: client.id });
  }
  const { authorization, scopes } = code;
  const note = { grant: authorization.person.email, clientId: client.id };
  const refuse = (description: string, outcome = "invalid_grant"): OAuthRefusal =>
    new OAuthRefusal(400, "invalid_grant", description, {}, { ...note, outcome });

  // Before the use is looked at: another client that stole a code must not be able to end what it brought.
  if (code.clientId !== client.id) throw refuse("The code was issued to another client.", "foreign_code");
  if (code.used) {
    if (settings.revokeOnCodeReuse) endWhatItBrought(state, code);
    throw refuse("The code was used before.", "reused_code");
  }
  if (ledger.hasEnded(authorization)) throw refuse("The person has taken the access back.");
  if (!isSameRedirect(code, client, form.get("redirect_uri") || undefined)) {
    code.used = settings.burnCodeOnMismatch;
    throw refuse("redirect_uri is not that of the authorization request.", "redirect_uri_mismatch");
  }
  const flaw = verifierFlaw(code.challenge, form.get("code_verifier") || undefined);
  if (flaw !== undefined) throw refuse(flaw, "verifier_mismatch");
  const audience = targetOf(state, resources, code.resources);

  code.used = true;
  const base = { authorization, clientId: client.id, azp: client.id, scopes };
  const brings = client.grantTypes.includes("refresh_token") && bringsRefreshToken(state, code);
  const refreshToken = brings ? ledger.startFamily({ ...base, resources: code.resources }) : undefined;
  const family = refreshToken?.family;
  const access = ledger.issueAccess({ ...base, family, audience });
  code.brought = { access, family };
  const issued = refreshToken === undefined ? undefined : fingerprint(refreshToken.value);
  return { access, refreshToken, note: { ...note, outcome: "exchanged", family: family?.id, issued } };
}

function endWhatItBrought({ ledger }: OAuth2State, { brought }: Code): void {
  if (brought === undefined) return;
  ledger.endAccess(brought.access);
  if (brought.family !== undefined) ledger.endFamily(brought.family);
}

/**
 * RFC 6749 section 4.1.3: the URI of the authorization request, character by character. Where that named none, the exchange
 * need not either.
 */
function isSameRedirect(code: Code, client: Client, given: string | undefined): boolean {
  if (code.redirectUri !== undefined) return given === code.redirectUri;
  return given === undefined || isRegisteredRedirect(client, given);
}

/** What is wrong with the code verifier (RFC 7636 section 4.6, RFC 9700 section 4.8.2). */
function verifierFlaw(challenge: string | undefined, verifier: string | undefined): string | undefined {
  if (challenge === undefined) {
    // Without this, whoever removes the challenge from a request could still exchange its code: a PKCE downgrade.
    return verifier === undefined ? undefined : "code_verifier without a challenge in the authorization request.";
  }
  if (verifier === undefined) return "code_verifier is missing.";
  const isRight = createHash("sha256").update(verifier).digest("base64url") === challenge;
  return isRight && /^[\w.~-]{43,128}$/.test(verifier) ? undefined : "code_verifier is wrong.";
}

function bringsRefreshToken({ settings }: OAuth2State, { authorization, clientId, scopes }: Code): boolean {
  switch (settings.refreshToken) {
    case "always":
      return true;
    case "never":
      return false;
    case "first":
      return !authorization.families.has(clientId);
    case "offline_access":
      return scopes.includes("offline_access");
  }
}
