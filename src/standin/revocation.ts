import { OAuthRefusal } from "./form.ts";
import { type Incoming, json, mediaType, type Reply } from "./http.ts";
import { type Authorization } from "./ledger.ts";
import { type World } from "./world.ts";

/**
 * `POST /revoke`, token in the query or the body, no client authentication. Whichever token it is, everything of that
 * account and project ends with it: every scope, every token, every client.
 */
export function revocationEndpoint(world: World, request: Incoming): Reply {
  const given = new URLSearchParams(request.query);
  if (mediaType(request.headers) === "application/x-www-form-urlencoded") {
    for (const [name, value] of new URLSearchParams(request.body.toString())) given.append(name, value);
  }
  // Older clients send it in both places; two different ones are nobody's intention.
  const [token = "", ...others] = new Set(given.getAll("token"));
  if (token === "" || others.length > 0) {
    throw new OAuthRefusal(400, "invalid_request", "Missing required parameter: token");
  }
  const found = authorizationOf(world, token);
  if (found === undefined) throw new OAuthRefusal(400, "invalid_token", "Token expired or revoked");
  world.ledger.end(found);
  return json(200, {}, { outcome: "revoked", grant: found.person.email });
}

function authorizationOf(world: World, token: string): Authorization | undefined {
  const bearer = world.ledger.bearer(token);
  if (bearer !== undefined) return bearer.authorization;
  const refresh = world.ledger.refreshToken(token);
  if (refresh === undefined || world.ledger.deadSince(refresh.family) !== undefined) return undefined;
  return refresh.family.authorization;
}
