/** What the network did, under a code as the system's own errors have one. */
export function failure(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, cause === undefined ? {} : { cause }), { code });
}

const unreachable = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"]);

/**
 * An error of a request that goes through a proxy. Where it is the proxy that cannot be reached or does not let the
 * request through, the code says so: otherwise people look for the fault at the provider.
 *
 * @param proxy host and port, without credentials
 */
export function viaProxy(
  error: Error & { readonly code?: string; readonly syscall?: string; readonly statusCode?: number },
  proxy: string,
): Error {
  const { code = "", syscall = "", statusCode } = error;
  if (code === "ERR_PROXY_TUNNEL" && statusCode !== undefined)
    return failure("PROXY_REFUSED", `the proxy ${proxy} refused the connection`, error);
  const connecting = /^(?:connect|getaddrinfo)$/.test(syscall) && unreachable.has(code);
  return connecting || code === "CONNECT_TIMEOUT" || code === "ERR_PROXY_TUNNEL"
    ? failure("PROXY_UNREACHABLE", `the proxy ${proxy} cannot be reached`, error)
    : error;
}
