import { bearerOf, json } from "../http/messages.ts";
import type { Incoming, Reply } from "../http/messages.ts";
import type { OAuth2State } from "../oauth2/oauth2-state.ts";
import type { AccessToken } from "../state/ledger.ts";
import { toolScopes } from "./tools.ts";

/** Path of the MCP server; its URL is the resource that tokens must be for. */
export const serverPath = "/mcp";

/** Where its metadata stands: the well-known path before its own (RFC 9728 section 3.1). */
export const metadataPath: string = `/.well-known/oauth-protected-resource${serverPath}`;

/** The MCP server's own URL. */
export function serverUrl(url: string): string {
  return `${url}${serverPath}`;
}

/** RFC 9728 section 2. */
export function protectedResourceMetadata({ url, issuer }: OAuth2State): Record<string, unknown> {
  return {
    resource: serverUrl(url),
    resource_name: "The stand-in's MCP server",
    authorization_servers: [issuer],
    scopes_supported: toolScopes,
    bearer_methods_supported: ["header"],
  };
}

/**
 * The access token that a request to the MCP server carries, or the 401 that it gets. A token for another resource is an
 * invalid one: who accepted it would let that resource act here for the person (RFC 8707, RFC 9700 section 2.3).
 */
export function admit(state: OAuth2State, request: Incoming): { token: AccessToken } | { refusal: Reply } {
  const value = bearerOf(request.headers);
  const token = value === undefined ? undefined : state.ledger.bearer(value);
  if (token?.audience?.includes(serverUrl(state.url)) === true) return { token };
  if (request.headers.authorization === undefined) {
    return { refusal: challenged(state, 401, {}, { outcome: "unauthorized" }) };
  }
  const description =
    token === undefined ? "The token is unknown, expired or revoked." : "The token is for another resource.";
  const outcome = token === undefined ? "unauthorized" : "wrong_audience";
  const error = { error: "invalid_token", error_description: description };
  return { refusal: challenged(state, 401, error, { outcome, grant: token?.authorization.person.email }) };
}

/** The 403 to a token without a scope. It names those that the next token must have, besides what this one has. */
export function insufficientScope(state: OAuth2State, token: AccessToken, needed: string): Reply {
  const scope = [...new Set([...token.scopes, needed])].join(" ");
  const error = { error: "insufficient_scope", error_description: `The tool needs the scope ${needed}.`, scope };
  const note = { outcome: "insufficient_scope", grant: token.authorization.person.email, clientId: token.clientId };
  return challenged(state, 403, error, note);
}

/** RFC 6750 section 3, with where the resource's metadata is (RFC 9728 section 5.1). */
function challenged(
  { url }: OAuth2State,
  status: 401 | 403,
  error: Readonly<Record<string, string>>,
  note: Exclude<Reply["note"], undefined>,
): Reply {
  const members = Object.entries({ ...error, resource_metadata: `${url}${metadataPath}` });
  const challenge = `Bearer ${members.map(([name, value]) => `${name}="${value}"`).join(", ")}`;
  return json(status, error, note, { "www-authenticate": challenge });
}
