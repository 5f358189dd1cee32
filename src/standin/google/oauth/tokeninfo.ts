import { verify } from "node:crypto";
import { seconds } from "../../clock.ts";
import { bearerOf, json, mediaType } from "../../http/messages.ts";
import type { Incoming, Note, Reply } from "../../http/messages.ts";
import type { AccessToken } from "../../state/ledger.ts";
import { emailScope } from "../state/scopes.ts";
import type { GoogleState } from "../state/google-state.ts";

function invalid(error: string, description: string, status = 400): Reply {
  return json(status, { error, error_description: description }, { outcome: error });
}

/** `GET|POST /tokeninfo` with `id_token`, `access_token` or a bearer header. Every value comes as a string. */
export function tokeninfo(state: GoogleState, request: Incoming): Reply {
  const given = new URLSearchParams(request.query);
  if (mediaType(request.headers) === "application/x-www-form-urlencoded") {
    for (const [name, value] of new URLSearchParams(request.body.toString())) given.append(name, value);
  }
  const idToken = given.get("id_token");
  if (idToken !== null) {
    const claims = claimsOf(state, idToken);
    return claims === undefined ? invalid("invalid_token", "Invalid Value") : served(claims);
  }
  const value = given.get("access_token") ?? bearerOf(request.headers);
  if (value === undefined) return invalid("invalid_request", "either access_token, id_token, or token_handle required");
  const token = state.ledger.bearer(value);
  return token === undefined ? invalid("invalid_token", "Invalid Value") : served(about(state, token));
}

function about(state: GoogleState, token: AccessToken): Record<string, unknown> {
  const { person } = token.authorization;
  const email = token.scopes.includes(emailScope) ? { email: person.email, email_verified: person.emailVerified } : {};
  return {
    azp: token.azp,
    aud: token.clientId,
    sub: person.sub,
    scope: token.scopes.join(" "),
    exp: seconds(token.expiresAt),
    expires_in: Math.floor((token.expiresAt - state.clock.now()) / 1_000),
    ...email,
    access_type: token.family === undefined ? "online" : "offline",
  };
}

function served(claims: Record<string, unknown>): Reply {
  const strings = Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, String(value)]));
  const note: Note = { outcome: "served", grant: strings["email"] };
  return json(200, strings, note);
}

/** The claims of an ID token that we signed with a key that is still published and that has not expired. */
function claimsOf(state: GoogleState, idToken: string): Record<string, unknown> | undefined {
  const [head = "", payload = "", signature = "", ...rest] = idToken.split(".");
  if (rest.length > 0) return undefined;
  try {
    const header = JSON.parse(Buffer.from(head, "base64url").toString()) as { alg?: unknown; kid?: unknown };
    const key = state.keys.published().find(({ kid }) => kid === header.kid);
    if (key === undefined || header.alg !== "RS256") return undefined;
    const signed = Buffer.from(`${head}.${payload}`);
    if (!verify("sha256", signed, key.publicKey, Buffer.from(signature, "base64url"))) return undefined;
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    if (Number(claims["exp"]) <= seconds(state.clock.now())) return undefined;
    return { ...claims, alg: header.alg, kid: key.kid, typ: "JWT" };
  } catch {
    return undefined;
  }
}
