import { published } from "../http/published.ts";
import type { Route } from "../http/router.ts";
import { startKind } from "../oauth2/oauth2-standin.ts";
import type { Kind, OAuth2Standin, OAuth2StandinOptions } from "../oauth2/oauth2-standin.ts";
import type { OAuth2State } from "../oauth2/oauth2-state.ts";
import { authorizationServerRoutes } from "../oauth2/routes.ts";
import { defaultClientId } from "../oauth2/clients.ts";
import { oauth2Defaults } from "../oauth2/settings.ts";
import { pageRoutes } from "../pages/page-routes.ts";
import { mcpEndpoint } from "./mcp-endpoint.ts";
import { metadataPath, protectedResourceMetadata, serverPath, serverUrl } from "./protected-resource.ts";
import { toolScopes } from "./tools.ts";

/** How to start a stand-in of the kind `mcp`. Every setting can be given here, and changed later. */
export interface McpStandinOptions extends Omit<OAuth2StandinOptions, "kind"> {
  kind: "mcp";
}

/** A running stand-in of the kind `mcp`: an MCP server, and the authorization server that it trusts. */
export interface McpStandin extends OAuth2Standin {
  /** The URL of the MCP server: all that a client needs to know. */
  readonly server: string;
}

const shown = {
  serves: "an MCP server at /mcp",
  clientId: defaultClientId,
  document: [metadataPath, "Metadata of the MCP server"],
} as const;

function mcpRoutes(state: OAuth2State): Route[] {
  return [
    { at: [serverPath], crossOrigin: true, POST: (request) => mcpEndpoint(state, request) },
    { at: [metadataPath], crossOrigin: true, GET: published(() => protectedResourceMetadata(state)) },
    ...authorizationServerRoutes(state),
    ...pageRoutes(state, shown),
  ];
}

const mcpKind: Kind = {
  standIn: "Stand-in for an MCP server",
  defaults: {
    ...oauth2Defaults,
    pkce: "required",
    resource: "required",
    otherResources: [],
    redirectIss: "right",
    registration: true,
    metadataDocuments: true,
  },
  scopes: [...toolScopes, "offline_access"],
  defaultScopes: toolScopes,
  resources: (url) => [serverUrl(url)],
  routes: mcpRoutes,
};

/**
 * Starts the kind `mcp`.
 *
 * @throws {BadInput} naming the option that is unknown or out of range
 * @throws the system's error, such as `EADDRINUSE`, where host and port cannot be listened on
 */
export async function startMcp(options: McpStandinOptions): Promise<McpStandin> {
  const standin = await startKind(mcpKind, options);
  return { ...standin, server: serverUrl(standin.url) };
}
