import { isLoopback } from "../../outbound/proxy-settings.ts";
import { publicOnly } from "../../outbound/public-only.ts";
import type { Provider } from "../../providers/provider.ts";

/**
 * What sends a provider's requests. The addresses of an MCP server's authorization server are chosen by that server: none
 * of them may lead into our network.
 */
export function senderFor({ server, privateApis }: Provider, send: typeof fetch): typeof fetch {
  if (server === undefined || privateApis === true) return send;
  return publicOnly(send, isLoopback(new URL(server).hostname));
}
