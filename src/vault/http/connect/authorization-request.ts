import type { Authorization } from "../../../core/authorization.ts";
import { defined } from "../../../core/defined.ts";
import { isOnbehalfError } from "../../../core/errors.ts";
import { isUsable, scopesOf } from "../../../core/grant.ts";
import { lostScopes } from "../../../core/scopes.ts";
import { Secret } from "../../../core/secret.ts";
import { challengeOf } from "../../../crypto/code-challenge.ts";
import type { Provider } from "../../../providers/provider.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { VaultContext } from "../../context.ts";
import { findGrant } from "../../grants/find-grant.ts";
import { randomText } from "./link.ts";
import type { Asked, Flow } from "./link.ts";

/**
 * The sign-in of a link: what is sent to the provider, and what must come back.
 *
 * @param redirectUri the callback's address
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1
 * @see https://www.rfc-editor.org/rfc/rfc7636#section-4.3
 * @see https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest
 */
export async function newFlow(
  context: VaultContext,
  provider: Provider,
  facts: Authorization,
  asked: Asked,
  { browser, redirectUri: own }: Pick<Flow, "browser" | "redirectUri">,
): Promise<Flow> {
  const { authorizationRequest: habits = {} } = provider;
  const resource = facts.resource ?? provider.resource ?? [];
  const held = await heldGrant(context, asked);
  const offlineScope = habits.offlineScope ?? (facts.offersOfflineAccess ? "offline_access" : undefined);
  const scopes = scopesToAsk(provider, facts, asked, held, offlineScope);
  const [state, codeVerifier, nonce] = [randomText(), randomText(), randomText()];
  const redirectUri = facts.redirectUri ?? own;
  const url = new URL(facts.endpoint);
  const { searchParams: query } = url;
  for (const [name, value] of Object.entries(habits.parameters ?? {})) query.set(name, value);
  const isOffline = held !== undefined && isUsable(held.state) && held.refreshSealed !== null;
  const needsConsent =
    (habits.consentForOffline ?? (offlineScope !== undefined && habits.offlineScope === undefined)) && !isOffline;
  if (asked.forceConsent === true || needsConsent) query.set("prompt", "consent");
  const hint = hintOf(asked, habits);
  if (hint !== undefined) query.set("login_hint", hint);
  if (provider.hostedDomain !== undefined) query.set("hd", provider.hostedDomain);
  if (scopes.length > 0) query.set(habits.scopeParameter ?? "scope", scopes.join(habits.scopeSeparator ?? " "));
  query.delete("resource");
  for (const each of typeof resource === "string" ? [resource] : resource) query.append("resource", each);
  if (hasNonce(provider)) query.set("nonce", nonce);
  // Last: nothing that a record or an endpoint's own query says may take their place.
  query.set("response_type", "code");
  query.set("client_id", facts.clientId);
  query.set("redirect_uri", redirectUri);
  query.set("state", state);
  query.set("code_challenge", challengeOf(new Secret(codeVerifier)));
  query.set("code_challenge_method", "S256");
  const { clientId, issuer, sendsIssuer } = facts;
  return { browser, state, codeVerifier, nonce, redirectUri, url: url.href, clientId, issuer, sendsIssuer, scopes };
}

/** Which account the provider is to offer. Of a person who is known, the address is not shown to whoever has got the link. */
function hintOf(
  { subject, loginHint }: Asked,
  habits: NonNullable<Provider["authorizationRequest"]>,
): string | undefined {
  if (subject === undefined) return loginHint;
  return habits.subjectHint === true ? subject : undefined;
}

/** What a sign-in with an ID token asks for where nobody says it. */
const signInScopes = ["email", "profile"];

/** Whether a provider's sign-ins end with an ID token that carries our nonce. */
export function hasNonce({ identity = "id_token" }: Provider): boolean {
  return identity === "id_token";
}

/** The grant that the link adds to; undefined where there is none, or nobody knows which. */
async function heldGrant(
  context: VaultContext,
  { provider, externalId, account }: Asked,
): Promise<GrantRow | undefined> {
  try {
    return await findGrant(context, { provider, externalId, ...defined({ account }) });
  } catch (error) {
    if (isOnbehalfError(error, "store_unavailable") || !isOnbehalfError(error)) throw error;
    return undefined;
  }
}

/**
 * What to ask for: what the app wants, and what the grant covers already, so that a consent for more never covers less. Of a
 * grant that was ended nothing is asked for again: somebody has taken it back.
 */
function scopesToAsk(
  provider: Provider,
  facts: Authorization,
  { scopes: wanted = provider.scopes ?? facts.scopes ?? (hasNonce(provider) ? signInScopes : []) }: Asked,
  held: GrantRow | undefined,
  offlineScope: string | undefined,
): readonly string[] {
  const isOver = held === undefined || held.state === "revoked" || held.state === "revoking";
  const had = isOver ? [] : [...scopesOf(held.scope), ...scopesOf(held.lostScope)];
  const openid = hasNonce(provider) ? ["openid"] : [];
  const first = [...new Set([...openid, ...wanted, ...(offlineScope === undefined ? [] : [offlineScope])])];
  // Not what has another name among those that are asked for.
  return [...first, ...lostScopes(had, first, provider.canonicalScopes)];
}
