/**
 * Providers: what each of them is called, where it is reached and which habits it has, as data.
 * Nothing here sends a request or decides anything: `oauth/` speaks the protocol, and `core/` holds the decisions.
 */

import type { Refusals, Rotation } from "../core/refresh.ts";
import type { CanonicalScopes } from "../core/scopes.ts";
import type { Secret } from "../core/secret.ts";

/** Where a one-time code came from; it decides `redirect_uri` at the exchange. */
export type CodeSource = "android" | "ios" | "web-popup" | "web-redirect";

/** Every {@link CodeSource}. */
export const codeSources: readonly CodeSource[] = ["android", "ios", "web-popup", "web-redirect"];

/**
 * An OAuth client as the provider registered it.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-2 | RFC 6749 section 2}
 */
export interface Client {
  readonly clientId: string;
  /** Absent for public clients, and for those that sign with a key. */
  readonly clientSecret?: Secret;
  /** Signs the assertions of `private_key_jwt`: PEM, or a JWK as JSON. Absent: the client has no key. */
  readonly privateKey?: Secret;
}

/** A client that need not be made beforehand: it is registered at the authorization server when it is first needed. */
export interface ClientToRegister {
  /** What people read when they are asked for consent. */
  readonly clientName: string;
  /** The one redirect URI of its sign-ins. */
  readonly redirectUri: string;
  /**
   * Where the document is served that describes the client, an https URL: its id at servers that take one. Absent: there
   * is none, and a client is registered (RFC 7591).
   *
   * @see {@link https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/ | Client ID Metadata Documents}
   */
  readonly documentUrl?: string;
}

/**
 * How a client says who it is at the token endpoint.
 *
 * @see {@link https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication | OpenID Connect Core 1.0 section 9}
 */
export type ClientAuthenticationMethod = "client_secret_post" | "client_secret_basic" | "private_key_jwt" | "none";

/**
 * Where it stands who has consented. `id_token`: in the ID token, verified. An object with `userinfo`: at an address that
 * is asked with the access token. An object with `tokenAnswer`: in that member of the token endpoint's answer, as a path
 * such as `authed_user.id`. `none`: nowhere, so the app's own user id names the grant, and must come with each code.
 */
export type Identity = "id_token" | "none" | TokenAnswerIdentity | UserinfoIdentity;

/** Who has consented stands in the token endpoint's answer. */
export interface TokenAnswerIdentity {
  /**
   * The member with the person's id, as a path: `authed_user.id`. A text, or a whole number. Of several, all must be there,
   * and they are joined by colons: where a person's id is one within a workspace alone. Of a list within the list, the
   * first that is there counts: `[["team.id", "enterprise.id"], "authed_user.id"]`.
   */
  readonly tokenAnswer: string | readonly (string | readonly string[])[];
}

/** Who has consented is asked with the access token. Each member but the first three is the path of a claim there. */
export interface UserinfoIdentity {
  /** What is asked, an absolute URL. Never redirected, so that the token goes nowhere else. */
  readonly userinfo: string;
  /** Further request headers, such as a version that the API wants. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON with POST. Absent: a GET without a body. */
  readonly body?: Readonly<Record<string, unknown>> | null;
  /** The member with the person's id: one that never changes and is never given to another. A text, or a whole number. */
  readonly subject: string;
  readonly email?: string;
  readonly email_verified?: string;
  readonly name?: string;
  readonly picture?: string;
  readonly given_name?: string;
  readonly family_name?: string;
  readonly locale?: string;
}

/**
 * Where a provider is reached, each an absolute URL.
 *
 * @see {@link https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata | OpenID Connect Discovery 1.0 section 3}
 */
export interface Endpoints {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  /** Needed where {@link Provider.identity} is `id_token`. */
  readonly jwksUri?: string;
  /**
   * Absent: the provider is not told of a revocation, and the grant is only ended here.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc7009 | RFC 7009}
   */
  readonly revocationEndpoint?: string;
}

/** What an authorization request to a provider says besides what every provider takes. */
export interface AuthorizationRequestHabits {
  /** Further parameters of each request: `{ access_type: "offline" }`. Default: none. */
  readonly parameters?: Readonly<Record<string, string>>;
  /**
   * The scope without which there is no refresh token, added to what is asked for. Default: `offline_access` where the
   * provider's discovery document lists it among its scopes, otherwise none.
   */
  readonly offlineScope?: string;
  /**
   * Whether it gives a refresh token only where it shows the consent page: then `prompt=consent` is sent while none is held.
   * Default: true with a default {@link offlineScope}, otherwise false.
   */
  readonly consentForOffline?: boolean;
  /** The parameter that holds the scopes. Default: `scope`. */
  readonly scopeParameter?: string;
  /** What stands between two scopes. Default: a space. */
  readonly scopeSeparator?: string;
  /**
   * Whether `login_hint` may be a person's `sub`, so that a link to connect an account again leads to that account without
   * showing its address. Default: false.
   */
  readonly subjectHint?: boolean;
}

