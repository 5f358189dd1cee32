import { OnbehalfError } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import type { Client, ClientAuthenticationMethod } from "../providers/provider.ts";
import { boundedRequest, parseObject } from "./bounded-fetch.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";
import { isConfidential } from "../core/confidential-url.ts";
import { textsIn, unavailable, wordOf } from "./server-document.ts";

/** A client that an authorization server has registered for us. */
export interface RegisteredClient {
  readonly client: Client;
  readonly authentication: ClientAuthenticationMethod;
  /** When its secret ends, milliseconds since the epoch. Undefined: never, or it has none. */
  readonly secretExpiresAt?: number;
  /** With these two it can be read, changed and deleted there (RFC 7592). */
  readonly registrationAccessToken?: Secret;
  readonly registrationUri?: string;
}

/** What a client is registered with. */
export interface RegistrationRequest {
  readonly clientName: string;
  readonly redirectUri: string;
  readonly scopes?: readonly string[] | undefined;
}

/**
 * Registers a client.
 *
 * @param name the provider's short name, for messages
 * @param document of the authorization server; its `registration_endpoint` is asked
 * @param now milliseconds since the epoch
 * @throws {OnbehalfError} `client_misconfigured`: it registers nobody, refuses, or registers us in a way that we cannot use
 * @throws {OnbehalfError} `provider_unavailable`: it does not answer just now
 * @see https://www.rfc-editor.org/rfc/rfc7591#section-3
 */
export async function registerClient(
  name: string,
  { issuer, document }: { readonly issuer: string; readonly document: Readonly<Record<string, unknown>> },
  request: RegistrationRequest,
  http: BoundedFetch,
): Promise<RegisteredClient> {
  const endpoint = document["registration_endpoint"];
  if (typeof endpoint !== "string" || !isConfidential(endpoint)) {
    throw refused(name, issuer, "no_registration", `${issuer} registers no clients by itself`);
  }
  const method = registrationMethod(textsIn(document, "token_endpoint_auth_methods_supported"));
  const result = await boundedRequest(http, (signal) =>
    http.fetch(endpoint, {
      method: "POST",
      signal,
      redirect: "manual",
      headers: { accept: "application/json", "content-type": "application/json" },
      body: JSON.stringify(clientMetadata(request, method)),
    }),
  );
  const word = wordOf(result);
  if (result.kind === "silence" || result.status >= 500 || result.status === 429 || result.status === 408) {
    throw unavailable(endpoint, issuer, word);
  }
  const answer = result.kind === "body" ? parseObject(result.text) : undefined;
  if (result.status !== 201 && result.status !== 200) {
    const error = answer?.["error"];
    const code = typeof error === "string" && /^[\w-]{1,64}$/.test(error) ? error : word;
    throw refused(name, issuer, code, `${issuer} refused to register a client for ${name} (${code})`);
  }
  if (answer === undefined) throw unavailable(endpoint, issuer, "no_json_object");
  return registeredIn(answer, request, method, name, issuer);
}

/**
 * What is said of a client when it is registered, and in the document that stands for a registration.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7591#section-2
 */
export function clientMetadata(
  { clientName, redirectUri, scopes }: RegistrationRequest,
  method: ClientAuthenticationMethod,
): Readonly<Record<string, unknown>> {
  return {
    client_name: clientName,
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: method,
    // OpenID servers take an address on this machine for one of a native application alone.
    application_type: redirectUri.startsWith("https:") ? "web" : "native",
    ...(scopes === undefined ? {} : { scope: scopes.join(" ") }),
  };
}

/** With a secret wherever the server takes one: whoever reads a refresh token somewhere can then do nothing with it. */
function registrationMethod(listed: readonly string[] | undefined): ClientAuthenticationMethod {
  if (listed === undefined || listed.includes("client_secret_basic")) return "client_secret_basic";
  return listed.includes("client_secret_post") ? "client_secret_post" : "none";
}

/**
 * Reads what the server has made of a registration: it may change whatever it likes.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1
 */
function registeredIn(
  answer: Readonly<Record<string, unknown>>,
  { redirectUri }: RegistrationRequest,
  asked: ClientAuthenticationMethod,
  name: string,
  issuer: string,
): RegisteredClient {
  const unusable = (code: string, what: string): OnbehalfError =>
    refused(name, issuer, code, `${issuer} has registered a client for ${name} that cannot be used: ${what}`);
  const { client_id: clientId, client_secret: secret, client_secret_expires_at: ends } = answer;
  if (typeof clientId !== "string" || !/^[\x20-\x7e]{1,2048}$/.test(clientId)) {
    throw unusable("no_client_id", "it has no client_id");
  }
  const hasSecret = typeof secret === "string" && secret !== "";
  const method = answer["token_endpoint_auth_method"] ?? (hasSecret ? asked : "none");
  const isKnown = method === "client_secret_basic" || method === "client_secret_post" || method === "none";
  if (!isKnown) throw unusable("auth_method_changed", "it is to authenticate in a way that we do not have");
  if (method !== "none" && !hasSecret) throw unusable("no_client_secret", `it is to use ${method}, and has no secret`);
  if (textsIn(answer, "redirect_uris")?.includes(redirectUri) === false) {
    throw unusable("redirect_uri_changed", `its redirect URIs leave out ${redirectUri}`);
  }
  const { registration_access_token: token, registration_client_uri: uri } = answer;
  return {
    client: method === "none" ? { clientId } : { clientId, clientSecret: new Secret(String(secret)) },
    authentication: method,
    ...(method !== "none" && typeof ends === "number" && ends > 0 ? { secretExpiresAt: ends * 1000 } : {}),
    ...(typeof token === "string" && token !== "" ? { registrationAccessToken: new Secret(token) } : {}),
    ...(typeof uri === "string" && isConfidential(uri) ? { registrationUri: uri } : {}),
  };
}

function refused(name: string, issuer: string, code: string, message: string): OnbehalfError<"client_misconfigured"> {
  const hint =
    code === "invalid_redirect_uri" || code === "redirect_uri_changed"
      ? "the server does not take our redirect URI: set ONBEHALF_PUBLIC_URL (redirectUri) to an https address, or register a client there by hand"
      : "register a client there by hand";
  return new OnbehalfError("client_misconfigured", message, {
    hint: `${hint}, and give its client_id (clientId) in the record of ${name}`,
    details: { issuer, clientId: "", providerError: code },
  });
}
