import { authorizationRoutes } from "./sign-in-routes.ts";
import { certificates } from "./keys/certificates.ts";
import { controlRoutes } from "./control/routes.ts";
import { discovery } from "./oauth/discovery.ts";
import { driveRoutes } from "./drive/routes.ts";
import { oauth } from "../http/oauth-form.ts";
import { published } from "../http/published.ts";
import type { Handler } from "../http/messages.ts";
import { pageRoutes } from "../pages/page-routes.ts";
import { file } from "../pages/static-files.ts";
import { revocationEndpoint } from "./oauth/revocation.ts";
import { riscRoutes } from "./risc/routes.ts";
import { riscConfiguration } from "./control/risc.ts";
import type { Route } from "../http/router.ts";
import { tokeninfo } from "./oauth/tokeninfo.ts";
import { tokenEndpoint } from "./oauth/token-endpoint.ts";
import { olderUserinfo, userinfo } from "./oauth/userinfo.ts";
import { defaultClientId } from "./state/clients.ts";
import type { GoogleState } from "./state/google-state.ts";

const shown = {
  serves: "Google's paths",
  clientId: defaultClientId,
  document: ["/.well-known/openid-configuration", "Discovery document"],
} as const;

const googleRealm = "https://accounts.google.com/";

/** Every route of the stand-in; the first path of each is the canonical one. */
export function routes(state: GoogleState): Route[] {
  const claims: Handler = (request) => userinfo(state, request);
  const olderClaims: Handler = (request) => olderUserinfo(state, request);
  const info: Handler = (request) => tokeninfo(state, request);
  return [
    ...authorizationRoutes(state),
    {
      at: ["/token", "/oauth2/v4/token", "/o/oauth2/token"],
      POST: oauth(googleRealm, (request) => tokenEndpoint(state, request)),
    },
    { at: ["/revoke", "/o/oauth2/revoke"], POST: oauth(googleRealm, (request) => revocationEndpoint(state, request)) },
    { at: ["/oauth2/v3/certs"], GET: published(() => state.keys.jwks()) },
    { at: ["/oauth2/v1/certs"], GET: published(() => certificates(state.keys.published())) },
    { at: ["/.well-known/openid-configuration"], GET: published(() => discovery(state)) },
    { at: ["/.well-known/risc-configuration"], GET: published(() => riscConfiguration(state)) },
    { at: ["/v1/userinfo", "/oauth2/v3/userinfo"], GET: claims, POST: claims },
    { at: ["/oauth2/v2/userinfo", "/oauth2/v1/userinfo"], GET: olderClaims, POST: olderClaims },
    { at: ["/tokeninfo", "/oauth2/v3/tokeninfo"], GET: info, POST: info },
    ...driveRoutes(state),
    ...riscRoutes(state),
    ...pageRoutes(state, shown),
    { at: ["/gsi/client"], GET: file("gsi-client.js") },
    { at: ["/pages/relay-script.js"], GET: file("relay-script.js") },
    ...controlRoutes(state),
  ];
}
