/**
 * The endpoints that programs call: token, revocation, tokeninfo, userinfo and discovery, with Google's words in each error.
 * The pages that a person sees are in `authorization/` and `pages/`; how tokens live and die is in `state/ledger.ts`.
 */

import { createHash } from "node:crypto";
import { authenticate } from "./client-authentication.ts";
import type { Client } from "../state/clients.ts";
import type { Challenge, Code } from "../state/codes.ts";
import { proofOf } from "./dpop.ts";
import { badRequest, OAuthRefusal, readForm } from "../../http/oauth-form.ts";
import { json, noStore } from "../../http/messages.ts";
import type { Incoming, Note, Reply } from "../../http/messages.ts";
import { idToken, wantsIdToken } from "./id-token.ts";
import type { AccessToken, RefreshToken } from "../../state/ledger.ts";
import { fingerprint } from "../../state/shortened.ts";
import { looksLikeCode } from "../state/opaque-values.ts";
import type { AccountRefusal, Person } from "../../state/people.ts";
import { belongs } from "./redirect-uri.ts";
import { refresh } from "./refresh-grant.ts";
import { pictureUrl } from "../state/google-state.ts";
import type { GoogleState } from "../state/google-state.ts";

/** `POST /token`. RFC 6749 sections 3.2, 4.1.3, 5 and 6, with Google's words in the errors. */
export function tokenEndpoint(state: GoogleState, request: Incoming): Reply {
  const form = readForm(request);
  const grantType = form.get("grant_type");
  if (grantType === undefined || grantType === "") throw badRequest("Missing required parameter: grant_type");
  if (grantType !== "authorization_code" && grantType !== "refresh_token") {
    throw new OAuthRefusal(400, "unsupported_grant_type", `Invalid grant_type: ${grantType}`);
  }
  const client = authenticate(request, form, state.clients);
  const isExchange = grantType === "authorization_code";
  const key = proofOf(state, request, isExchange ? (form.get("code") ?? "") : undefined);
  const reply = isExchange ? exchange(state, client, form, key) : refreshed(state, client, form, key);
  return key === undefined ? reply : { ...reply, headers: { ...reply.headers, ...nonceHeader(state) } };
}

/** Refuses what a Workspace administrator has forbidden for everybody or for this person. */
function refuseByPolicy(state: GoogleState, person: Person, note: Partial<Note>): void {
  const refusal: AccountRefusal | null = state.settings.refusal ?? person.refusal ?? null;
  if (refusal === null) return;
  if (refusal === "admin_policy_enforced") {
    throw new OAuthRefusal(
      400,
      refusal,
      "Access to your account data is restricted by policies within your organization.",
      {},
      note,
    );
  }
  const extra = { error_subtype: refusal, error_uri: "https://support.google.com/a/answer/9368756" };
  throw new OAuthRefusal(400, "invalid_grant", `reauth related error (${refusal})`, extra, note);
}

/** The nonce that the next proof must have; nothing where none is asked for. */
function nonceHeader({ settings, dpop }: GoogleState): Record<string, string> {
  return settings.dpopNonceSeconds === null ? {} : { "dpop-nonce": dpop.nonce(settings.dpopNonceSeconds) };
}

