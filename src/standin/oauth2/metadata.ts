import { signingAlgorithms } from "./client-assertion.ts";
import { authenticationMethods, grantTypes } from "./clients.ts";
import type { OAuth2State } from "./oauth2-state.ts";

/** RFC 8414 section 2: what this server can do, as the settings are now. */
export function authorizationServerMetadata({ url, issuer, settings, scopes }: OAuth2State): Record<string, unknown> {
  const confidential = authenticationMethods.filter((method) => method !== "none");
  return {
    issuer,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    revocation_endpoint: `${url}/revoke`,
    introspection_endpoint: `${url}/introspect`,
    userinfo_endpoint: `${url}/user`,
    ...(settings.registration ? { registration_endpoint: `${url}/register` } : {}),
    scopes_supported: scopes,
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: grantTypes,
    token_endpoint_auth_methods_supported: authenticationMethods,
    token_endpoint_auth_signing_alg_values_supported: signingAlgorithms,
    revocation_endpoint_auth_methods_supported: authenticationMethods,
    revocation_endpoint_auth_signing_alg_values_supported: signingAlgorithms,
    introspection_endpoint_auth_methods_supported: confidential,
    introspection_endpoint_auth_signing_alg_values_supported: signingAlgorithms,
    code_challenge_methods_supported: ["S256"],
    authorization_response_iss_parameter_supported: settings.redirectIss !== "absent",
    ...(settings.metadataDocuments ? { client_id_metadata_document_supported: true } : {}),
  };
}
