import { authenticationMethods, grantTypes } from "./clients.ts";
import type { AuthenticationMethod, ClientChanges, GrantType, PublicJwk } from "./clients.ts";
import { isLoopback } from "../state/loopback.ts";

/** What a client says about itself, or the error of RFC 7591 section 3.2.2. */
export type ReadMetadata =
  | { readonly changes: ClientChanges; readonly jwksUri: string | undefined }
  | { readonly error: "invalid_redirect_uri" | "invalid_client_metadata"; readonly description: string };

class MetadataFlaw extends Error {
  readonly error: "invalid_redirect_uri" | "invalid_client_metadata";
  constructor(description: string, error: MetadataFlaw["error"] = "invalid_client_metadata") {
    super(description);
    this.error = error;
  }
}

/**
 * Reads client metadata (RFC 7591 section 2). Members that are not known here are ignored, as section 2 says.
 *
 * @param methodLeftOut the method of a client that names none
 */
export function readClientMetadata(input: unknown, methodLeftOut: AuthenticationMethod): ReadMetadata {
  try {
    if (typeof input !== "object" || input === null || Array.isArray(input)) {
      throw new MetadataFlaw("The metadata must be a JSON object.");
    }
    return clientFrom(input as Readonly<Record<string, unknown>>, methodLeftOut);
  } catch (error) {
    if (!(error instanceof MetadataFlaw)) throw error;
    return { error: error.error, description: error.message };
  }
}

function clientFrom(
  metadata: Readonly<Record<string, unknown>>,
  methodLeftOut: AuthenticationMethod,
): Exclude<ReadMetadata, { readonly error: unknown }> {
  const { jwks, jwks_uri: jwksUri, software_statement: statement } = metadata;
  const method = oneOf(metadata, "token_endpoint_auth_method", authenticationMethods) ?? methodLeftOut;
  const applicationType = oneOf(metadata, "application_type", ["web", "native"] as const);
  const clientName = stringIn(metadata, "client_name");
  if (statement !== undefined) throw new MetadataFlaw("software_statement is not taken here.");
  if (jwks !== undefined && jwksUri !== undefined) throw new MetadataFlaw("jwks and jwks_uri exclude each other.");
  const keys = jwks === undefined ? undefined : keysIn(jwks);
  if (method === "private_key_jwt" && keys === undefined && jwksUri === undefined) {
    throw new MetadataFlaw("private_key_jwt needs jwks or jwks_uri.");
  }
  return {
    changes: {
      redirectUris: redirectUrisIn(metadata["redirect_uris"]),
      tokenEndpointAuthMethod: method,
      grantTypes: grantTypesIn(metadata),
      ...(applicationType === undefined ? {} : { applicationType }),
      ...(clientName === undefined ? {} : { clientName }),
      ...(keys === undefined ? {} : { jwks: { keys } }),
    },
    jwksUri: keyAddressIn(metadata),
  };
}

function stringIn(metadata: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = metadata[name];
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw new MetadataFlaw(`${name} must be a string.`);
}

function keyAddressIn(metadata: Readonly<Record<string, unknown>>): string | undefined {
  const uri = stringIn(metadata, "jwks_uri");
  const isGood = uri === undefined || (URL.canParse(uri) && (new URL(uri).protocol === "https:" || isLoopback(uri)));
  if (!isGood) throw new MetadataFlaw("jwks_uri must be https, or http on loopback.");
  return uri;
}

function oneOf<const T extends string>(
  metadata: Readonly<Record<string, unknown>>,
  name: string,
  choices: readonly T[],
): T | undefined {
  const value = metadata[name];
  const known = choices.find((choice) => choice === value);
  if (value === undefined || known !== undefined) return known;
  throw new MetadataFlaw(`${name} must be one of ${choices.join(", ")}.`);
}

/** What is wrong with a key set that a client publishes at its `jwks_uri`; or the keys. */
export function readKeySet(jwks: unknown): { readonly keys: PublicJwk[] } | { readonly problem: string } {
  try {
    return { keys: keysIn(jwks) };
  } catch (error) {
    if (!(error instanceof MetadataFlaw)) throw error;
    return { problem: error.message };
  }
}

function keysIn(jwks: unknown): PublicJwk[] {
  const keys: unknown = typeof jwks === "object" && jwks !== null && "keys" in jwks ? jwks.keys : undefined;
  if (!Array.isArray(keys)) throw new MetadataFlaw("jwks must be a JSON Web Key Set.");
  // RFC 7517 section 9.2: who publishes a private key has lost it.
  if (keys.some((key) => typeof key !== "object" || key === null || "d" in key || "k" in key)) {
    throw new MetadataFlaw("jwks must have public keys only.");
  }
  return keys as PublicJwk[];
}

/** RFC 7591 section 2: a client that names no grant types is registered for `authorization_code` alone. */
function grantTypesIn(metadata: Readonly<Record<string, unknown>>): GrantType[] {
  const responseTypes = metadata["response_types"] ?? ["code"];
  if (!Array.isArray(responseTypes) || responseTypes.some((type) => type !== "code")) {
    throw new MetadataFlaw("response_types must be code.");
  }
  const given: unknown = metadata["grant_types"] ?? ["authorization_code"];
  if (!Array.isArray(given)) throw new MetadataFlaw("grant_types must be a list.");
  const known = grantTypes.filter((type) => given.includes(type));
  const unknown: unknown = given.find((type) => !grantTypes.some((name) => name === type));
  if (unknown !== undefined) throw new MetadataFlaw(`There is no grant type ${JSON.stringify(unknown)} here.`);
  if (!known.includes("authorization_code")) throw new MetadataFlaw("grant_types must have authorization_code.");
  return known;
}

function redirectUrisIn(value: unknown): string[] {
  const refuse = (description: string): never => {
    throw new MetadataFlaw(description, "invalid_redirect_uri");
  };
  if (!Array.isArray(value) || value.length === 0) return refuse("redirect_uris must be a list with one URI at least.");
  return value.map((uri: unknown) => {
    if (typeof uri !== "string" || !URL.canParse(uri)) return refuse("Each of redirect_uris must be an absolute URI.");
    if (uri.includes("#")) return refuse(`The redirect URI ${uri} must not have a fragment.`);
    const { protocol } = new URL(uri);
    // RFC 8252 section 7: https, http on loopback, or a scheme of the app's own, which has a dot in its name.
    const isGood = protocol === "https:" || isLoopback(uri) || /^[a-z][\w+-]*\.[\w.+-]+:$/i.test(protocol);
    return isGood
      ? uri
      : refuse(`The redirect URI ${uri} must be https, on loopback, or of a scheme like com.example.app.`);
  });
}
