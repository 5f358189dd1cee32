import { environment } from "../settings/environment.ts";
import { systemClock } from "../../core/clock.ts";
import { isOnbehalfError, serverStatus } from "../../index.ts";
import type { Provider } from "../../index.ts";
import { checkClock, checkDocument, checkProvider, checkReachable } from "./check-provider.ts";
import { checkProxy } from "./check-proxy.ts";
import { checkServer } from "./check-server.ts";
import { fail } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { probe, probeIssuer, probeTokenEndpoint } from "./probe.ts";

/** Asks a provider whether it is there, and by which way. What it says of our client is asked elsewhere. */
export async function examineProvider(provider: Provider): Promise<Finding[]> {
  const { name, issuer, endpoints, identity = "id_token", server } = provider;
  // It has a check of its own, which says more.
  if (server !== undefined) return checkProxy(server, environment(), process.versions.node);
  if (identity !== "id_token") return examineTokenEndpoint(name, endpoints === "discover" ? issuer : endpoints);
  const url =
    endpoints === "discover"
      ? `${issuer}/.well-known/openid-configuration`
      : (endpoints.jwksUri ?? endpoints.tokenEndpoint);
  const found = await probe(url);
  return [
    ...checkProxy(url, environment(), process.versions.node),
    checkProvider(name, found),
    ...checkClock(name, found),
  ];
}

/** Without published keys, the token endpoint shows that the provider is there. An issuer's document says where it is. */
async function examineTokenEndpoint(
  name: string,
  from: string | { readonly tokenEndpoint: string },
): Promise<Finding[]> {
  const document = typeof from === "string" ? await probeIssuer(from) : undefined;
  const url = typeof from === "string" ? document?.tokenEndpoint : from.tokenEndpoint;
  const proxy = checkProxy(url ?? document?.url ?? "", environment(), process.versions.node);
  if (url === undefined) return document === undefined ? proxy : [...proxy, checkDocument(name, document)];
  const found = await probeTokenEndpoint(url);
  return [...proxy, checkReachable(name, found), ...checkClock(name, found)];
}

/**
 * Goes the way from an MCP server to a client there.
 *
 * @param kept where the client is kept, and the master keys that open it
 */
export async function examineServer(provider: Provider, kept: Parameters<typeof serverStatus>[1]): Promise<Finding[]> {
  try {
    return checkServer(provider, await serverStatus(provider, kept), systemClock.now());
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
    return [fail("mcp server", `${provider.name}: ${error.message}`, error.hint)];
  }
}
