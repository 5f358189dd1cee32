import { defined } from "../core/defined.ts";
import { configurationInvalid } from "../core/errors.ts";
import type { Rotation } from "../core/refresh.ts";
import { assertOptionsOf } from "./assert-options.ts";
import { clientOf, clientOptions } from "./client-options.ts";
import type { ClientOptions } from "./client-options.ts";
import { habitOptions, habitsOf } from "./habit-options.ts";
import type { HabitOptions } from "./habit-options.ts";
import type { OidcOptions } from "./oidc.ts";
import type { Identity, Provider } from "./provider.ts";

/** What {@link oauth2} needs: a name, the endpoints or an issuer that names them, the client, and where people are named. */
export interface OAuth2Options extends ClientOptions, HabitOptions, Pick<OidcOptions, "redirectUriFor"> {
  /** Short name, as in `?provider=`: letters, digits and dashes. */
  readonly name: string;
  /** Where people consent. May be left out, together with {@link tokenEndpoint}, where there is an {@link issuer}. */
  readonly authorizationEndpoint?: string;
  /** Where codes and refresh tokens are sent. */
  readonly tokenEndpoint?: string;
  /** Where tokens are revoked (RFC 7009). Default: a grant is only ended here. */
  readonly revocationEndpoint?: string;
  /**
   * The provider's identifier, where it has one: compared with `iss`, and the audience of `private_key_jwt`. Without
   * endpoints, its document is read (RFC 8414). Default: none; the origin of the token endpoint then names the provider.
   */
  readonly issuer?: string;
  /** Where it stands who has consented: at a userinfo endpoint, in the token answer, or nowhere. */
  readonly identity: Exclude<Identity, "id_token">;
  /** What a refresh does to the refresh token. Default `strict`: no refresh is repeated unless that is proved to be safe. */
  readonly rotation?: Rotation;
  /** The API that tokens are for (RFC 8707), sent with each exchange and refresh. Default: nothing is sent. */
  readonly resource?: string | readonly string[];
  /** What a sign-in asks for that names no scopes itself. Default: nothing is known of that. */
  readonly scopes?: readonly string[];
  /** The member of token answers that holds the tokens, where it holds an access token: `authed_user`. Default: none. */
  readonly tokensIn?: string;
  /** Members of token answers that hold somebody else's tokens, and are left out. Default: none. */
  readonly otherTokensIn?: readonly string[];
}

/** Every option that there is. */
const known: Readonly<Record<keyof OAuth2Options, true>> = {
  name: true,
  authorizationEndpoint: true,
  tokenEndpoint: true,
  revocationEndpoint: true,
  issuer: true,
  ...clientOptions,
  identity: true,
  rotation: true,
  resource: true,
  scopes: true,
  tokensIn: true,
  otherTokensIn: true,
  redirectUriFor: true,
  ...habitOptions,
};

const askTheProvider =
  "ask for what makes this provider send a refresh token: its documentation names the scope or the parameter, if it gives " +
  "refresh tokens at all";

/**
 * Any OAuth 2.0 provider, as a record: no ID token is needed. Sends nothing.
 *
 * @param options endpoints or issuer, the client, and where people are named
 * @returns the record, for `openVault`
 * @throws {OnbehalfError} `configuration_invalid`: `options` is no object, or has a member that nobody knows; there are
 *   neither endpoints nor an issuer, or no identity
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749 | RFC 6749}
 */
export function oauth2(options: OAuth2Options): Provider {
  assertOptionsOf("oauth2", options, known, "{ name, authorizationEndpoint, tokenEndpoint, clientId, identity }");
  const { authorizationEndpoint, tokenEndpoint, revocationEndpoint, issuer } = options;
  const identity = options.identity as Identity | undefined;
  if (identity === undefined || identity === "id_token") {
    throw configurationInvalid(
      identity === undefined ? "oauth2() needs identity" : "oauth2() does not verify ID tokens",
      identity === undefined
        ? 'give { userinfo, subject }, { tokenAnswer }, or "none" where the app names each person by an external id'
        : "use oidc() for a provider whose people are named by ID tokens",
    );
  }
  const hasEndpoints = authorizationEndpoint !== undefined && tokenEndpoint !== undefined;
  if (!hasEndpoints && issuer === undefined) {
    throw configurationInvalid(
      `oauth2() needs ${tokenEndpoint === undefined ? "tokenEndpoint" : "authorizationEndpoint"}`,
      "give authorizationEndpoint and tokenEndpoint, or an issuer whose document names them (RFC 8414)",
    );
  }
  return defined({
    name: options.name,
    issuer: issuer ?? originOf(tokenEndpoint),
    isIssuerOurs: issuer === undefined ? true : undefined,
    identity,
    client: clientOf(options),
    endpoints: hasEndpoints
      ? defined({ authorizationEndpoint, tokenEndpoint, revocationEndpoint })
      : ("discover" as const),
    endpointsBeside: hasEndpoints ? undefined : defined({ authorizationEndpoint, tokenEndpoint, revocationEndpoint }),
    clientAuthentication: options.clientAuthentication,
    rotation: options.rotation ?? ("strict" as const),
    resource: options.resource,
    scopes: options.scopes,
    tokensIn: options.tokensIn,
    otherTokensIn: options.otherTokensIn,
    redirectUriFor: options.redirectUriFor ?? {},
    idTokenAlgorithms: [],
    ...habitsOf(options, askTheProvider),
    revocationEndsSiblings: false,
  });
}

/** What names a provider without an issuer. It stays when a path of its endpoints changes. */
function originOf(url: unknown): string {
  return typeof url === "string" && URL.canParse(url) ? new URL(url).origin : "";
}
