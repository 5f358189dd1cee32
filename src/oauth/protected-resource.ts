import { OnbehalfError, configurationInvalid } from "../core/errors.ts";
import { shownIssuer } from "../core/issuer.ts";
import { boundedRequest } from "./bounded-fetch.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";
import { isConfidential } from "../core/confidential-url.ts";
import { firstDocument, textsIn, unavailable } from "./server-document.ts";

/** What an MCP server says of itself: which authorization servers give out its tokens, and for which resource. */
export interface ProtectedResource {
  /** Its identifier: `resource` of each authorization and token request. */
  readonly resource: string;
  /** Issuers, in the server's order. One at least. */
  readonly authorizationServers: readonly string[];
  /** What a sign-in should ask for. Undefined: the server names no scopes. */
  readonly scopes: readonly string[] | undefined;
  /** Where the document was read. */
  readonly url: string;
  /**
   * There is no document. The server is of the protocol's revision 2025-03-26, of which each is its own authorization server,
   * perhaps without a document either.
   *
   * @see https://modelcontextprotocol.io/specification/2025-03-26/basic/authorization#2-3-server-metadata-discovery
   */
  readonly isOld?: true;
}

/** What a refusal without a token says. */
interface Challenge {
  /** Whether it is one. */
  readonly isRefusal?: true;
  readonly metadataUrl?: string;
  readonly scopes?: readonly string[];
}

/**
 * Finds out which authorization servers an MCP server has: from the address that its refusal names, otherwise at the
 * well-known addresses, the one with its path first. One that refuses and has no document anywhere is of an old revision, and its
 * own authorization server.
 *
 * @param server the MCP server's URL
 * @param name the provider's short name, for messages
 * @throws {OnbehalfError} `provider_unavailable`: the document cannot be read just now, or something else is in its place
 * @throws {OnbehalfError} `configuration_invalid`: the document is another resource's, or names no authorization server
 * @see https://www.rfc-editor.org/rfc/rfc9728#section-3
 * @see https://modelcontextprotocol.io/specification/draft/basic/authorization/authorization-server-discovery
 */
export async function readProtectedResource(
  server: string,
  name: string,
  http: BoundedFetch,
): Promise<ProtectedResource> {
  const challenge = await readChallenge(server, http);
  const { metadataUrl, isRefusal = false } = challenge;
  const found = await firstDocument(
    metadataUrl === undefined ? resourceMetadataUrls(server) : [metadataUrl],
    server,
    http,
  );
  if (found.kind === "absent" && found.isNowhere && isRefusal && metadataUrl === undefined) {
    const { origin } = new URL(server);
    const authorizationServers = [origin, `${origin}/`];
    return { resource: server, authorizationServers, scopes: challenge.scopes, url: server, isOld: true };
  }
  if (found.kind === "absent") {
    throw new OnbehalfError(
      "provider_unavailable",
      `${name} does not say which authorization server it has: ${found.tried}`,
      {
        hint: "check that server is the URL of an MCP server that asks for authorization; it is asked again at the next use",
        details: { issuer: server, retryAfterMs: 5_000 },
      },
    );
  }
  const { url, members } = found;
  const { resource } = members;
  if (typeof resource !== "string" || !isResourceOf(resource, server, url)) throw otherResource(server, name, resource);
  const authorizationServers = (textsIn(members, "authorization_servers") ?? []).filter(isIssuer);
  if (authorizationServers.length === 0) {
    throw configurationInvalid(
      `the resource metadata of ${name} names no authorization server that can be used: ${url}`,
      "tell whoever runs the server: authorization_servers must list issuers, with https (RFC 9728 section 2)",
    );
  }
  return { resource, authorizationServers, scopes: challenge.scopes ?? textsIn(members, "scopes_supported"), url };
}

/**
 * Where a resource's metadata stands: the well-known name goes between its host and its path. MCP servers may have it
 * at the root all the same.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9728#section-3.1
 */
export function resourceMetadataUrls(server: string): readonly string[] {
  const { origin, pathname, search } = new URL(server);
  const root = `${origin}/.well-known/oauth-protected-resource`;
  return pathname === "/" && search === "" ? [root] : [`${root}${pathname === "/" ? "" : pathname}${search}`, root];
}

/**
 * Whether a document is the one of the server. At the root it may also be that of the whole host: the name that the
 * address was made of is then the host's.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9728#section-3.3
 */
function isResourceOf(resource: string, server: string, url: string): boolean {
  if (isSame(resource, server)) return true;
  const { origin } = new URL(server);
  return url === `${origin}/.well-known/oauth-protected-resource` && isSame(resource, origin);
}

/** Identical, but for a host's empty path, which is written as a slash or not at all. */
function isSame(one: string, other: string): boolean {
  const bare = (text: string): string => text.replace(/^(https?:\/\/[^/?#]+)\/$/, "$1");
  return bare(one) === bare(other);
}

function isIssuer(text: string): boolean {
  if (!isConfidential(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return username === "" && password === "" && search === "" && hash === "";
}

/** Tokens for another resource would be of no use here, and a document that lies could have us get them for somebody. */
function otherResource(server: string, name: string, resource: unknown): OnbehalfError<"configuration_invalid"> {
  const same = typeof resource === "string" && URL.canParse(resource) && URL.canParse(server);
  const isHere = same && new URL(resource).origin === new URL(server).origin;
  return configurationInvalid(
    `the resource metadata of ${name} is another resource's: it says ${shownIssuer(resource)}, and server is ${shownIssuer(server)}`,
    isHere
      ? `the two must be the same to the last slash: set server to ${shownIssuer(resource)} if that is the one`
      : "check that server is right; the document of another resource is not used (RFC 9728 section 3.3)",
  );
}

/**
 * Asks the server without a token, as every client begins. Only the head of its answer is looked at.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9728#section-5.1
 */
async function readChallenge(server: string, http: BoundedFetch): Promise<Challenge> {
  const result = await boundedRequest(http, async (signal) => {
    const { status, headers, body } = await http.fetch(server, {
      method: "POST",
      signal,
      redirect: "manual",
      headers: { accept: "application/json, text/event-stream", "content-type": "application/json" },
      body: initialize,
    });
    // A stream of events would not end.
    body?.cancel().catch(() => undefined);
    return new Response(null, { status, headers });
  });
  if (result.kind === "silence") throw unavailable(server, server, result.error);
  if (result.status !== 401) return {};
  return { ...challengeIn(result.headers.get("www-authenticate") ?? ""), isRefusal: true };
}

/**
 * The first request of every MCP client.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle
 */
const initialize = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "onbehalf", version: "1" } },
});

/** What `WWW-Authenticate` says of where to look and what to ask for. */
export function challengeIn(header: string): Omit<Challenge, "isRefusal"> {
  const parameters = new Map<string, string>();
  // From one to the next, so that what stands within the quotes of one is none itself.
  for (const [, name = "", quoted, plain = ""] of header.matchAll(
    /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g,
  )) {
    const known = name.toLowerCase();
    if (!parameters.has(known)) parameters.set(known, quoted?.replaceAll(/\\(.)/g, "$1") ?? plain);
  }
  const metadataUrl = parameters.get("resource_metadata");
  const scopes = parameters
    .get("scope")
    ?.split(/\s+/)
    .filter((scope) => scope !== "");
  return {
    ...(metadataUrl === undefined || !URL.canParse(metadataUrl) ? {} : { metadataUrl }),
    ...(scopes === undefined || scopes.length === 0 ? {} : { scopes }),
  };
}
