/**
 * Token exchange: who somebody is, proved by a handle or by a JWT of the app's own issuer, becomes their access token at a
 * provider.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8693
 */
import type { AccessToken, CallerView, Provider } from "../../../index.ts";
import { isOnbehalfError } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { Secret } from "../../../core/secret.ts";
import type { Parameters } from "../../../vault/http/parameters.ts";
import { oauthTokenBody, oauthTokenHeaders } from "../json-bodies.ts";
import { tokenFor } from "./asking.ts";
import type { Asking } from "./asking.ts";
import { handleIn, recordOf, tokenOf } from "./by-handle.ts";
import { OAuthError } from "./oauth-error.ts";
import { assertResource, assertScope, optional, required } from "./wanted-token.ts";

export const exchangeGrantType = "urn:ietf:params:oauth:grant-type:token-exchange";

const handleType = "urn:onbehalf:params:token-type:grant-handle";
const jwtTypes = ["urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"];
const accessTokenType = "urn:ietf:params:oauth:token-type:access_token";

/** What goes before the token's own members. */
const issued = `{"issued_token_type":"${accessTokenType}",`;

/** `grant_type=urn:ietf:params:oauth:grant-type:token-exchange`. */
export async function byTokenExchange(asking: Asking, parameters: Parameters): Promise<Response> {
  for (const name of ["actor_token", "actor_token_type"]) {
    // To pass over it would hide from the client that nobody knows of the actor.
    if (optional(parameters, name) === undefined) continue;
    throw new OAuthError("invalid_request", `${name} is not supported: the client itself is who acts; leave it out`);
  }
  const requested = optional(parameters, "requested_token_type") ?? accessTokenType;
  if (requested !== accessTokenType) {
    throw new OAuthError("invalid_request", `requested_token_type must be ${accessTokenType}, or be left out`);
  }
  const type = required(parameters, "subject_token_type");
  required(parameters, "subject_token");
  const token = type === handleType ? await ofHandle(asking, parameters) : await ofUser(asking, type, parameters);
  const body = oauthTokenBody(token, asking.vault.clock.now());
  return new Response(`${issued}${body.slice(1)}`, { headers: oauthTokenHeaders });
}

async function ofHandle(asking: Asking, parameters: Parameters): Promise<AccessToken> {
  const { vault, view } = asking;
  const handle = await handleIn(view, parameters, "subject_token");
  if ((optional(parameters, "audience") ?? handle.provider) !== handle.provider) {
    throw new OAuthError("invalid_target", "the handle is of another provider than audience names");
  }
  const provider = recordOf(vault, handle);
  assertResource(parameters, provider);
  return tokenOf(asking, handle, (given) => assertScope(parameters, given, provider));
}

async function ofUser(asking: Asking, type: string, parameters: Parameters): Promise<AccessToken> {
  const { vault, view } = asking;
  if (!jwtTypes.includes(type)) {
    throw new OAuthError(
      "invalid_request",
      `subject_token_type must be one of ${[handleType, ...jwtTypes].join(", ")}`,
    );
  }
  if (!vault.appUsers.isKnown) {
    throw new OAuthError(
      "invalid_request",
      "no issuer of JWTs is trusted here: the operator names them in ONBEHALF_TRUSTED_ISSUERS_FILE",
    );
  }
  const provider = providerFor(view, optional(parameters, "audience"));
  assertResource(parameters, provider);
  const user = await vault.appUsers.verify(new Secret(required(parameters, "subject_token")));
  if ("flaw" in user) {
    const why = user.flaw === "iss" ? "its issuer is not trusted here" : `it failed the check of ${user.flaw}`;
    throw new OAuthError("invalid_grant", `the subject token is not good: ${why}`);
  }
  const account = optional(parameters, "account");
  const ref = { provider: provider.name, externalId: user.externalId, ...defined({ account }) };
  const by = `user ${JSON.stringify([asking.callerId, ref])}`;
  return tokenFor(asking, by, ref, (given) => assertScope(parameters, given, provider)).catch((error: unknown) => {
    if (isOnbehalfError(error, "grant_not_found")) {
      throw new OAuthError(
        "invalid_grant",
        `nobody is known here by that id at ${provider.name}, or not to this client`,
      );
    }
    if (isOnbehalfError(error, "ambiguous_grant")) {
      throw new OAuthError(
        "invalid_request",
        "the user has connected several accounts: send account, the label of one",
      );
    }
    throw error;
  });
}

/** The provider that `audience` names. One that the client may not use is answered as one that is not there. */
function providerFor(view: CallerView, audience: string | undefined): Provider {
  const { providers } = view;
  const provider = providers.find(({ name }) => name === audience);
  if (provider !== undefined) return provider;
  const [only] = providers;
  if (audience === undefined && providers.length === 1 && only !== undefined) return only;
  if (audience === undefined) throw new OAuthError("invalid_request", "audience is missing: name the provider");
  throw new OAuthError("invalid_target", "audience must be the name of a provider");
}
