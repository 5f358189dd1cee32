import { defined } from "../../defined.ts";
import { insufficientScope, realm, unauthorized } from "./api-error.ts";
import { bearerOf, json, mediaType } from "../../http/messages.ts";
import type { Incoming, Reply } from "../../http/messages.ts";
import { profileClaims, wantsIdToken } from "./id-token.ts";
import type { AccessToken } from "../../state/ledger.ts";
import { emailScope, profileScope } from "../state/scopes.ts";
import { pictureUrl } from "../state/google-state.ts";
import type { GoogleState } from "../state/google-state.ts";

/** The bearer of a userinfo request: header, query, or the form of a POST. OpenID Connect Core 1.0 section 5.3.1. */
function bearerIn(state: GoogleState, request: Incoming): AccessToken | undefined {
  const inForm =
    mediaType(request.headers) === "application/x-www-form-urlencoded"
      ? new URLSearchParams(request.body.toString()).get("access_token")
      : null;
  const value = bearerOf(request.headers) ?? request.query.get("access_token") ?? inForm;
  return value === null ? undefined : state.ledger.bearer(value);
}

/** `GET|POST /v1/userinfo`: the claims that the token's scopes reach. */
export function userinfo(state: GoogleState, request: Incoming): Reply {
  const token = bearerIn(state, request);
  if (token === undefined) {
    const problem = { error: "invalid_request", error_description: "Invalid Credentials" };
    const headers = { "www-authenticate": `${realm}, error="invalid_token"` };
    return json(401, problem, { outcome: "unauthorized" }, headers);
  }
  const { person } = token.authorization;
  if (!wantsIdToken(token.scopes)) {
    return insufficientScope(
      ["openid", emailScope, profileScope],
      "openidconnect.googleapis.com",
      "userinfo",
      person.email,
    );
  }
  const claims = { sub: person.sub, ...profileClaims(person, token.scopes, pictureUrl(state, person)) };
  return json(200, claims, { outcome: "served", grant: person.email });
}

/** The same before OpenID Connect: `id` for `sub`, `verified_email` for `email_verified`. */
export function olderUserinfo(state: GoogleState, request: Incoming): Reply {
  const token = bearerIn(state, request);
  if (token === undefined) return unauthorized(true);
  const { person } = token.authorization;
  if (!wantsIdToken(token.scopes)) {
    return insufficientScope([emailScope, profileScope], "oauth2.googleapis.com", "userinfo", person.email);
  }
  const { email_verified: verified, ...claims } = profileClaims(person, token.scopes, pictureUrl(state, person));
  const older = { id: person.sub, ...claims, ...defined({ verified_email: verified }) };
  return json(200, older, { outcome: "served", grant: person.email });
}
