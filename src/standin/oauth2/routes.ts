import { published } from "../http/published.ts";
import type { Handler, Incoming, Reply } from "../http/messages.ts";
import { oauth } from "../http/oauth-form.ts";
import type { Route } from "../http/router.ts";
import { pageRoutes } from "../pages/page-routes.ts";
import { oauth2ControlRoutes } from "./control-routes.ts";
import { defaultClientId } from "./clients.ts";
import { authorizationServerMetadata } from "./metadata.ts";
import type { OAuth2State } from "./oauth2-state.ts";
import { fetchClient } from "./fetch-client.ts";
import { registrationEndpoint } from "./registration.ts";
import { ssfRoutes } from "./ssf-routes.ts";
import { signInRoutes } from "./sign-in-routes.ts";
import { withRefusals } from "./token-answer.ts";
import { tokenEndpoint } from "./token-endpoint.ts";
import { introspectionEndpoint, revocationEndpoint } from "./token-management.ts";
import { user } from "./user.ts";

const metadataPath = "/.well-known/oauth-authorization-server";

const shown = {
  serves: "an OAuth 2.0 provider",
  clientId: defaultClientId,
  document: [metadataPath, "Metadata of the authorization server"],
} as const;

/** Every route of the kind `oauth2`; the first path of each is the canonical one. */
export function oauth2Routes(state: OAuth2State): Route[] {
  return [...authorizationServerRoutes(state), ...pageRoutes(state, shown)];
}

/** What an authorization server of the kinds `oauth2` and `mcp` serves, and the control routes. */
export function authorizationServerRoutes(state: OAuth2State): Route[] {
  // Clients that run in a page call these, too.
  const crossOrigin = true;
  const prepare = (incoming: Incoming): Promise<void> => fetchClient(state, incoming);
  const refusing = (handle: (state: OAuth2State, incoming: Incoming) => Reply): Handler =>
    oauth(state.issuer, (incoming) => handle(state, incoming));
  return [
    ...signInRoutes(state),
    {
      at: ["/token"],
      prepare,
      crossOrigin,
      POST: oauth(
        state.issuer,
        withRefusals(state, (incoming) => tokenEndpoint(state, incoming)),
      ),
    },
    { at: ["/revoke"], prepare, crossOrigin, POST: refusing(revocationEndpoint) },
    { at: ["/introspect"], prepare, POST: refusing(introspectionEndpoint) },
    { at: ["/user"], crossOrigin, GET: (request) => user(state, request) },
    { at: [metadataPath], crossOrigin, GET: published(() => authorizationServerMetadata(state)) },
    { at: ["/register"], crossOrigin, POST: refusing(registrationEndpoint) },
    ...ssfRoutes(state),
    ...oauth2ControlRoutes(state),
  ];
}
