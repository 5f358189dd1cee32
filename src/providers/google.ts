import { defined } from "../core/defined.ts";
import { configurationInvalid } from "../core/errors.ts";
import { assertOptionsOf } from "./assert-options.ts";
import { Secret } from "../core/secret.ts";
import type { Endpoints, Provider } from "./provider.ts";

/** What {@link google} needs: the client file, or the client's id and secret. */
export interface GoogleOptions {
  /** Path of the `client_secret_*.json` that the Cloud console offers for download. It is read when a vault is opened. */
  readonly clientSecretFile?: string;
  /** Of the web client. Needed where there is no {@link clientSecretFile}. */
  readonly clientId?: string;
  /** Of the web client. Needed beside {@link clientId}. */
  readonly clientSecret?: string | Secret;
  /** Reach every endpoint and API host of Google under this one URL: that of a stand-in. Default: Google itself. */
  readonly baseUrl?: string;
  /** `redirect_uri` at the exchange of a code from a popup: `postmessage` (the default), or the page's origin. */
  readonly popupRedirectUri?: string;
  /** Accept only people of this Workspace domain (`hd`). Default: everybody. */
  readonly hostedDomain?: string;
  /** Whether refresh tokens are bound to a key of the keeper (RFC 9449). Default: no. */
  readonly dpop?: boolean;
  /** Client ids accepted as `azp`, such as those of your Android and iOS apps. Default: any of the same Cloud project. */
  readonly authorizedParties?: readonly string[];
}

/** Every option that there is. */
const known: Readonly<Record<keyof GoogleOptions, true>> = {
  clientSecretFile: true,
  clientId: true,
  clientSecret: true,
  baseUrl: true,
  popupRedirectUri: true,
  hostedDomain: true,
  dpop: true,
  authorizedParties: true,
};

const endpoints: Endpoints = {
  authorizationEndpoint: "https://accounts.google.com/o/oauth2/v2/auth",
  tokenEndpoint: "https://oauth2.googleapis.com/token",
  revocationEndpoint: "https://oauth2.googleapis.com/revoke",
  jwksUri: "https://www.googleapis.com/oauth2/v3/certs",
};

/** Headers of Google's APIs: of all of them, of uploads, of the older Data APIs, and of Google Ads. */
const forwardHeaders = [
  "x-goog-*",
  "x-upload-content-*",
  "x-guploader-*",
  "gdata-version",
  "x-gdata-*",
  "developer-token",
  "login-customer-id",
  "linked-customer-id",
];

/** Services of Google that give out, exchange or end tokens, assertions and keys. */
const tokenServices = ["oauth2", "accounts", "sts", "iam", "iamcredentials", "securetoken", "identitytoolkit"];

/**
 * Google, as a provider record. Reads no file and sends nothing: a wrong client shows when a vault is opened.
 *
 * @param options the client, and what differs from Google's defaults
 * @returns the record, for `openVault`
 * @throws {OnbehalfError} `configuration_invalid`: `options` is no object, or has a member that nobody knows; `baseUrl`
 *   is no text
 * @see {@link https://developers.google.com/identity/protocols/oauth2/web-server | Google: OAuth 2.0 for web servers}
 */
export function google(options: GoogleOptions): Provider {
  assertOptionsOf("google", options, known, "{ clientSecretFile } or { clientId, clientSecret }");
  const { baseUrl = "" } = options;
  if (typeof baseUrl !== "string") {
    throw configurationInvalid("baseUrl must be a text", "give the URL of a stand-in, or leave baseUrl out");
  }
  return defined({
    name: "google",
    issuer: "https://accounts.google.com",
    alsoIssuedAs: ["accounts.google.com"],
    client: clientOf(options),
    endpoints: options.baseUrl === undefined ? endpoints : under(options.baseUrl),
    apiBaseUrl: options.baseUrl?.replace(/\/+$/, ""),
    dpop: options.dpop,
    rotation: "none" as const,
    // A phone's server auth code was issued without a redirect: the exchange must say so with the empty string.
    redirectUriFor: { android: "", ios: "", "web-popup": options.popupRedirectUri ?? "postmessage" },
    idTokenAlgorithms: ["RS256"],
    // Google Sign-In for iOS sends a nonce that the app did not choose and cannot read.
    unknownNonces: ["ios" as const],
    authorizedParties: options.authorizedParties,
    // Google's client ids start with the number of their Cloud project; the oldest ones are nothing else.
    clientProject: /^(\d+)[-.]/,
    hostedDomain: options.hostedDomain,
    canonicalScopes: {
      email: "https://www.googleapis.com/auth/userinfo.email",
      profile: "https://www.googleapis.com/auth/userinfo.profile",
      "https://www.googleapis.com/auth/drive.appfolder": "https://www.googleapis.com/auth/drive.appdata",
    },
    apiHosts: ["www.googleapis.com", "*.googleapis.com"],
    tokenHosts: [
      ...tokenServices.flatMap((name) => [
        `${name}.googleapis.com`,
        // As it is reached with a client certificate, in a region, or inside a private network.
        `${name}.*.googleapis.com`,
        `${name}-*.googleapis.com`,
        `*-${name}.googleapis.com`,
      ]),
      "www.googleapis.com/oauth2/*/token",
      "www.googleapis.com/o/oauth2/*",
      "www.googleapis.com/identitytoolkit/*",
    ],
    // Of access that the person limited in time: no refresh makes it longer.
    announcedEnds: { refresh_token_expires_in: "fixed" as const },
    forwardHeaders,
    revocationEndsSiblings: true,
    authorizationRequest: {
      parameters: { access_type: "offline", include_granted_scopes: "true" },
      consentForOffline: true,
      subjectHint: true,
    },
    displayName: "Google",
    signals: {
      issuer: "https://accounts.google.com/",
      alsoIssuedAs: ["https://accounts.google.com"],
      jwksUri: (options.baseUrl === undefined ? endpoints : under(options.baseUrl)).jwksUri ?? "",
      isTypOptional: true,
    },
    connectionsPage: "https://myaccount.google.com/connections",
    offlineHint:
      "ask for offline access so that consent is shown: access_type=offline with prompt=consent on the web, " +
      "requestOfflineAccess(serverClientId) with Prompt.CONSENT on Android",
  });
}

function clientOf({ clientSecretFile, clientId = "", clientSecret = "" }: GoogleOptions): Provider["client"] {
  if (clientSecretFile !== undefined) return { clientSecretFile };
  // Google gives every web client a secret. A missing one is refused when the vault is opened, like an empty one.
  return { clientId, clientSecret: Secret.of(clientSecret) };
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
