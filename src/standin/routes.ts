import { controlRoutes } from "./control-routes.ts";
import { driveRoutes } from "./drive/routes.ts";
import { oauth } from "./form.ts";
import { json } from "./http.ts";
import { revocationEndpoint } from "./revocation.ts";
import { type Route } from "./router.ts";
import { tokenEndpoint } from "./token-endpoint.ts";
import { type World } from "./world.ts";

/** Every route of the stand-in; the first path of each is the canonical one. */
export function routes(world: World): Route[] {
  return [
    {
      at: ["/token", "/oauth2/v4/token", "/o/oauth2/token"],
      POST: oauth((request) => tokenEndpoint(world, request)),
    },
    { at: ["/revoke", "/o/oauth2/revoke"], POST: oauth((request) => revocationEndpoint(world, request)) },
    {
      at: ["/oauth2/v3/certs"],
      GET: () => json(200, world.keys.jwks(), { outcome: "served" }, { "cache-control": "public, max-age=19800" }),
    },
    ...driveRoutes(world),
    ...controlRoutes(world),
  ];
}
