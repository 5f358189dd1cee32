import { bearerOf, json } from "../http/messages.ts";
import type { Incoming, Reply } from "../http/messages.ts";
import { accountOf } from "./account.ts";
import type { OAuth2State } from "./oauth2-state.ts";

/** `GET /user`: who consented, in members of this provider's own, as at GitHub. Any good token will do. */
export function user(state: OAuth2State, request: Incoming): Reply {
  const value = bearerOf(request.headers);
  const token = value === undefined ? undefined : state.ledger.bearer(value);
  if (token === undefined) {
    const challenge = request.headers.authorization === undefined ? "Bearer" : 'Bearer error="invalid_token"';
    const body = { message: value === undefined ? "Requires authentication" : "Bad credentials" };
    return json(401, body, { outcome: "unauthorized" }, { "www-authenticate": challenge });
  }
  const { person } = token.authorization;
  const { id, login } = accountOf(person);
  const body = { id, login, name: person.name, email: person.email };
  return json(200, body, { outcome: "served", grant: person.email, clientId: token.clientId });
}
