import { authorizationRoutes } from "./sign-in-routes.ts";
import { certificates } from "./keys/certificates.ts";
import { controlRoutes } from "./control/routes.ts";
import { discovery } from "./oauth/discovery.ts";
import { driveRoutes } from "./drive/routes.ts";
import { oauth } from "./oauth/form.ts";
import { json } from "./http/messages.ts";
import type { Handler } from "./http/messages.ts";
import { accessPage, removeAccess } from "./pages/access.ts";
import { homePage } from "./pages/home.ts";
import { picture } from "./pages/picture.ts";
import { staticFileRoutes } from "./pages/static-files.ts";
import { revocationEndpoint } from "./oauth/revocation.ts";
import { riscConfiguration } from "./control/risc.ts";
import type { Route } from "./http/router.ts";
import { tokeninfo } from "./oauth/tokeninfo.ts";
import { tokenEndpoint } from "./oauth/token-endpoint.ts";
import { olderUserinfo, userinfo } from "./oauth/userinfo.ts";
import type { StandinState } from "./state/standin-state.ts";

/** A document that anybody may read and keep for a while, from any page. */
function published(document: () => unknown): Handler {
  const headers = { "cache-control": "public, max-age=19800, must-revalidate", "access-control-allow-origin": "*" };
  return () => json(200, document(), { outcome: "served" }, headers);
}

/** Every route of the stand-in; the first path of each is the canonical one. */
export function routes(state: StandinState): Route[] {
  const claims: Handler = (request) => userinfo(state, request);
  const olderClaims: Handler = (request) => olderUserinfo(state, request);
  const info: Handler = (request) => tokeninfo(state, request);
  return [
    ...authorizationRoutes(state),
    { at: ["/token", "/oauth2/v4/token", "/o/oauth2/token"], POST: oauth((request) => tokenEndpoint(state, request)) },
    { at: ["/revoke", "/o/oauth2/revoke"], POST: oauth((request) => revocationEndpoint(state, request)) },
    { at: ["/oauth2/v3/certs"], GET: published(() => state.keys.jwks()) },
    { at: ["/oauth2/v1/certs"], GET: published(() => certificates(state.keys.published())) },
    { at: ["/.well-known/openid-configuration"], GET: published(() => discovery(state)) },
    { at: ["/.well-known/risc-configuration"], GET: published(() => riscConfiguration(state)) },
    { at: ["/v1/userinfo", "/oauth2/v3/userinfo"], GET: claims, POST: claims },
    { at: ["/oauth2/v2/userinfo", "/oauth2/v1/userinfo"], GET: olderClaims, POST: olderClaims },
    { at: ["/tokeninfo", "/oauth2/v3/tokeninfo"], GET: info, POST: info },
    ...driveRoutes(state),
    {
      at: ["/picture/{name}"],
      GET: ({ params }) => {
        const person = state.people.find((params["name"] ?? "").replace(/\.svg$/, ""));
        return person === undefined ? json(404, { error: "not_found" }, { outcome: "not_found" }) : picture(person);
      },
    },
    { at: ["/"], GET: () => homePage(state) },
    { at: ["/account/access"], GET: () => accessPage(state), POST: (request) => removeAccess(state, request) },
    ...staticFileRoutes(),
    ...controlRoutes(state),
  ];
}