function exchange(
  state: GoogleState,
  client: Client,
  form: ReadonlyMap<string, string>,
  key: string | undefined,
): Reply {
  const given = form.get("code");
  if (given === undefined || given === "") throw badRequest("Missing required parameter: code");
  if (!looksLikeCode(given)) throw new OAuthRefusal(400, "invalid_grant", "Malformed auth code.");
  const code = state.codes.find(given);
  if (code === undefined) throw new OAuthRefusal(400, "invalid_grant", "Bad Request");
  const { authorization, scopes, azp } = code;
  const note = { grant: authorization.person.email, clientId: client.id };
  const refuse = (status: number, error: string, description: string, outcome = error): OAuthRefusal =>
    new OAuthRefusal(status, error, description, {}, { ...note, outcome });

  if (code.clientId !== client.id) throw refuse(401, "unauthorized_client", "Unauthorized");
  if (code.used) {
    if (state.settings.revokeOnCodeReuse && code.brought !== undefined) state.ledger.endFamily(code.brought);
    throw refuse(400, "invalid_grant", "Bad Request", "reused_code");
  }
  if (state.ledger.hasEnded(authorization)) throw refuse(400, "invalid_grant", "Bad Request");
  if (!belongs(code, client, form.get("redirect_uri"))) {
    code.used = state.settings.burnCodeOnMismatch;
    throw refuse(400, "redirect_uri_mismatch", "Bad Request");
  }
  const flaw = verifierFlaw(code.challenge, form.get("code_verifier"));
  if (flaw !== undefined) throw refuse(400, "invalid_grant", flaw);
  refuseByPolicy(state, authorization.person, note);

  code.used = true;
  const newToken = bringsRefreshToken(code)
    ? state.ledger.startFamily({ authorization, clientId: client.id, azp, scopes, boundTo: key })
    : undefined;
  if (newToken !== undefined) code.brought = newToken.family;
  const family = newToken?.family;
  const access = state.ledger.issueAccess({ authorization, family, clientId: client.id, azp, scopes });
  return answer(state, access, code.nonce, newToken, {
    ...note,
    outcome: "exchanged",
    family: family?.id,
    issued: newToken === undefined ? undefined : fingerprint(newToken.value),
  });
}

function bringsRefreshToken(code: Code): boolean {
  if (code.offline === "first") return !code.authorization.families.has(code.clientId);
  return code.offline === "always";
}

/** What is wrong with the code verifier, in Google's words (RFC 7636 section 4.6). */
function verifierFlaw(challenge: Challenge | undefined, verifier: string | undefined): string | undefined {
  if (challenge === undefined) {
    return verifier === undefined ? undefined : "code_verifier or verifier is not needed.";
  }
  if (verifier === undefined || verifier === "") return "Missing code verifier.";
  const hashed = challenge.method === "plain" ? verifier : createHash("sha256").update(verifier).digest("base64url");
  return hashed === challenge.value ? undefined : "Invalid code verifier.";
}

function refreshed(
  state: GoogleState,
  client: Client,
  form: ReadonlyMap<string, string>,
  key: string | undefined,
): Reply {
  const token = form.get("refresh_token");
  if (token === undefined || token === "") throw badRequest("Missing required parameter: refresh_token");
  const done = refresh(state, client.id, token, form.get("scope"), key, (person, note) =>
    refuseByPolicy(state, person, note),
  );
  return answer(state, done.access, undefined, done.replacement, done.note);
}

/** RFC 6749 section 5.1. */
function answer(
  state: GoogleState,
  access: AccessToken,
  nonce: string | undefined,
  refreshToken: RefreshToken | undefined,
  note: Note,
): Reply {
  const { settings, issuer } = state;
  const { person } = access.authorization;
  const isRefresh = note.outcome !== "exchanged";
  const body: Record<string, unknown> = {
    access_token: access.value,
    expires_in: Math.floor((access.expiresAt - access.issuedAt) / 1_000),
  };
  if (refreshToken !== undefined) body["refresh_token"] = refreshToken.value;
  const endsAt = access.family?.endsAt;
  if (endsAt !== undefined) body["refresh_token_expires_in"] = Math.floor((endsAt - access.issuedAt) / 1_000);
  body["scope"] = access.scopes.join(" ");
  body["token_type"] = "Bearer";
  if (wantsIdToken(access.scopes) && (!isRefresh || settings.idTokenOnRefresh)) {
    body["id_token"] = idToken(
      {
        issuer,
        audience: access.clientId,
        azp: access.azp,
        person,
        scopes: access.scopes,
        accessToken: access.value,
        pictureUrl: pictureUrl(state, person),
        nonce,
        now: access.issuedAt,
      },
      state.keys,
      settings,
    );
  }
  return json(200, body, note, noStore);
}
