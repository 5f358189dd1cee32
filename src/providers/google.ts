import { Secret } from "../core/secret.ts";
import type { Endpoints, Provider } from "./provider.ts";

export interface GoogleOptions {
  /** Path of the `client_secret_*.json` that the Cloud console offers for download. Or give id and secret. */
  readonly clientSecretFile?: string;
  readonly clientId?: string;
  readonly clientSecret?: string | Secret;
  /** Every Google endpoint and API host under this one base URL: a stand-in, for tests and demos. */
  readonly baseUrl?: string;
  /** What the exchange of a popup's code sends as `redirect_uri`: `postmessage`, or the page's origin. */
  readonly popupRedirectUri?: string;
  /** Accept people of this Workspace domain only (`hd`). */
  readonly hostedDomain?: string;
  /** Client ids accepted as `azp`: your Android and iOS clients. Default: any client of the same Cloud project. */
  readonly authorizedParties?: readonly string[];
}

const endpoints: Endpoints = {
  authorizationEndpoint: "https://accounts.google.com/o/oauth2/v2/auth",
  tokenEndpoint: "https://oauth2.googleapis.com/token",
  revocationEndpoint: "https://oauth2.googleapis.com/revoke",
  jwksUri: "https://www.googleapis.com/oauth2/v3/certs",
};

/**
 * Google, as a provider record.
 *
 * @see https://developers.google.com/identity/protocols/oauth2/web-server
 */
export function google(options: GoogleOptions): Provider {
  return {
    name: "google",
    issuer: "https://accounts.google.com",
    alsoIssuedAs: ["accounts.google.com"],
    client: clientOf(options),
    endpoints: options.baseUrl === undefined ? endpoints : under(options.baseUrl),
    ...(options.baseUrl === undefined ? {} : { apiBaseUrl: options.baseUrl.replace(/\/+$/, "") }),
    rotation: "none",
    // A phone's server auth code was issued without a redirect: the exchange must say so with the empty string.
    redirectUriFor: { android: "", ios: "", "web-popup": options.popupRedirectUri ?? "postmessage" },
    idTokenAlgorithms: ["RS256"],
    ...(options.authorizedParties === undefined ? {} : { authorizedParties: options.authorizedParties }),
    sameProject: (clientId, other) =>
      projectNumber(clientId) !== "" && projectNumber(clientId) === projectNumber(other),
    ...(options.hostedDomain === undefined ? {} : { hostedDomain: options.hostedDomain }),
    canonicalScopes: {
      email: "https://www.googleapis.com/auth/userinfo.email",
      profile: "https://www.googleapis.com/auth/userinfo.profile",
    },
    apiHosts: ["www.googleapis.com", "*.googleapis.com"],
    revocationEndsSiblings: true,
    offlineHint:
      "ask for offline access so that consent is shown: access_type=offline with prompt=consent on the web, " +
      "requestOfflineAccess(serverClientId) with Prompt.CONSENT on Android",
  };
}

function clientOf({ clientSecretFile, clientId = "", clientSecret = "" }: GoogleOptions): Provider["client"] {
  if (clientSecretFile !== undefined) return { clientSecretFile };
  // Google gives every web client a secret: one that is missing is refused at opening, as an empty one is.
  return { clientId, clientSecret: typeof clientSecret === "string" ? new Secret(clientSecret) : clientSecret };
}

function under(baseUrl: string): Endpoints {
  const base = baseUrl.replace(/\/+$/, "");
  return {
    authorizationEndpoint: `${base}/o/oauth2/v2/auth`,
    tokenEndpoint: `${base}/token`,
    revocationEndpoint: `${base}/revoke`,
    jwksUri: `${base}/oauth2/v3/certs`,
  };
}

/** Google's client ids start with the number of their Cloud project; the oldest ones are nothing else. */
function projectNumber(clientId: string): string {
  return /^(\d+)[-.]/.exec(clientId)?.[1] ?? "";
}
