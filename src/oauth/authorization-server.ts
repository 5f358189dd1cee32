import { OnbehalfError, configurationInvalid, isOnbehalfError } from "../core/errors.ts";
import { shownIssuer } from "../core/issuer.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";
import { firstDocument, textsIn } from "./server-document.ts";

/** An authorization server, and what its document says. */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/**
 * Where an issuer's document is looked for, in the order that the MCP specification gives.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-3.1
 * @see https://modelcontextprotocol.io/specification/draft/basic/authorization/authorization-server-discovery
 */
export function serverMetadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/+$/, "");
  const known = `${origin}/.well-known`;
  if (path === "") return [`${known}/oauth-authorization-server`, `${known}/openid-configuration`];
  return [
    `${known}/oauth-authorization-server${path}`,
    `${known}/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}

/**
 * Reads an authorization server's document: its issuer must be the very text that the address was made of, and it must
 * announce PKCE with S256.
 *
 * @param isOld whether it is that of an MCP server of the revision 2025-03-26: without a document, it has the addresses that this
 *   revision names
 * @throws {OnbehalfError} `provider_unavailable`: it cannot be read just now, or is nowhere
 * @throws {OnbehalfError} `configuration_invalid`: it is another issuer's, or does not announce S256
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-3.3
 */
export async function readAuthorizationServer(
  issuer: string,
  http: BoundedFetch,
  isOld = false,
): Promise<AuthorizationServer> {
  let other: unknown;
  const found = await firstDocument(serverMetadataUrls(issuer), issuer, http, (members) => {
    const named = members["issuer"];
    if (named === issuer || (isOld && isOfOrigin(named, issuer))) return true;
    other ??= members["issuer"] ?? null;
    return false;
  });
  if (found.kind === "document") {
    // One of an old revision is known by the host alone.
    const document = { ...found.members, issuer };
    if (textsIn(document, "code_challenge_methods_supported")?.includes("S256") === true) return { issuer, document };
    throw configurationInvalid(
      `the authorization server ${shownIssuer(issuer)} does not announce PKCE with S256`,
      "tell whoever runs it: code_challenge_methods_supported must list S256; without it a code can be stolen on its way",
    );
  }
  if (isOld && found.isNowhere && other === undefined) return { issuer, document: oldDocument(issuer) };
  if (other !== undefined) {
    throw configurationInvalid(
      `the document of the authorization server ${shownIssuer(issuer)} is another's: it says ${shownIssuer(other)}`,
      "tell whoever runs the MCP server: authorization_servers must name the issuer to the last letter and slash",
    );
  }
  throw new OnbehalfError(
    "provider_unavailable",
    `the authorization server ${shownIssuer(issuer)} has no document: ${found.tried}`,
    {
      hint: "check that it is up, and that this machine can reach it; it is read again at the next use",
      details: { issuer, retryAfterMs: 5_000 },
    },
  );
}

/** Of such a server the host alone is known, so that no name of an issuer is there to be compared with. */
function isOfOrigin(named: unknown, issuer: string): boolean {
  return typeof named === "string" && URL.canParse(named) && new URL(named).origin === new URL(issuer).origin;
}

/**
 * What an authorization server of the revision 2025-03-26 has without saying it. PKCE was required of it.
 *
 * @see https://modelcontextprotocol.io/specification/2025-03-26/basic/authorization#2-3-3-fallbacks-for-servers-without-metadata-discovery
 */
function oldDocument(issuer: string): AuthorizationServer["document"] {
  const { origin } = new URL(issuer);
  return {
    issuer,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
    response_types_supported: ["code"],
    code_challenge_methods_supported: ["S256"],
  };
}

/**
 * The first of several authorization servers that works.
 *
 * @param issuers one at least
 * @param isOld as for {@link readAuthorizationServer}
 * @throws {OnbehalfError} what {@link readAuthorizationServer} throws for the first of them, where none works
 */
export async function firstAuthorizationServer(
  issuers: readonly string[],
  http: BoundedFetch,
  isOld = false,
): Promise<AuthorizationServer> {
  let first: unknown;
  for (const issuer of issuers) {
    try {
      return await readAuthorizationServer(issuer, http, isOld);
    } catch (error) {
      if (!isOnbehalfError(error)) throw error;
      first ??= error;
    }
  }
  throw first;
}
