import { invalidRequest } from "../../core/errors.ts";
import type { Provider } from "../../index.ts";

/**
 * Headers about the connection between the caller and us, or about its body's framing, which ours makes anew. The
 * caller's key is in `authorization`. No provider record can have these passed on.
 */
const ofTheConnection = new Set([
  "authorization",
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Headers that the caller, its browser or the servers before us add on the way to us: who the caller is, by what it
 * proves that to a gateway, how it came, and what it looks at. An API does the same without them, and must not learn it.
 */
const betweenCallerAndUs = [
  "access-control-*",
  "apikey",
  "baggage",
  "b3",
  "cdn-loop",
  "cf-*",
  "client-ip",
  "cookie",
  "dnt",
  "fastly-*",
  "fly-*",
  "forwarded",
  "from",
  "max-forwards",
  "origin",
  "priority",
  "purpose",
  "referer",
  "save-data",
  "sec-*",
  "traceparent",
  "tracestate",
  "true-client-ip",
  "upgrade-insecure-requests",
  "via",
  "x-amzn-trace-id",
  "x-api-key",
  "x-arr-*",
  "x-azure-*",
  "x-b3-*",
  "x-client-ip",
  "x-cloud-trace-context",
  "x-cluster-client-ip",
  "x-correlation-id",
  "x-csrf-token",
  "x-datadog-*",
  "x-envoy-*",
  "x-forwarded-*",
  "x-original-*",
  "x-real-ip",
  "x-request-id",
  "x-request-start",
  "x-requested-with",
  "x-scheme",
  "x-vercel-*",
];

/** Headers of HTTP itself that say what is asked for, and are the same at every API. */
const standard = [
  "accept",
  "accept-*",
  "cache-control",
  "content-*",
  "date",
  "digest",
  "idempotency-key",
  "if-*",
  "link",
  "mime-version",
  "pragma",
  "prefer",
  "range",
  "repr-digest",
  "slug",
  "user-agent",
  "want-*",
  // They change the method. Whoever may use the proxy may use every method.
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
];

/** What a runtime's fetch sends where the program said nothing. It would make an API believe that the caller did. */
const saysNothing: Readonly<Record<string, RegExp>> = {
  "accept-language": /^\*$/,
  "user-agent": /^(?:node|undici|Deno\/\S+|Bun\/\S+)?$/,
};

/**
 * The headers of a request as they go on to an API. A header is passed on as it is, or it is known to be only between
 * the caller and us; any other refuses the request, because leaving it out could change what the request means.
 *
 * @param forwardHeaders further headers that the provider's APIs know, as its record names them
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` is the header that would be lost
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
 */
export function forwardedHeaders(
  given: Headers,
  { name: provider, forwardHeaders = [] }: Pick<Provider, "name" | "forwardHeaders">,
): Headers {
  const hopByHop = new Set((given.get("connection") ?? "").toLowerCase().split(/[\s,]+/));
  const named = new Set(forwardHeaders.map((each) => each.toLowerCase()));
  const passed = new Headers();
  if (given.has("trailer")) throw trailersNotPassedOn();
  for (const [name, value] of given) {
    if (ofTheConnection.has(name) || hopByHop.has(name)) continue;
    if (saysNothing[name]?.test(value) === true) continue;
    // A record may name one of them in full; a pattern does not mean them.
    if (fits(name, betweenCallerAndUs) && !named.has(name)) continue;
    if (!fits(name, standard) && !fits(name, [...named])) throw notPassedOn(name, provider);
    passed.set(name, value);
  }
  return passed;
}

function trailersNotPassedOn(): Error {
  return invalidRequest(
    "what follows the body as trailers is not passed on, and without it the request could mean something else",
    "send what stands in the trailers as headers",
    "trailer",
  );
}

function notPassedOn(name: string, provider: string): Error {
  return invalidRequest(
    `the header ${name} is not passed on to the APIs of ${provider}, and without it the request could mean something else`,
    `leave ${name} out, or add it to forwardHeaders in the record of ${provider}`,
    name,
  );
}

/** Whether a name is among these; one that ends in `*` stands for every name that begins so. */
function fits(name: string, patterns: readonly string[]): boolean {
  return patterns.some((each) => (each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : name === each));
}
