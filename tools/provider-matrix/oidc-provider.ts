/** `oidc-provider`, a certified OpenID provider that somebody else has written, as a provider of the matrix. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { Provider } from "oidc-provider";
import { oauth2, oidc } from "../../src/index.ts";
import { clientOf, clientId, clientSecret, publicJwk, redirectUri } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { memoryAdapter } from "./memory-adapter.ts";

const signingKey = {
  ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }),
  alg: "ES256",
  use: "sig",
  kid: "s",
};
const person = "ada";

/** @param pkce whether it wants a challenge of every client */
function harness(name: string, pkce: boolean, authentications: Harness["authentications"]): Harness {
  return {
    name,
    authentications,
    async start({ authentication, without }) {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const isConfidential = authentication.startsWith("client_secret");
      const provider = new Provider(url, {
        adapter: memoryAdapter(),
        clients: [
          {
            client_id: clientId,
            ...(isConfidential ? { client_secret: clientSecret } : {}),
            ...(authentication === "private_key_jwt" ? { jwks: { keys: [publicJwk] } } : {}),
            token_endpoint_auth_method: authentication,
            redirect_uris: [redirectUri],
            grant_types: ["authorization_code", "refresh_token"],
            id_token_signed_response_alg: "ES256",
            application_type: "native",
          },
        ],
        // The vault's clock goes ahead of this server's: its assertions seem to come from the future.
        clockTolerance: 86_400,
        cookies: { keys: [randomBytes(32).toString("hex")] },
        jwks: { keys: [signingKey] },
        scopes: ["openid", "offline_access", "files"],
        pkce: { required: () => pkce },
        features: {
          devInteractions: { enabled: false },
          revocation: { enabled: true, allowedPolicy: async () => true },
        },
        interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
        issueRefreshToken: async () => !without.has("refresh_token"),
        rotateRefreshToken: true,
        findAccount: async (_context, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
        ttl: {
          AccessToken: 3_600,
          AuthorizationCode: 60,
          Grant: 86_400,
          IdToken: 3_600,
          Interaction: 600,
          RefreshToken: 86_400,
          Session: 86_400,
        },
        // The person agrees to everything that is asked for.
        async loadExistingGrant({ oidc: { client, session, params } }) {
          const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
          grant.addOIDCScope(String(params["scope"]));
          await grant.save();
          return grant;
        },
      });
      const handle = provider.callback();
      server.on("request", (request, response) => {
        if (request.url?.startsWith("/interaction/") !== true) {
          void handle(request, response);
          return;
        }
        void provider.interactionFinished(request, response, { login: { accountId: person }, consent: {} });
      });
      const shared = { name: "certified", issuer: url, ...clientOf(authentication), rotation: "strict" as const };
      return {
        record: without.has("id_token")
          ? oauth2({ ...shared, identity: { userinfo: `${url}/me`, subject: "sub" } })
          : oidc(shared),
        authorizationEndpoint: `${url}/auth`,
        scopes: ["openid", "files"],
        subject: person,
        pkce,
        takenOut: new Set([...without].filter((member) => member !== "refresh_token")),
        async stop() {
          server.closeAllConnections();
          await new Promise((resolve) => server.close(resolve));
        },
      };
    },
  };
}

const methods = ["client_secret_post", "client_secret_basic", "private_key_jwt", "none"] as const;

export const oidcProvider = harness("`oidc-provider`, PKCE required, refresh tokens rotate", true, methods);
export const oidcProviderWithoutPkce = harness("`oidc-provider`, without PKCE", false, ["client_secret_basic"]);
