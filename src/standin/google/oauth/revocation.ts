import { OAuthRefusal } from "../../http/oauth-form.ts";
import { json, mediaType } from "../../http/messages.ts";
import type { Incoming, Reply } from "../../http/messages.ts";
import type { AccessToken } from "../../state/ledger.ts";
import type { GoogleState } from "../state/google-state.ts";

/**
 * `POST /revoke`, token in the query or the body, no client authentication. Whichever token it is, everything of that
 * account and project ends with it: every scope, every token, every client. Other providers end less.
 */
export function revocationEndpoint(state: GoogleState, request: Incoming): Reply {
  const given = new URLSearchParams(request.query);
  if (mediaType(request.headers) === "application/x-www-form-urlencoded") {
    for (const [name, value] of new URLSearchParams(request.body.toString())) given.append(name, value);
  }
  // Older clients send the token in both places. Two different tokens are a mistake of the client.
  const [token = "", ...others] = new Set(given.getAll("token"));
  if (token === "" || others.length > 0) {
    throw new OAuthRefusal(400, "invalid_request", "Missing required parameter: token");
  }
  const found = state.ledger.bearer(token) ?? liveRefreshToken(state, token);
  if (found === undefined) throw new OAuthRefusal(400, "invalid_token", "Token expired or revoked");
  const { family, authorization } = found;
  if (state.settings.revocationEnds === "account" || family === undefined) state.ledger.end(authorization);
  else state.ledger.endFamily(family);
  return json(200, {}, { outcome: "revoked", grant: authorization.person.email });
}

type Found = Pick<AccessToken, "authorization" | "family">;

function liveRefreshToken({ ledger, settings }: GoogleState, value: string): Found | undefined {
  const token = ledger.refreshToken(value);
  if (token === undefined || ledger.deadSince(token.family) !== undefined) return undefined;
  // Only Google finds the whole account by any of its tokens, replaced ones included.
  if (settings.revocationEnds === "family" && token.supersededAt !== undefined) return undefined;
  const { family } = token;
  return { family, authorization: family.authorization };
}
