/**
 * POST /oauth/token: a token endpoint for the client libraries of every language. A caller is the OAuth client; a handle
 * stands in the place of a refresh token, or a JWT of the app's own says whose token it is. What a grant or a handle is, is
 * decided by the vault.
 */
import type { Caller, Vault } from "../../../index.ts";
import type { EarlyReturns } from "../../../vault/http/early-returns.ts";
import { formOf } from "../../../vault/http/parameters.ts";
import type { Parameters } from "../../../vault/http/parameters.ts";
import { readParameters } from "../../../vault/http/request-body.ts";
import { connectionOf } from "../connection-of.ts";
import { requestId } from "../../../vault/http/request-id.ts";
import { byHandle } from "./by-handle.ts";
import { byTokenExchange, exchangeGrantType } from "./by-token-exchange.ts";
import { credentialsOf } from "./client-credentials.ts";
import { OAuthError, invalidClient, oauthErrorOf, oauthErrorResponse } from "./oauth-error.ts";
import { required } from "./wanted-token.ts";

const grantTypes = new Map([
  ["refresh_token", byHandle],
  [exchangeGrantType, byTokenExchange],
]);

/** What belongs into a body, and must not stand in an address: addresses are logged in many places. */
const ofBodies = [
  "grant_type",
  "client_id",
  "client_secret",
  "refresh_token",
  "scope",
  "audience",
  "resource",
  "account",
  "subject_token",
  "subject_token_type",
  "actor_token",
  "actor_token_type",
  "requested_token_type",
];

/**
 * Answers a request to the token endpoint. It never rejects: errors are those of RFC 6749 section 5.2.
 *
 * @param onFault told of what nobody expected
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
 * @see https://www.rfc-editor.org/rfc/rfc8693#section-2
 */
export async function tokenEndpoint(
  vault: Vault,
  returns: EarlyReturns,
  request: Request,
  onFault?: (error: unknown) => void,
): Promise<Response> {
  try {
    return await answer(vault, returns, request);
  } catch (error) {
    const known = oauthErrorOf(error);
    if (known.status === 500) onFault?.(error);
    return oauthErrorResponse(known);
  }
}

async function answer(vault: Vault, returns: EarlyReturns, request: Request): Promise<Response> {
  if (request.method !== "POST") {
    throw new OAuthError("invalid_request", "the token endpoint takes POST alone", {
      status: 405,
      headers: { allow: "POST" },
    });
  }
  refuseQuery(request);
  const parameters = await readParameters(request);
  const caller = await clientOf(vault, request, parameters);
  const view = vault.forCaller(caller);
  view.assertAllowed("token");
  return view.during(requestId(request), () => {
    const by = grantTypes.get(required(parameters, "grant_type"));
    if (by !== undefined)
      return by({ vault, view, callerId: caller.callerId, returns, connection: connectionOf(request) }, parameters);
    throw new OAuthError("unsupported_grant_type", `grant_type must be ${[...grantTypes.keys()].join(" or ")}`);
  });
}

function refuseQuery({ url }: Request): void {
  const query = formOf(new URL(url).search);
  const name = ofBodies.find((each) => query.has(each));
  if (name === undefined) return;
  throw new OAuthError("invalid_request", `${name} must not be in the address: send it in the body, as a form`);
}

/** The caller that a client is. @throws {OAuthError} `invalid_client` */
async function clientOf(vault: Vault, request: Request, parameters: Parameters): Promise<Caller> {
  const { clientId, key } = credentialsOf(request.headers.get("authorization"), parameters);
  // A session's key is for the routes under /v1, and ends too soon for a client that keeps its secret.
  if (!key.expose().startsWith("obk_")) throw invalidClient();
  const caller = await vault.callers.authenticate(`Bearer ${key.expose()}`);
  if (caller.name !== clientId && caller.callerId !== clientId) throw invalidClient();
  return caller;
}
