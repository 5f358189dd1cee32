import { isLoopback } from "../state/loopback.ts";
import { json } from "../http/messages.ts";
import type { Incoming, Reply } from "../http/messages.ts";

/**
 * Refuses a page that is not of this machine: a web site that a developer happens to visit must not be able to control a
 * stand-in on loopback. Programs send no Origin, so they are let through.
 */
export function refuseStrangePage(request: Incoming): Reply | undefined {
  const { origin } = request.headers;
  if (origin === undefined || isLoopback(origin)) return undefined;
  return json(403, {
    error: "forbidden",
    error_description: "only pages on a loopback origin may call the control routes",
  });
}

/** The headers that let a page on another loopback port call a route, and read why it was refused. */
export function corsHeaders(request: Incoming): Record<string, string> {
  const { origin } = request.headers;
  if (origin === undefined || !isLoopback(origin)) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "www-authenticate",
    vary: "Origin",
  };
}

/** The headers that a client of an OAuth or MCP server sends. */
export const clientHeaders = "authorization, content-type, mcp-method, mcp-name, mcp-protocol-version";

/** The answer to the preflight that a browser sends before such a call. */
export function preflight(request: Incoming, headers = "content-type"): Reply {
  const allowed = {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": headers,
  };
  return { status: 204, headers: { ...corsHeaders(request), ...allowed } };
}
