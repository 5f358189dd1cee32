import { isLoopback } from "../../outbound/proxy-settings.ts";
import { publicOnly } from "../../outbound/public-only.ts";
import type { BoundedFetch } from "../../oauth/bounded-fetch.ts";
import type { Provider } from "../../providers/provider.ts";

/** What sends requests of any kind, and perhaps what sends forms at less cost. */
export type Senders = Pick<BoundedFetch, "fetch" | "post">;

/**
 * What sends a provider's requests. The addresses of an MCP server's authorization server are chosen by that server: none
 * of them may lead into our network.
 */
export function sendersFor({ server, privateApis }: Provider, senders: Senders): Senders {
  if (server === undefined || privateApis === true) return senders;
  return { fetch: publicOnly(senders.fetch, isLoopback(new URL(server).hostname)) };
}
