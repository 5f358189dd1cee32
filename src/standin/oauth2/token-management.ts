import { defined } from "../defined.ts";
import { seconds } from "../clock.ts";
import { json, noStore } from "../http/messages.ts";
import type { Incoming, Note, Reply } from "../http/messages.ts";
import { badRequest, OAuthRefusal, readForm } from "../http/oauth-form.ts";
import type { AccessToken, RefreshToken } from "../state/ledger.ts";
import { accountOf } from "./account.ts";
import { authenticate } from "./client-authentication.ts";
import type { OAuth2State } from "./oauth2-state.ts";

type Found = { readonly access: AccessToken } | { readonly refreshToken: RefreshToken };

/** A token that is good now, of either kind: a hint of its type need not be right (RFC 7009 section 2.1). */
function find({ ledger }: OAuth2State, value: string): Found | undefined {
  const access = ledger.bearer(value);
  if (access !== undefined) return { access };
  const refreshToken = ledger.refreshToken(value);
  if (refreshToken === undefined || refreshToken.supersededAt !== undefined) return undefined;
  return ledger.deadSince(refreshToken.family) === undefined ? { refreshToken } : undefined;
}

function tokenIn(form: ReadonlyMap<string, string>): string {
  const token = form.get("token");
  if (token === undefined || token === "") throw badRequest("token is missing.");
  return token;
}

/**
 * `POST /revoke` (RFC 7009). A token that is not known, or no longer good, is answered as one that was revoked.
 *
 * @throws {OAuthRefusal} `invalid_client`; `unauthorized_client` where the token is another client's
 */
export function revocationEndpoint(state: OAuth2State, incoming: Incoming): Reply {
  const { ledger, settings } = state;
  const form = readForm(incoming);
  const client = authenticate(state, incoming, form);
  const found = find(state, tokenIn(form));
  const note: Note = { outcome: "revoked_nothing", clientId: client.id };
  if (found === undefined) return { status: 200, headers: noStore, note };
  const owner = "access" in found ? found.access : found.refreshToken.family;
  const grant = owner.authorization.person.email;
  if (owner.clientId !== client.id) {
    throw new OAuthRefusal(
      400,
      "unauthorized_client",
      "The token was issued to another client.",
      {},
      { ...note, grant },
    );
  }
  if (settings.revocationEnds === "account") ledger.end(owner.authorization);
  else if ("access" in found) ledger.endAccess(found.access);
  else ledger.endFamily(found.refreshToken.family);
  const family = "access" in found ? found.access.family?.id : found.refreshToken.family.id;
  return { status: 200, headers: noStore, note: { ...note, outcome: "revoked", grant, family } };
}

/** `POST /introspect` (RFC 7662), for clients that prove who they are. */
export function introspectionEndpoint(state: OAuth2State, incoming: Incoming): Reply {
  const form = readForm(incoming);
  const client = authenticate(state, incoming, form);
  const note = { outcome: "introspected", clientId: client.id };
  if (client.method === "none") {
    throw new OAuthRefusal(401, "invalid_client", "A public client may not look into tokens.", {}, note);
  }
  const found = find(state, tokenIn(form));
  if (found === undefined) return json(200, { active: false }, note, noStore);
  const owner = "access" in found ? found.access : found.refreshToken.family;
  const { person } = owner.authorization;
  const { login, id } = accountOf(person);
  const body = {
    active: true,
    scope: owner.scopes.join(" "),
    client_id: owner.clientId,
    username: login,
    sub: String(id),
    iss: state.issuer,
    ...("access" in found ? accessMembers(found.access) : {}),
  };
  return json(200, body, { ...note, grant: person.email }, noStore);
}

function accessMembers({ issuedAt, expiresAt, audience }: AccessToken): object {
  return defined({
    token_type: "Bearer",
    iat: seconds(issuedAt),
    exp: expiresAt === Infinity ? undefined : seconds(expiresAt),
    aud: audience === undefined || audience.length === 0 ? undefined : audience,
  });
}
