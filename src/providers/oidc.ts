import { defined } from "../core/defined.ts";
import { assertOptionsOf } from "./assert-options.ts";
import type { Rotation } from "../core/refresh.ts";
import { clientOf, clientOptions } from "./client-options.ts";
import type { ClientOptions } from "./client-options.ts";
import { habitOptions, habitsOf } from "./habit-options.ts";
import type { HabitOptions } from "./habit-options.ts";
import type { CodeSource, Endpoints, Provider } from "./provider.ts";

/** What {@link oidc} needs: a name, the issuer and the client. The rest has careful defaults. */
export interface OidcOptions extends ClientOptions, HabitOptions {
  /** Short name, as in `?provider=`: letters, digits and dashes. */
  readonly name: string;
  /** The issuer's identifier; its discovery document is read at `{issuer}/.well-known/openid-configuration`. */
  readonly issuer: string;
  /**
   * Other values of `iss` that name the same issuer, such as the one with another slash at the end. In one, a claim's
   * name in braces stands for the ID token's own value of that claim: with `issuer`
   * `https://login.microsoftonline.com/common/v2.0` and here `https://login.microsoftonline.com/{tid}/v2.0`, people of
   * every tenant may sign in. Use braces only where `sub` names one person in all tenants. Default: none.
   */
  readonly alsoIssuedAs?: readonly string[];
  /**
   * Endpoints by hand. With `authorizationEndpoint`, `tokenEndpoint` and `jwksUri` no discovery document is read. With
   * fewer, these count, and the others are read from the document. Default: all are read.
   */
  readonly endpoints?: Partial<Endpoints>;
  /** What a refresh does to the refresh token. Default `strict`: no refresh is repeated unless that is proved to be safe. */
  readonly rotation?: Rotation;
  /** `redirect_uri` at the exchange, by the source of the code. Default: whoever hands a code over must give it. */
  readonly redirectUriFor?: Readonly<Partial<Record<CodeSource, string>>>;
  /** JWS algorithms accepted for ID tokens. Default RS256, ES256, PS256 and EdDSA. */
  readonly idTokenAlgorithms?: readonly string[];
  /**
   * Sources whose sign-in library makes a nonce and does not tell the app which: an ID token of such a code may have a
   * nonce that the request does not name. Default: none.
   */
  readonly unknownNonces?: readonly CodeSource[];
  /** Client ids accepted as `azp` beside our own: the app's other clients at this issuer. Default: none. */
  readonly authorizedParties?: readonly string[];
}

/** Every option that there is. */
const known: Readonly<Record<keyof OidcOptions, true>> = {
  name: true,
  issuer: true,
  alsoIssuedAs: true,
  ...clientOptions,
  endpoints: true,
  rotation: true,
  redirectUriFor: true,
  idTokenAlgorithms: true,
  unknownNonces: true,
  authorizedParties: true,
  ...habitOptions,
};

const askTheProvider =
  "ask for what makes this provider send a refresh token, and have consent shown (prompt=consent): its documentation " +
  "names the scope or the parameter, if it gives refresh tokens at all";

/**
 * Any OpenID Connect provider, as a record. Sends nothing: the discovery document is read when a vault is opened.
 *
 * @param options the issuer, the client, and what differs from the defaults
 * @returns the record, for `openVault`
 * @throws {OnbehalfError} `configuration_invalid`: `options` is no object, or has a member that nobody knows
 * @see {@link https://openid.net/specs/openid-connect-discovery-1_0.html | OpenID Connect Discovery 1.0}
 */
export function oidc(options: OidcOptions): Provider {
  assertOptionsOf("oidc", options, known, "{ name, issuer, clientId }");
  return defined({
    name: options.name,
    issuer: options.issuer,
    client: clientOf(options),
    alsoIssuedAs: options.alsoIssuedAs,
    ...endpointsOf(options.endpoints),
    clientAuthentication: options.clientAuthentication,
    rotation: options.rotation ?? ("strict" as const),
    redirectUriFor: options.redirectUriFor ?? {},
    idTokenAlgorithms: options.idTokenAlgorithms ?? ["RS256", "ES256", "PS256", "EdDSA"],
    unknownNonces: options.unknownNonces,
    authorizedParties: options.authorizedParties,
    ...habitsOf(options, askTheProvider),
    revocationEndsSiblings: false,
  });
}

function endpointsOf(given: Partial<Endpoints> | undefined): Pick<Provider, "endpoints" | "endpointsBeside"> {
  if (given === undefined) return { endpoints: "discover" };
  // Whatever else this is, it is told of when a vault is opened.
  if (typeof given !== "object" || (given as unknown) === null) return { endpoints: given as Endpoints };
  const { authorizationEndpoint, tokenEndpoint, jwksUri } = given;
  if (authorizationEndpoint === undefined || tokenEndpoint === undefined || jwksUri === undefined) {
    return { endpoints: "discover", endpointsBeside: given };
  }
  return { endpoints: { ...given, authorizationEndpoint, tokenEndpoint, jwksUri } };
}
