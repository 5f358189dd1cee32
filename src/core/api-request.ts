/**
 * Requests to APIs that carry a person's token: what of them can be sent, and to which hosts. How they are sent does not
 * belong here.
 */
import { abortSignal, assertFits, kindOf } from "./argument-checks.ts";
import { OnbehalfError, invalidRequest } from "./errors.ts";

/** Where a provider's tokens may be sent; see `Provider`. */
export interface ApiPlaces {
  readonly apiHosts: readonly string[];
  readonly tokenHosts?: readonly string[];
  readonly apiBaseUrl?: string;
}

/** Headers about the connection, which the sender makes itself. A caller's `host` could take a token elsewhere. */
export const connectionHeaders: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** @throws {OnbehalfError} `invalid_request`: it is no absolute URL */
export function apiUrl(input: unknown): URL {
  const text = input instanceof URL ? input.href : input;
  if (typeof text === "string" && URL.canParse(text)) return new URL(text);
  throw invalidRequest(
    `the address must be an absolute URL, and is ${kindOf(text)}`,
    "give a string or a URL such as https://www.googleapis.com/…; method, headers and body belong into the third argument",
    "input",
  );
}

/** Refuses what `fetch` would refuse, before a token is refreshed for it. */
export function assertSendable(init: RequestInit): void {
  assertFits("init", init, { fits: (value) => typeof value === "object" && value !== null, must: "what fetch takes" });
  const { method = "GET", headers, body, signal } = init;
  if (signal !== null) assertFits("signal", signal, abortSignal);
  if (/^(?:GET|HEAD)$/i.test(method) && (body ?? undefined) !== undefined) {
    throw invalidRequest(`a ${method} request must have no body`, "leave body out, or set method", "body");
  }
  // What stands in a `Headers` can be sent, and a request that is made only to find that out costs as much as finding its token.
  if ((headers === undefined || headers instanceof Headers) && isMethod(method)) return;
  try {
    void new Request("https://api.invalid/", { method, ...(headers === undefined ? {} : { headers }) });
  } catch {
    // The message of a refused header repeats its value, which may be a secret.
    const parameter = isMethod(method) ? "headers" : "method";
    throw invalidRequest(`${parameter} cannot be sent`, `give ${parameter} as fetch takes it`, parameter);
  }
}

function isMethod(method: unknown): boolean {
  return (
    typeof method === "string" && /^[!#$%&'*+.^_`|~\w-]+$/.test(method) && !/^(?:CONNECT|TRACE|TRACK)$/i.test(method)
  );
}

/**
 * The URL that a call is sent to: the one that was asked for, or the same path at the provider's `apiBaseUrl`.
 *
 * @throws {OnbehalfError} `host_not_allowed`: the provider's record does not list the host, or the URL is not plain
 *   https
 */
export function apiTarget(url: URL, { apiHosts, tokenHosts = [], apiBaseUrl }: ApiPlaces): URL {
  const base = apiBaseUrl === undefined ? undefined : new URL(apiBaseUrl);
  if (base !== undefined && url.origin === base.origin && url.username === "") return url;
  const plain = url.protocol === "https:" && url.username === "" && url.password === "";
  if (base !== undefined && plain && url.host === base.host)
    return new URL(`${base.origin}${url.pathname}${url.search}`);
  if (!plain || !apiHosts.some((allowed) => isAllowed(url, allowed))) {
    throw new OnbehalfError("host_not_allowed", `a token may not be sent to ${url.protocol}//${url.host}`, {
      hint:
        apiHosts.length === 0
          ? "list the provider's API hosts in its record; it lists none"
          : `use https and one of these hosts: ${apiHosts.join(", ")}`,
      details: { host: url.host, allowed: apiHosts },
    });
  }
  const { hostname, pathname } = url;
  // An API decodes its path, so the path is compared decoded.
  const path = pathname.replaceAll(/%[0-7][0-9a-f]/gi, (escape) => decodeURIComponent(escape)).toLowerCase();
  if (tokenHosts.some((pattern) => isTokenPlace(hostname, path, pattern))) {
    throw new OnbehalfError("host_not_allowed", `${url.host} gives out tokens, so no token may be sent to it`, {
      hint: "call the API itself; to allow this host, change tokenHosts in the provider's record",
      details: { host: url.host, allowed: apiHosts },
    });
  }
  return base === undefined ? url : new URL(`${base.origin}${url.pathname}${url.search}`);
}

/** Another port is another server: it must be named. */
function isAllowed({ hostname, host, port }: URL, allowed: string): boolean {
  return port === "" ? matchesHost(hostname, allowed) : host === allowed;
}

/**
 * Whether a host is the allowed one. `*.googleapis.com` allows every subdomain, but not the domain itself, nor a name with
 * an empty part, which a resolver or a proxy may read in its own way.
 */
function matchesHost(host: string, allowed: string): boolean {
  if (!allowed.startsWith("*.")) return host === allowed;
  return host.endsWith(allowed.slice(1)) && /^[\w-]+(?:\.[\w-]+)*$/.test(host.slice(0, 1 - allowed.length));
}

/** Whether an address is as an entry of `tokenHosts` says. */
function isTokenPlace(hostname: string, path: string, pattern: string): boolean {
  const place = pattern.includes("/") ? `${hostname}${path}` : hostname;
  const [start = "", ...rest] = pattern.split("*");
  const end = rest.at(-1);
  if (end === undefined) return place === pattern;
  return place.startsWith(start) && place.endsWith(end) && place.length >= start.length + end.length;
}

/**
 * Whether a 401 may mean that the token has ended. Many APIs do not say why; one that names another error means that.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
export function isAboutToken({ headers }: Response): boolean {
  const error = /\berror\s*=\s*"?([\w-]+)/i.exec(headers.get("www-authenticate") ?? "")?.[1];
  return error === undefined || error === "invalid_token";
}

/** Whether a body can be sent twice. A stream cannot. */
export function isRepeatable(body: RequestInit["body"]): boolean {
  return (
    !(body instanceof ReadableStream) && !(typeof body === "object" && body !== null && Symbol.asyncIterator in body)
  );
}

/**
 * Refuses headers about the connection. The sender makes those itself, and `host` could take the token to somebody
 * else's server at an address that many share.
 *
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` is the header
 */
export function assertPassedOn(headers: RequestInit["headers"]): void {
  const given = headers instanceof Headers ? headers : new Headers(headers);
  for (const name of connectionHeaders) {
    if (!given.has(name)) continue;
    throw invalidRequest(
      `the header ${name} belongs to the connection, and cannot be given`,
      `leave ${name} out: the address and the body say it already`,
      name,
    );
  }
}
