import { OnbehalfError, configurationInvalid } from "../core/errors.ts";
import type { Endpoints, Provider } from "../providers/provider.ts";
import { isConfidential } from "./confidential-url.ts";
import { parseObject, boundedRequest } from "./bounded-fetch.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";

/**
 * Reads an issuer's endpoints from its discovery document.
 *
 * @throws {OnbehalfError} `provider_unavailable`: the document could not be read just now
 * @throws {OnbehalfError} `configuration_invalid`: the document is another issuer's, lacks an endpoint, or has an
 *   endpoint without https, which no secret may be sent to
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
 */
export async function discover({ issuer }: Pick<Provider, "issuer">, http: BoundedFetch): Promise<Endpoints> {
  const url = `${issuer.replace(/\/+$/, "")}/.well-known/openid-configuration`;
  const result = await boundedRequest(http, (signal) =>
    http.fetch(url, { signal, redirect: "error", headers: { accept: "application/json" } }),
  );
  const document = result.kind === "body" && result.status === 200 ? parseObject(result.text) : undefined;
  if (document === undefined) {
    throw new OnbehalfError("provider_unavailable", `the discovery document of ${issuer} cannot be read`, {
      hint: "check that the issuer is right, and that this machine can reach it",
      details: { issuer, retryAfterMs: 5_000 },
    });
  }
  // Section 4.3: with a document that names another issuer, that issuer could answer for ours.
  if (document["issuer"] !== issuer) {
    throw configurationInvalid(
      `the discovery document of ${issuer} names another issuer`,
      "set issuer to exactly what the document says",
    );
  }
  const endpoint = (name: string): string => {
    const value = document[name];
    if (typeof value !== "string" || !URL.canParse(value)) {
      throw configurationInvalid(
        `the discovery document of ${issuer} has no ${name}`,
        "give the endpoints in the configuration",
      );
    }
    // Client secrets and refresh tokens are sent there. One line of a document must not make us send them in clear.
    if (!isConfidential(value)) {
      throw configurationInvalid(
        `the discovery document of ${issuer} has a ${name} without https`,
        "give the endpoints in the configuration, with https; plain http is for loopback addresses only",
      );
    }
    return value;
  };
  return {
    authorizationEndpoint: endpoint("authorization_endpoint"),
    tokenEndpoint: endpoint("token_endpoint"),
    jwksUri: endpoint("jwks_uri"),
    ...(document["revocation_endpoint"] === undefined ? {} : { revocationEndpoint: endpoint("revocation_endpoint") }),
  };
}
