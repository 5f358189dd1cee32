import { OnbehalfError, configurationInvalid } from "../core/errors.ts";
import type { Endpoints, Provider } from "../providers/provider.ts";
import { isConfidential } from "./confidential-url.ts";
import { parseObject, boundedRequest } from "./bounded-fetch.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";

/**
 * Reads an issuer's endpoints.
 *
 * @throws {OnbehalfError} `provider_unavailable`: no usable answer
 * @throws {OnbehalfError} `configuration_invalid`: the document is another issuer's, lacks an endpoint, or has one
 *   that secrets must not be sent to
 * @see OpenID Connect Discovery 1.0 section 4
 */
export async function discover({ issuer }: Pick<Provider, "issuer">, http: BoundedFetch): Promise<Endpoints> {
  const url = `${issuer.replace(/\/+$/, "")}/.well-known/openid-configuration`;
  const result = await boundedRequest(http, (signal) =>
    http.fetch(url, { signal, redirect: "error", headers: { accept: "application/json" } }),
  );
  const document = result.kind === "body" && result.status === 200 ? parseObject(result.text) : undefined;
  if (document === undefined) {
    throw new OnbehalfError("provider_unavailable", `the discovery document of ${issuer} cannot be read`, {
      hint: "look whether the issuer is right and reachable from this machine",
      details: { issuer, retryAfterMs: 5_000 },
    });
  }
  // Section 4.3: a document that names another issuer would let that one answer for ours.
  if (document["issuer"] !== issuer) {
    throw configurationInvalid(
      `the discovery document of ${issuer} names another issuer`,
      "set issuer to what the document says",
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
    // Client secrets and refresh tokens go there: one line of a document must not send them in clear.
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
