import { defined } from "../core/defined.ts";
import { assertOptionsOf } from "./assert-options.ts";
import type { Rotation } from "../core/refresh.ts";
import type { CanonicalScopes } from "../core/scopes.ts";
import { clientOf, clientOptions } from "./client-options.ts";
import type { ClientOptions } from "./client-options.ts";
import type { AuthorizationRequestHabits, CodeSource, Endpoints, Provider } from "./provider.ts";

/** What {@link oidc} needs: a name, the issuer and the client. The rest has careful defaults. */
export interface OidcOptions extends ClientOptions {
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
  /**
   * Scopes that the issuer answers under another name, by the name that the app asks with. A `*` at the end of a name
   * stands for any rest: `{"https://graph.microsoft.com/*": "*"}`. Default: none.
   */
  readonly canonicalScopes?: CanonicalScopes;
  /** Hosts that a token may be sent to; a leading `*.` stands for any subdomain. Default: none. */
  readonly apiHosts?: readonly string[];
  /**
   * Hosts among {@link apiHosts} that a token may not be sent to all the same, because they give out or end tokens and
   * keys: `sts.*.example.com`, `www.example.com/oauth2/*`. Default: none.
   */
  readonly tokenHosts?: readonly string[];
  /** Whether {@link apiHosts} may be reached at private, loopback and link-local addresses. Default: no. */
  readonly privateApis?: boolean;
  /** How long access tokens live, seconds, where the issuer's answers do not say it. Default: their end is not known. */
  readonly accessTokenTtlSeconds?: number;
  /** Further members of answers that announce the end of a refresh token (`moves`) or of a consent (`fixed`). */
  readonly announcedEnds?: Readonly<Record<string, "moves" | "fixed">>;
  /** How long a refresh token may be unused, days. Default: 30. */
  readonly keepAliveDays?: number;
  /**
   * Request headers of the provider's APIs that the service's proxy passes on, beside those of HTTP itself; a `*` at the
   * end stands for anything. Default: none.
   */
  readonly forwardHeaders?: readonly string[];
  /** What the issuer's error codes mean where that differs from RFC 6749. */
  readonly refusals?: Provider["refusals"];
  /**
   * Answers by which the issuer's APIs refuse a token, besides 401, such as `{ status: 403, word: "INVALID_SESSION_ID" }`.
   * Default: none.
   */
  readonly tokenRefusals?: Provider["tokenRefusals"];
  /** The page where a person can remove an app, for a hint where a revocation was not confirmed. Default: none. */
  readonly connectionsPage?: string;
  /** What people call the provider, for pages that they read. Default: its short name. */
  readonly displayName?: string;
  /** What the request of a connect link says besides the usual. Default: what {@link AuthorizationRequestHabits} says. */
  readonly authorizationRequest?: AuthorizationRequestHabits;
  /**
   * What an authorization request must say to get a refresh token, as a hint for developers, such as `ask for the scope
   * offline_access, with prompt=consent`. Default: to look into the issuer's documentation, as not every issuer knows
   * that scope, and some refuse a request that names it.
   */
  readonly offlineHint?: string;
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
  canonicalScopes: true,
  apiHosts: true,
  tokenHosts: true,
  privateApis: true,
  accessTokenTtlSeconds: true,
  announcedEnds: true,
  keepAliveDays: true,
  forwardHeaders: true,
  refusals: true,
  tokenRefusals: true,
  connectionsPage: true,
  displayName: true,
  authorizationRequest: true,
  offlineHint: true,
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
    canonicalScopes: options.canonicalScopes ?? {},
    apiHosts: options.apiHosts ?? [],
    tokenHosts: options.tokenHosts,
    privateApis: options.privateApis,
    accessTokenTtlSeconds: options.accessTokenTtlSeconds,
    announcedEnds: options.announcedEnds,
    keepAliveDays: options.keepAliveDays,
    forwardHeaders: options.forwardHeaders,
    refusals: options.refusals,
    revocationEndsSiblings: false,
    connectionsPage: options.connectionsPage,
    displayName: options.displayName,
    authorizationRequest: options.authorizationRequest,
    tokenRefusals: options.tokenRefusals,
    offlineHint: options.offlineHint ?? askTheProvider,
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
