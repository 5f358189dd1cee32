/** The stand-in's kinds, as providers of the matrix. */
import { google, oauth2 } from "../../src/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import { clientOf, clientId, clientSecret, publicJwk, redirectUri } from "./harness.ts";
import type { Harness } from "./harness.ts";

const methods = ["client_secret_post", "client_secret_basic", "private_key_jwt", "none"] as const;
const drive = "https://www.googleapis.com/auth/drive.appdata";

export const googleStandin: Harness = {
  name: "stand-in `google`",
  authentications: ["client_secret_post"],
  impossible: ({ without }) => (without.has("id_token") ? "refused" : undefined),
  async start({ without }, clock) {
    const standin = await startStandin({ clock });
    const offline = !without.has("refresh_token");
    return {
      record: google({ clientId: standin.clientId, clientSecret: standin.clientSecret, baseUrl: standin.url }),
      authorizationEndpoint: `${standin.url}/o/oauth2/v2/auth`,
      scopes: ["openid", drive],
      parameters: { access_type: offline ? "offline" : "online", prompt: "consent" },
      subject: standin.person({ email: "ada@example.com" }).sub,
      pkce: true,
      takenOut: new Set([...without].filter((member) => member !== "refresh_token")),
      stop: () => standin.close(),
    };
  },
};

function plainStandin(kind: "oauth2" | "mcp"): Harness {
  const scopes = kind === "mcp" ? ["mcp:whoami"] : ["profile", "read"];
  return {
    name: `stand-in \`${kind}\``,
    authentications: methods,
    impossible: ({ without }) => (without.has("id_token") ? undefined : "no ID tokens"),
    async start({ authentication, without }, clock) {
      const behaviour = { expiresIn: without.has("expires_in") ? "absent" : "life" } as const;
      const standin = await startStandin({
        kind,
        clock,
        ...behaviour,
        rotation: "strict",
        refreshToken: without.has("refresh_token") ? "never" : "always",
        scopeAs: without.has("scope") ? "absent" : "string",
      } as { kind: "oauth2" });
      standin.client({
        clientId,
        ...(authentication === "private_key_jwt" ? { jwks: { keys: [publicJwk] } } : {}),
        ...(authentication.startsWith("client_secret") ? { clientSecret } : {}),
        tokenEndpointAuthMethod: authentication,
        redirectUris: [redirectUri],
      });
      const resource = kind === "mcp" ? { resource: `${standin.url}/mcp` } : {};
      return {
        record: oauth2({
          name: "plain",
          issuer: standin.url,
          authorizationEndpoint: `${standin.url}/authorize`,
          tokenEndpoint: `${standin.url}/token`,
          revocationEndpoint: `${standin.url}/revoke`,
          identity: { userinfo: `${standin.url}/user`, subject: "id", email: "email" },
          ...clientOf(authentication),
          ...resource,
        }),
        authorizationEndpoint: `${standin.url}/authorize`,
        scopes,
        parameters: resource,
        subject: String(standin.person({ email: "ada@example.com" }).id),
        pkce: true,
        takenOut: new Set(),
        stop: () => standin.close(),
      };
    },
  };
}

export const oauth2Standin = plainStandin("oauth2");
export const mcpStandin = plainStandin("mcp");
