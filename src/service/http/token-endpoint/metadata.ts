import { configurationInvalid } from "../../../core/errors.ts";
import { exchangeGrantType } from "./by-token-exchange.ts";
import { OAuthError, oauthErrorResponse } from "./oauth-error.ts";

/** Where the metadata stands at the top of a server; an issuer with a path has it behind this. */
export const metadataPath = "/.well-known/oauth-authorization-server";

/**
 * The metadata of the token endpoint.
 *
 * @param issuer the URL by which the service is reached, without a slash at the end; undefined where nobody has said
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-2
 */
export function metadata(issuer: string | undefined): Response {
  if (issuer === undefined) {
    throw configurationInvalid(
      "nobody has said by which URL clients reach this service",
      "set publicUrl: metadata names the token endpoint by it",
    );
  }
  return Response.json(
    {
      issuer,
      // Nobody signs in here, and no response type is supported. Client libraries read no metadata without one all the same.
      authorization_endpoint: `${issuer}/oauth/authorize`,
      token_endpoint: `${issuer}/oauth/token`,
      response_types_supported: [],
      grant_types_supported: ["refresh_token", exchangeGrantType],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
      service_documentation: `${issuer}/docs/http-api.md`,
    },
    { headers: { "cache-control": "public, max-age=300" } },
  );
}

/** What somebody gets who begins a sign-in here. They are not sent back: nobody knows whose address that would be. */
export function noAuthorization(): Response {
  return oauthErrorResponse(
    new OAuthError(
      "unsupported_response_type",
      "nobody signs in here: a person connects an account by a connect link (POST /v1/connect)",
    ),
  );
}
