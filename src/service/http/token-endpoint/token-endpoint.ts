/**
 * POST /oauth/token: a token endpoint for the client libraries of every language. A caller is the OAuth client, a handle
 * stands in the place of the refresh token. What a grant or a handle is, is decided by the vault.
 */
import type { AccessToken, Caller, CallerView, Vault } from "../../../index.ts";
import { isOnbehalfError } from "../../../index.ts";
import { clientMarginMs } from "../../../core/early-return.ts";
import { Secret } from "../../../core/secret.ts";
import type { VerifiedHandle } from "../../../vault/http/handles.ts";
import { connectionOf } from "../connection-of.ts";
import type { EarlyReturns } from "../../../vault/http/early-returns.ts";
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
  return view.during(requestId(request), async () => {
    const grantType = required(parameters, "grant_type");
    if (grantType !== "refresh_token") {
      throw new OAuthError("unsupported_grant_type", "grant_type must be refresh_token");
    }
    return byHandle({ vault, view, returns, connection: connectionOf(request) }, parameters);
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

/** Who asks, and by what. */
interface Asking {
  readonly vault: Vault;
  readonly view: CallerView;
  readonly returns: EarlyReturns;
  readonly connection: object | undefined;
}

async function byHandle(asking: Asking, parameters: Parameters): Promise<Response> {
  const { vault, view } = asking;
  const handle = await view.handles.verify(new Secret(required(parameters, "refresh_token")));
  if (typeof handle === "string") throw new OAuthError("invalid_grant", flaws[handle]);
  const asked = wordsOf(parameters.get("scope"));
  const token = await tokenFor(handle, asking, (given) => assertScopes(handle, view, asked, given)).catch(
    (error: unknown) => {
      // What the caller does not see is not there: the same answer as to a handle that nobody has.
      throw isOnbehalfError(error, "grant_not_found") ? new OAuthError("invalid_grant", flaws.unknown) : error;
    },
  );
  return new Response(oauthTokenBody(token, vault.clock.now()), { headers: { ...tokenHeaders, pragma: "no-cache" } });
}

/** @throws {OAuthError} `invalid_scope`: the token is good for more than the handle, or for less than was asked for */
function assertScopes(
  handle: VerifiedHandle,
  view: CallerView,
  asked: readonly string[],
  { scopes }: AccessToken,
): void {
  const beyond = view.handles.beyond(handle, scopes);
  if (beyond.length > 0) {
    throw new OAuthError(
      "invalid_scope",
      `the grant holds ${beyond.join(" ")} beyond the scopes of this handle, and an access token cannot be narrowed`,
    );
  }
  const missing = view.handles.missing(handle, asked, scopes);
  if (missing.length > 0) throw new OAuthError("invalid_scope", `the grant does not hold ${missing.join(" ")}`);
}

/**
 * The token of a handle's grant, or another one where an API has probably refused that.
 *
 * @param assertGiven throws where a token may not be given. Whoever gets none has nothing to come back for
 */
async function tokenFor(
  { handleId, grantId }: VerifiedHandle,
  { vault, view, returns, connection }: Asking,
  assertGiven: (token: AccessToken) => void,
): Promise<AccessToken> {
  const minTtlSeconds = clientMarginMs / 1_000;
  const token = await view.getAccessToken({ grantId }, { minTtlSeconds });
  assertGiven(token);
  if (!returns.isRefused(handleId, token, vault.clock.now(), connection)) return token;
  try {
    // Without a refresh token there is no other one, and a token that is said to be refused would end.
    if (!(await view.grant({ grantId })).offline) return token;
    const next = await view.getAccessToken({ grantId }, { minTtlSeconds, refused: returns.digestOf(token) });
    assertGiven(next);
    returns.isRefused(handleId, next, vault.clock.now(), connection);
    return next;
  } catch (error) {
    if (!isOnbehalfError(error) || !("retryAfterMs" in error.details)) throw error;
    // That it was refused is a guess: while there is no other, this one is better than none.
    returns.failed(handleId);
    return token;
  }
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
