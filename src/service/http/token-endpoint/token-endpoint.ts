/**
 * POST /oauth/token: a token endpoint for the client libraries of every language. A caller is the OAuth client, a handle
 * stands in the place of the refresh token. What a grant or a handle is, is decided by the vault.
 */
import type { Caller, CallerView, Vault } from "../../../index.ts";
import { isOnbehalfError } from "../../../index.ts";
import { Secret } from "../../../core/secret.ts";
import { formOf } from "../../../vault/http/parameters.ts";
import type { Parameters } from "../../../vault/http/parameters.ts";
import { readParameters } from "../../../vault/http/request-body.ts";
import { oauthTokenBody, tokenHeaders } from "../json-bodies.ts";
import { requestId } from "../routes/router.ts";
import { credentialsOf } from "./client-credentials.ts";
import { OAuthError, invalidClient, oauthErrorOf, oauthErrorResponse } from "./oauth-error.ts";

/** What may stand in a body, and must not in an address: addresses are logged in many places. */
const ofBodies = ["grant_type", "client_id", "client_secret", "refresh_token", "scope"];

/**
 * Answers a request to the token endpoint. It never rejects: errors are those of RFC 6749 section 5.2.
 *
 * @param onFault told of what nobody expected
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
 */
export async function tokenEndpoint(
  vault: Vault,
  request: Request,
  onFault?: (error: unknown) => void,
): Promise<Response> {
  try {
    return await answer(vault, request);
  } catch (error) {
    const known = oauthErrorOf(error);
    if (known.status === 500) onFault?.(error);
    return oauthErrorResponse(known);
  }
}

async function answer(vault: Vault, request: Request): Promise<Response> {
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
  return view.during(requestId(request), async () => {
    const grantType = required(parameters, "grant_type");
    if (grantType !== "refresh_token") {
      throw new OAuthError("unsupported_grant_type", "grant_type must be refresh_token");
    }
    return byHandle(vault, view, parameters);
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

/** A parameter that must be there. One without a value counts as left out (RFC 6749 section 3.2). */
function required(parameters: Parameters, name: string): string {
  const value = parameters.get(name);
  if (value !== undefined && value !== "") return value;
  throw new OAuthError("invalid_request", `${name} is missing`);
}

async function byHandle(vault: Vault, view: CallerView, parameters: Parameters): Promise<Response> {
  const handle = await view.handles.verify(new Secret(required(parameters, "refresh_token")));
  if (typeof handle === "string") throw new OAuthError("invalid_grant", flaws[handle]);
  const token = await view.getAccessToken({ grantId: handle.grantId }).catch((error: unknown) => {
    // What the caller does not see is not there: the same answer as to a handle that nobody has.
    throw isOnbehalfError(error, "grant_not_found") ? new OAuthError("invalid_grant", flaws.unknown) : error;
  });
  const beyond = view.handles.beyond(handle, token.scopes);
  if (beyond.length > 0) {
    throw new OAuthError(
      "invalid_scope",
      `the grant holds ${beyond.join(" ")} beyond the scopes of this handle, and an access token cannot be narrowed`,
    );
  }
  const missing = view.handles.missing(handle, wordsOf(parameters.get("scope")), token.scopes);
  if (missing.length > 0) {
    throw new OAuthError("invalid_scope", `the grant does not hold ${missing.join(" ")}`);
  }
  return new Response(oauthTokenBody(token, vault.clock.now()), { headers: { ...tokenHeaders, pragma: "no-cache" } });
}

function wordsOf(text = ""): readonly string[] {
  return text.split(" ").filter((each) => each !== "");
}

const flaws = {
  malformed: "refresh_token must be a handle (obh_...) of this service, and is none, or a damaged copy",
  unknown: "the handle is unknown here, or is another caller's",
  ended: "the handle was ended: ask whoever gave it for another one",
  expired: "the handle has expired: ask whoever gave it for another one",
} as const;
