import { defined } from "../core/defined.ts";
import { configurationInvalid } from "../core/errors.ts";
import type { Rotation } from "../core/refresh.ts";
import { assertOptionsOf } from "./assert-options.ts";
import { clientOf } from "./client-options.ts";
import type { ClientOptions } from "./client-options.ts";
import { habitOptions, habitsOf } from "./habit-options.ts";
import type { HabitOptions } from "./habit-options.ts";
import type { Provider } from "./provider.ts";

/** What {@link mcpServer} needs: the server's URL, and a client or the name of one to register. */
export interface McpServerOptions extends HabitOptions, Partial<Pick<ClientOptions, "clientId" | "clientSecret">> {
  /** Short name, as in `?provider=`: letters, digits and dashes. */
  readonly name: string;
  /** The MCP server's URL, as its own metadata names it. */
  readonly server: string;
  /** What people read when they are asked for consent, and the server's operator in its list of clients. */
  readonly clientName: string;
  /**
   * The redirect URI that a client is registered with: the address where your sign-ins come back. Needed without
   * {@link clientId}.
   */
  readonly redirectUri?: string;
  /**
   * Where your program serves what `vault.clientDocument(name)` returns, an https URL. Servers that know client id metadata
   * documents then need no registration. Default: a client is registered.
   */
  readonly clientDocumentUrl?: string;
  /** How a client with a secret authenticates. Default: as the authorization server's document lists. */
  readonly clientAuthentication?: "client_secret_post" | "client_secret_basic";
  /**
   * Where it stands who has consented. Default: `none`, as MCP servers name nobody: each code comes with an external id.
   * `id_token`: the authorization server is an OpenID provider, and sends one.
   */
  readonly identity?: "none" | "id_token";
  /** What a refresh does to the refresh token. Default `strict`: no refresh is repeated unless that is proved to be safe. */
  readonly rotation?: Rotation;
  /** What a sign-in asks for that names no scopes itself. Default: what the server's metadata lists. */
  readonly scopes?: readonly string[];
}

/** Every option that there is. */
const known: Readonly<Record<keyof McpServerOptions, true>> = {
  name: true,
  server: true,
  clientName: true,
  clientId: true,
  clientSecret: true,
  redirectUri: true,
  clientDocumentUrl: true,
  clientAuthentication: true,
  identity: true,
  rotation: true,
  scopes: true,
  ...habitOptions,
};

/**
 * An MCP server, as a record. Its authorization server is found from its URL (RFC 9728, RFC 8414), and where no client is
 * given, one is registered (RFC 7591), when it is first needed. Sends nothing itself.
 *
 * @param options the server's URL, and a client or the name of one
 * @returns the record, for `openVault`
 * @throws {OnbehalfError} `configuration_invalid`: `options` is no object, or has a member that nobody knows; there is
 *   neither a client nor a redirect URI to register one with; `server` is no URL
 * @see {@link https://modelcontextprotocol.io/specification/draft/basic/authorization | MCP: Authorization}
 */
export function mcpServer(options: McpServerOptions): Provider {
  assertOptionsOf("mcpServer", options, known, '{ name, server: "https://mcp.example/mcp", clientName, redirectUri }');
  const { server, clientId, clientSecret, clientName, redirectUri, clientDocumentUrl: documentUrl } = options;
  if (typeof (server as unknown) !== "string" || !/^https?:\/\/[^#]+$/.test(server) || !URL.canParse(server)) {
    throw configurationInvalid(
      "mcpServer() needs server, an absolute URL without a fragment",
      "give the URL that MCP clients use, such as https://mcp.example/mcp",
    );
  }
  if (clientId === undefined && clientSecret !== undefined) {
    throw configurationInvalid("mcpServer() has clientSecret without clientId", "give both, or neither");
  }
  if (clientId === undefined && redirectUri === undefined) {
    throw configurationInvalid(
      "mcpServer() needs clientId or redirectUri",
      "give the id of a client that is registered at the server, or the redirectUri to register one with",
    );
  }
  const identity = options.identity ?? "none";
  return defined({
    name: options.name,
    // The same whichever authorization server it has, so that its people stay who they are when that changes.
    issuer: server,
    server,
    isIssuerOurs: true,
    identity,
    client:
      clientId === undefined
        ? { register: defined({ clientName, redirectUri: redirectUri ?? "", documentUrl }) }
        : clientOf(defined({ clientId, clientSecret })),
    endpoints: "discover" as const,
    clientAuthentication: options.clientAuthentication,
    rotation: options.rotation ?? ("strict" as const),
    resource: server,
    scopes: options.scopes,
    redirectUriFor: {},
    idTokenAlgorithms: identity === "id_token" ? ["RS256", "ES256", "PS256", "EdDSA"] : [],
    ...habitsOf(options, "the authorization server decides: some want the scope offline_access"),
    // Its tokens are for it alone.
    apiHosts: options.apiHosts ?? [
      loopbackBase(server) === undefined ? new URL(server).host : new URL(server).hostname,
    ],
    apiBaseUrl: loopbackBase(server),
    forwardHeaders: [...new Set([...ofTheProtocol, ...(options.forwardHeaders ?? [])])],
    revocationEndsSiblings: false,
  });
}

/**
 * Request headers of the streamable HTTP transport, and of the revision that names method and parameters in headers. Without
 * them no session goes on, so that a record's own come beside these.
 *
 * @see {@link https://modelcontextprotocol.io/specification/draft/basic/transports | MCP: Transports}
 */
const ofTheProtocol = ["mcp-*", "last-event-id"];

/** Of a server on this machine, which need not have https. */
function loopbackBase(server: string): string | undefined {
  const { protocol, origin } = new URL(server);
  return protocol === "http:" ? origin : undefined;
}
