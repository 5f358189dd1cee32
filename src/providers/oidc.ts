import type { Rotation } from "../core/refresh.ts";
import { Secret } from "../core/secret.ts";
import type { Client, CodeSource, Endpoints, Provider } from "./provider.ts";

export interface OidcOptions {
  /** Short name, as in `?provider=`; letters, digits and dashes. */
  readonly name: string;
  /** The issuer's identifier; its discovery document is read at `{issuer}/.well-known/openid-configuration`. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string | Secret;
  readonly clientAuthentication?: "client_secret_post" | "client_secret_basic";
  /** Skips discovery. */
  readonly endpoints?: Endpoints;
  /** Strict unless you know better: the careful choice for a provider whose habits are unknown. */
  readonly rotation?: Rotation;
  readonly redirectUriFor?: Readonly<Partial<Record<CodeSource, string>>>;
  readonly idTokenAlgorithms?: readonly string[];
  /** Client ids accepted as `azp` beside our own: the app's other clients at this issuer. */
  readonly authorizedParties?: readonly string[];
  readonly apiHosts?: readonly string[];
  readonly refusals?: Provider["refusals"];
}

/**
 * Any OpenID Connect provider, as a record.
 *
 * @see OpenID Connect Discovery 1.0
 */
export function oidc(options: OidcOptions): Provider {
  const client: Client = {
    clientId: options.clientId,
    ...(options.clientSecret === undefined
      ? {}
      : {
          clientSecret:
            typeof options.clientSecret === "string" ? new Secret(options.clientSecret) : options.clientSecret,
        }),
  };
  return {
    name: options.name,
    issuer: options.issuer,
    client,
    endpoints: options.endpoints ?? "discover",
    ...(options.clientAuthentication === undefined ? {} : { clientAuthentication: options.clientAuthentication }),
    rotation: options.rotation ?? "strict",
    redirectUriFor: options.redirectUriFor ?? {},
    idTokenAlgorithms: options.idTokenAlgorithms ?? ["RS256", "ES256", "PS256", "EdDSA"],
    ...(options.authorizedParties === undefined ? {} : { authorizedParties: options.authorizedParties }),
    canonicalScopes: {},
    apiHosts: options.apiHosts ?? [],
    ...(options.refusals === undefined ? {} : { refusals: options.refusals }),
    revocationEndsSiblings: false,
    offlineHint: "ask for the scope offline_access, with prompt=consent",
  };
}