/**
 * Who sends security events about a provider's people.
 *
 * @see {@link https://openid.net/specs/openid-sharedsignals-framework-1_0.html | OpenID Shared Signals Framework 1.0}
 */
export interface SignalSource {
  /** `iss` of its Security Event Tokens, character by character. It is the provider's own, or another's. */
  readonly issuer: string;
  /** Other values of `iss` that it uses. Default: none. */
  readonly alsoIssuedAs?: readonly string[];
  /** Where its keys are published. Default: what its configuration says, at `/.well-known/ssf-configuration`. */
  readonly jwksUri?: string;
  /**
   * What its tokens have as `aud` for us, where that is not the client's id: a transmitter that is not the provider itself
   * chooses it, and tells it where the stream is registered. Default: the client's id alone.
   */
  readonly audience?: string | readonly string[];
  /** Whether its tokens may lack the type `secevent+jwt` in their header. Default: no. */
  readonly isTypOptional?: boolean;
}

/**
 * A provider as a record: its endpoints and its habits. A new provider is a record like the one of `google()`, never a
 * class.
 */
export interface Provider {
  /** Short name, as in `?provider=google`. */
  readonly name: string;
  /** The issuer's identifier, compared with `iss`. */
  readonly issuer: string;
  /**
   * Whether {@link issuer} is only our own name for a provider that has no issuer identifier: the origin of its token
   * endpoint. It is then compared with nothing. Absent: it is the provider's own.
   */
  readonly isIssuerOurs?: boolean;
  /**
   * The URL of an MCP server, or of another resource that says itself which authorization server it has. The endpoints are
   * then those of that server, and {@link issuer} is this URL. Absent: the provider is its own authorization server.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc9728 | RFC 9728}
   */
  readonly server?: string;
  /** Where it stands who has consented. Default: `id_token`. An ID token that comes in any other case is ignored. */
  readonly identity?: Identity;
  /**
   * Other values of `iss` that name the same issuer, and other names that its discovery document may have. In one, a
   * claim's name in braces stands for the ID token's own value of that claim:
   * `https://login.microsoftonline.com/{tid}/v2.0` accepts every tenant. `sub` must then name a person in all of them.
   */
  readonly alsoIssuedAs?: readonly string[];
  /**
   * Our client, the file that describes it, or `none`. With `none` a program can list and show grants and manage caller
   * keys; each exchange, refresh and revocation fails with `client_misconfigured`. One to `register` needs a
   * {@link server}.
   */
  readonly client:
    | Client
    | { readonly clientSecretFile: string }
    | { readonly clientId: string; readonly privateKeyFile: string }
    | { readonly register: ClientToRegister }
    | "none";
  /**
   * Known endpoints, or `discover`: the issuer's document is read when a vault is opened. With ID tokens, that is
   * `/.well-known/openid-configuration`; without, first the one of RFC 8414 section 3.
   */
  readonly endpoints: Endpoints | "discover";
  /** With `discover`: endpoints that count in place of those of the document. Default: none. */
  readonly endpointsBeside?: Partial<Endpoints>;
  /**
   * How the client authenticates. Default: with `discover`, what the discovery document lists, and Basic where it lists
   * nothing; otherwise `client_secret_post`. A public client sends its id alone, one with a private key an assertion.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 | RFC 6749 section 2.3.1}
   */
  readonly clientAuthentication?: ClientAuthenticationMethod;
  /**
   * The API that tokens are for, an absolute URI or several: sent with each exchange and refresh. Absent: nothing is.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc8707#section-2 | RFC 8707 section 2}
   */
  readonly resource?: string | readonly string[];
  /** What a sign-in asks for that names no scopes itself. Absent: nothing is known of that. */
  readonly scopes?: readonly string[];
  /** The member of token answers that holds the tokens, where it holds an access token: `authed_user`. Absent: none. */
  readonly tokensIn?: string;
  /** Members of token answers, as paths, that hold somebody else's tokens, and are left out. Absent: none. */
  readonly otherTokensIn?: readonly string[];
  /**
   * Whether its refresh tokens are to be bound to a key that the keeper has (RFC 9449): the provider must know DPoP at its
   * token endpoint, and go on giving out bearer tokens. Absent: no. Tokens that are bound already stay usable either way.
   */
  readonly dpop?: boolean;
  /** What a refresh does to the refresh token. It decides when another process may repeat a refresh. */
  readonly rotation: Rotation;
  /**
   * What the exchange sends as `redirect_uri`, by the source of the code. For a source that is absent here, whoever
   * hands the code over must give the `redirect_uri`.
   */
  readonly redirectUriFor: Readonly<Partial<Record<CodeSource, string>>>;
  /** JWS algorithms accepted for ID tokens. A token signed with any other is refused. */
  readonly idTokenAlgorithms: readonly string[];
  /**
   * Sources whose sign-in library makes a nonce of its own and does not tell the app which. A code from there may have an
   * ID token with a nonce that the request does not name. Absent: from nowhere.
   */
  readonly unknownNonces?: readonly CodeSource[];
  /** Values of `azp` accepted beside our own client id. Absent: {@link clientProject} decides; without that, none. */
  readonly authorizedParties?: readonly string[];
  /**
   * Where a client id names its project: the first group. Clients of one project are one owner's, so an `azp` of the
   * same project is one of our own apps.
   */
  readonly clientProject?: RegExp;
  /** Accept only people of this hosted domain (`hd`). Absent: everybody. */
  readonly hostedDomain?: string;
  /** Scopes that the provider answers under another name than the one that an app may ask with. */
  readonly canonicalScopes: CanonicalScopes;
  /**
   * Hosts that a token may be sent to; a leading `*.` stands for any subdomain, and `host:port` for that port alone. Empty: a
   * token is sent nowhere.
   */
  readonly apiHosts: readonly string[];
  /**
   * Hosts among {@link apiHosts} that a token may not be sent to all the same: those that give out or end tokens and
   * keys, so that whoever may call an API cannot make other tokens of one. A path may follow the host, and one `*` stands for
   * anything: `sts.*.example.com`, `www.example.com/oauth2/*`. Absent: none.
   */
  readonly tokenHosts?: readonly string[];
  /**
   * Whether the names of {@link apiHosts} may mean private, loopback or link-local addresses, as those of an API inside a
   * company's network do. Absent: no, and a call to one that does fails. {@link apiBaseUrl} may name any address.
   */
  readonly privateApis?: boolean;
  /**
   * Request headers that the provider's APIs know, beside those of HTTP itself, such as `x-goog-*`: the service's proxy
   * passes them on. A name that ends in `*` stands for all that begin so; case does not matter. Absent: none.
   */
  readonly forwardHeaders?: readonly string[];
  /** Where `https://{apiHost}` is reached instead: a stand-in. Absent: at the host itself. */
  readonly apiBaseUrl?: string;
  /** What the provider's error codes mean where that differs from RFC 6749. Absent: the standard meanings. */
  readonly refusals?: Refusals;
  /**
   * Answers by which the provider's APIs say that a token is not good, besides 401: a status, and a word that the body
   * or `WWW-Authenticate` must hold where the status alone says too little. Absent: 401 alone.
   */
  readonly tokenRefusals?: readonly { readonly status: number; readonly word?: string }[];
  /** Revoking one token ends every grant of the same person with any client of the project. */
  readonly revocationEndsSiblings: boolean;
  /** The page where a person sees which apps they have connected, and can remove one. Shown where we could not. */
  readonly connectionsPage?: string;
  /** What people call the provider, such as `Google`, for pages that they read. Default: its short name. */
  readonly displayName?: string;
  /**
   * How long its access tokens live, seconds, where its answers do not say it. Absent: the end of such a token is not
   * known. Another one is got when it is an hour old, and where that is not possible it is handed out until an API
   * refuses it.
   */
  readonly accessTokenTtlSeconds?: number;
  /**
   * Members of its answers that announce the end of a refresh token or of a consent, as seconds or as a point in time.
   * `moves`: a refresh moves the end, so a grant that nobody uses is refreshed before. `fixed`: nothing moves it, so it
   * is only shown. They are added to the usual names, such as `refresh_token_expires_in` (`moves`) and
   * `authorization_expires_in` (`fixed`), or say something else of these.
   */
  readonly announcedEnds?: Readonly<Record<string, "moves" | "fixed">>;
  /**
   * How long a refresh token may be unused, days: a grant that nobody uses is refreshed after 80 to 100 % of that time.
   * Default: 30.
   */
  readonly keepAliveDays?: number;
  /** What the request of a connect link says besides the usual. Absent: nothing. */
  readonly authorizationRequest?: AuthorizationRequestHabits;
  /** Who tells us what happens to people's accounts. Absent: nobody, and such messages are refused. */
  readonly signals?: SignalSource;
  /** What an authorization request must say to get a refresh token; shown to developers as a hint. */
  readonly offlineHint: string;
}
