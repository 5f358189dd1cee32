/** `oauth2-mock-server`, a provider for tests that somebody else has written, as a provider of the matrix. */
import { randomUUID } from "node:crypto";
import { OAuth2Server } from "oauth2-mock-server";
import { oauth2, oidc } from "../../src/index.ts";
import { clientOf } from "./harness.ts";
import type { Harness } from "./harness.ts";

export const mockServer: Harness = {
  name: "`oauth2-mock-server`",
  authentications: ["client_secret_post", "client_secret_basic", "private_key_jwt", "none"],
  async start({ authentication, without }) {
    const server = new OAuth2Server();
    await server.issuer.keys.generate("RS256");
    await server.start(0, "127.0.0.1");
    const url = server.issuer.url ?? "";
    // Two tokens of one second would be the same otherwise.
    server.service.on("beforeTokenSigning", (token) => {
      token.payload["jti"] = randomUUID();
    });
    server.service.on("beforeResponse", ({ body }) => {
      for (const member of without) delete (body as Record<string, unknown>)[member];
    });
    const shared = {
      name: "mock",
      issuer: url,
      ...clientOf(authentication),
      rotation: "strict" as const,
    };
    const endpoints = {
      authorizationEndpoint: `${url}/authorize`,
      tokenEndpoint: `${url}/token`,
      revocationEndpoint: `${url}/revoke`,
    };
    return {
      record: without.has("id_token")
        ? oauth2({ ...shared, ...endpoints, identity: { userinfo: `${url}/userinfo`, subject: "sub" } })
        : oidc({ ...shared, endpoints: { ...endpoints, jwksUri: `${url}/jwks` } }),
      authorizationEndpoint: endpoints.authorizationEndpoint,
      scopes: ["openid", "files"],
      // It grants this to everybody, whatever is asked for.
      granted: ["dummy"],
      subject: "johndoe",
      pkce: true,
      takenOut: new Set(),
      stop: () => server.stop(),
    };
  },
};
