import type { AccessToken, CallerView, Provider, Vault, VerifiedHandle } from "../../../index.ts";
import { isOnbehalfError } from "../../../index.ts";
import { whyBeyond } from "../../../core/scope-limit.ts";
import { Secret } from "../../../core/secret.ts";
import type { Parameters } from "../../../vault/http/parameters.ts";
import { oauthTokenBody, oauthTokenHeaders } from "../json-bodies.ts";
import { tokenFor } from "./asking.ts";
import type { Asking } from "./asking.ts";
import { OAuthError } from "./oauth-error.ts";
import { assertResource, assertScope, required } from "./wanted-token.ts";

/** `grant_type=refresh_token`, with a handle in the place of the refresh token. */
export async function byHandle(asking: Asking, parameters: Parameters): Promise<Response> {
  const { vault, view } = asking;
  const handle = await handleIn(view, parameters, "refresh_token");
  const provider = recordOf(vault, handle);
  assertResource(parameters, provider);
  const token = await tokenOf(asking, handle, (given) => assertScope(parameters, given, provider));
  return new Response(oauthTokenBody(token, vault.clock.now()), { headers: oauthTokenHeaders });
}

/**
 * What a handle stands for.
 *
 * @param name of the parameter that it comes in
 * @throws {OAuthError} `invalid_grant`: the handle is not good
 */
export async function handleIn(view: CallerView, parameters: Parameters, name: string): Promise<VerifiedHandle> {
  const handle = await view.handles.verify(new Secret(required(parameters, name)));
  if (typeof handle !== "string") return handle;
  throw new OAuthError(
    "invalid_grant",
    handle === "malformed"
      ? `${name} must be a handle (obh_...) of this service, and is none, or a damaged copy`
      : flaws[handle],
  );
}

/** The record of a handle's provider. Where that is not configured any more, nobody has the grant. */
export function recordOf({ providers }: Vault, handle: VerifiedHandle): Provider {
  const known = providers.find(({ provider }) => provider.name === handle.provider);
  if (known === undefined) throw new OAuthError("invalid_grant", flaws.unknown);
  return known.provider;
}

/**
 * The token that a handle gives.
 *
 * @param assertGiven throws where the token is not what was asked for
 * @throws {OAuthError} `invalid_grant`: its caller does not see the grant; `invalid_scope`: the grant holds more than it may give
 */
export async function tokenOf(
  asking: Asking,
  handle: VerifiedHandle,
  assertGiven: (token: AccessToken) => void,
): Promise<AccessToken> {
  return tokenFor(asking, handle.handleId, { grantId: handle.grantId }, (token) => {
    assertWithin(handle, asking.view, token);
    assertGiven(token);
  }).catch((error: unknown) => {
    // What the caller does not see is not there: the same answer as to a handle that nobody has.
    throw isOnbehalfError(error, "grant_not_found") ? new OAuthError("invalid_grant", flaws.unknown) : error;
  });
}

function assertWithin(handle: VerifiedHandle, view: CallerView, { scopes }: AccessToken): void {
  const beyond = view.handles.beyond(handle, scopes);
  if (beyond === undefined) return;
  throw new OAuthError(
    "invalid_scope",
    `the handle is limited to some scopes, and ${whyBeyond(beyond)}: an access token cannot be narrowed`,
  );
}

const flaws = {
  unknown: "the handle is unknown here, or is another caller's",
  ended: "the handle was ended: ask whoever gave it for another one",
  expired: "the handle has expired: ask whoever gave it for another one",
} as const;
