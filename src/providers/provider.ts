import type { Refusals, Rotation } from "../core/refresh.ts";
import type { Secret } from "../core/secret.ts";

/** Where a one-time code came from; it decides `redirect_uri` at the exchange. */
export type CodeSource = "android" | "ios" | "web-popup" | "web-redirect";

export const codeSources: readonly CodeSource[] = ["android", "ios", "web-popup", "web-redirect"];

/** An OAuth client as the provider registered it (RFC 6749 section 2). */
export interface Client {
  readonly clientId: string;
  /** Absent for public clients. */
  readonly clientSecret?: Secret;
}

/** Where a provider is reached. An OpenID provider's are read from its discovery document. */
export interface Endpoints {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  /** RFC 7009; without one a grant is ended on our side alone. */
  readonly revocationEndpoint?: string;
}

/**
 * A provider is data: endpoints and quirks. A new provider is a record like `google()`'s, never a class.
 */
export interface Provider {
  /** Short name, as in `?provider=google`. */
  readonly name: string;
  /** The issuer's identifier, compared with `iss`. */
  readonly issuer: string;
  /** Other values of `iss` that name the same issuer. */
  readonly alsoIssuedAs?: readonly string[];
  /**
   * Our client, the file that describes it, or `none`: for programs that only look after what is stored. Lists, looks
   * and caller keys need no client; exchanges, refreshes and revocations answer `client_misconfigured`.
   */
  readonly client: Client | { readonly clientSecretFile: string } | "none";
  /** Known endpoints, or `discover`: the issuer's `/.well-known/openid-configuration` is read at the first use. */
  readonly endpoints: Endpoints | "discover";
  /** How the client authenticates (RFC 6749 section 2.3.1); in the body unless said otherwise. */
  readonly clientAuthentication?: "client_secret_post" | "client_secret_basic";
  readonly rotation: Rotation;
  /** What the exchange sends as `redirect_uri` for codes that came without a redirect; absent: the request must say. */
  readonly redirectUriFor: Readonly<Partial<Record<CodeSource, string>>>;
  /** JWS algorithms accepted for ID tokens; anything else is refused. */
  readonly idTokenAlgorithms: readonly string[];
  /** `azp` values accepted beside our own client. Absent: decided by {@link sameProject}, else none. */
  readonly authorizedParties?: readonly string[];
  /** Whether another client id belongs to the same project as ours, so that its `azp` is one of our own apps. */
  readonly sameProject?: (clientId: string, other: string) => boolean;
  /** Require this hosted domain (`hd`). */
  readonly hostedDomain?: string;
  /** Scopes that the provider answers under another name. */
  readonly canonicalScopes: Readonly<Record<string, string>>;
  /** Hosts that a token may be sent to; `*.` stands for any subdomain. */
  readonly apiHosts: readonly string[];
  /** Where `https://{apiHost}` is reached instead: a stand-in. Absent: at the host itself. */
  readonly apiBaseUrl?: string;
  /** Extra or other meanings of error codes. */
  readonly refusals?: Refusals;
  /** Revoking one token ends every grant of the same person with any client of the project. */
  readonly revocationEndsSiblings: boolean;
  /** How an authorization request asks for a refresh token, for hints. */
  readonly offlineHint: string;
}
