/** Headers of our answers: what ours must say to browsers and caches, and what an API's must not say in our name. */

/**
 * What every answer of the service says. The one page, at the root, has neither style nor script: whatever a browser shows of
 * an answer must neither run nor load anything, be framed, be taken for another type, or tell other sites its address, which may name a person.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.5
 */
export const safeHeaders: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "referrer-policy": "no-referrer",
};

/** Adds what an answer does not say itself: it is safe for browsers, and nobody keeps it unless it says so. */
export function withSafeHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(safeHeaders)) response.headers.set(name, value);
  if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
  return response;
}

/**
 * Headers of an API's answer that are about its connection, or that tell a browser what to do with the address from which
 * the answer came. That address is ours: an API, or whoever stores a file in one, could log people out of the app, let
 * foreign pages read it, or send its reports elsewhere. One that ends in `*` stands for every name that begins so.
 */
const notPassedOn = [
  "accept-ch",
  "access-control-*",
  "activate-storage-access",
  "alt-svc",
  "attribution-reporting-*",
  "clear-site-data",
  "connection",
  "content-security-policy*",
  "critical-ch",
  "cross-origin-*",
  "document-policy*",
  "expect-ct",
  "feature-policy",
  "integrity-policy*",
  "keep-alive",
  "nel",
  "observe-browsing-topics",
  "origin-agent-cluster",
  "origin-trial",
  "permissions-policy*",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-connection",
  "public-key-pins*",
  "referrer-policy",
  "refresh",
  "report-to",
  "reporting-endpoints",
  "sec-*",
  "service-worker-*",
  "set-cookie",
  "set-cookie2",
  "set-login",
  "sourcemap",
  "speculation-rules",
  "strict-transport-security",
  "supports-loading-mode",
  "te",
  "timing-allow-origin",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-content-security-policy",
  "x-content-type-options",
  "x-dns-prefetch-control",
  "x-frame-options",
  "x-permitted-cross-domain-policies",
  "x-sourcemap",
  "x-webkit-csp",
  "x-xss-protection",
];

/**
 * The headers of an API's answer as they go on to the caller. `link` and `location` stay: callers follow them to the next
 * page or the place of an upload. A `location` without a host would be one of ours, so it is made whole.
 *
 * @param url where the request was sent to
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
 */
export function headersToCaller({ status, headers: given }: Response, url: URL): Headers {
  const hopByHop = new Set((given.get("connection") ?? "").toLowerCase().split(/[\s,]+/));
  const headers = new Headers();
  for (const [name, value] of given) {
    const dropped = notPassedOn.some((each) =>
      each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : name === each,
    );
    if (!dropped && !hopByHop.has(name)) headers.append(name, value);
  }
  for (const name of ["location", "content-location"]) {
    const place = headers.get(name);
    if (place === null) continue;
    if (URL.canParse(place, url.href) && /^https?:$/.test(new URL(place, url.href).protocol)) {
      if (!URL.canParse(place)) headers.set(name, new URL(place, url.href).href);
    } else headers.delete(name);
  }
  // RFC 9110 section 8.6: a 204 has no length.
  if (status === 204) headers.delete("content-length");
  return headers;
}
