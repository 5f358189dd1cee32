import { OnbehalfError, isOnbehalfError } from "../../index.ts";
import type { Grant, GrantRef, Vault } from "../../index.ts";
import { bodyBrokeOff, readBody, readBytes } from "../../vault/http/request-body.ts";

/** Request headers that an API may need. Everything else, cookies and our own key above all, stays here. */
const forwarded = [
  "accept",
  "accept-language",
  "content-type",
  "content-range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "range",
  "x-goog-api-client",
  "x-goog-drive-resource-keys",
  "x-upload-content-type",
  "x-upload-content-length",
] as const;

/** Response headers that are about one connection, or about a body as it was before fetch decoded it. */
const dropped = new Set([
  "connection",
  "content-encoding",
  "keep-alive",
  "proxy-authenticate",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** A body up to this size is kept, so that it can be sent again after a 401. */
const repeatableBytes = 64 * 1024;

/**
 * Calls `https://{host}/{path}` with a grant's token and streams the answer back.
 *
 * @throws {OnbehalfError} `host_not_allowed`, `invalid_request`, `insufficient_scope`, and as `Vault.fetch`
 */
export async function proxy(vault: Vault, ref: GrantRef, target: string, request: Request): Promise<Response> {
  const url = targetUrl(target);
  const headers = new Headers();
  for (const name of forwarded) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  const init: RequestInit & { duplex?: "half" } = { method: request.method, headers, signal: request.signal };
  if (request.body !== null && request.method !== "GET" && request.method !== "HEAD") {
    const length = Number(request.headers.get("content-length") ?? Infinity);
    if (length <= repeatableBytes) init.body = await readBytes(request, repeatableBytes);
    else Object.assign(init, { body: request.body, duplex: "half" });
  }
  const response = await call(vault, ref, url, init);
  if (response.status === 403) return explained(response, await vault.grant(ref));
  return passedOn(response, response.body);
}

/** The API's answer; where there is none, that is its outage, and no fault of ours. */
async function call(vault: Vault, ref: GrantRef, url: URL, init: RequestInit): Promise<Response> {
  try {
    return await vault.fetch(ref, url, init);
  } catch (cause) {
    if (isOnbehalfError(cause)) throw cause;
    // A body that was passed on as it came has ended with its sender: the API did nothing wrong.
    if (init.signal?.aborted === true) throw bodyBrokeOff();
    const { issuer } = await vault.grant(ref);
    throw new OnbehalfError("provider_unavailable", `${url.host} did not answer`, {
      hint: "try again later; whether it did what was asked is not known",
      details: { issuer, retryAfterMs: 1_000 },
      cause,
    });
  }
}

/**
 * The target as one plain https URL. Whatever could mean one thing here and another at the API is refused.
 *
 * @throws {OnbehalfError} `invalid_request`
 */
export function targetUrl(target: string): URL {
  const [path = "", ...query] = target.split("?");
  const odd = /%(?:2[ef5]|5c|[01][0-9a-f]|7f)|\\|\/\/|(?:^|\/)\.{1,2}(?:\/|$)|[^\x21-\x7e]|[#@]/i.test(
    path.slice(path.indexOf("/")),
  );
  const [host = ""] = path.split("/");
  if (odd || !/^[a-z0-9.-]{1,253}$/.test(host) || !URL.canParse(`https://${target}`)) {
    throw new OnbehalfError("invalid_request", "the proxied address is not a plain one", {
      hint: "write /proxy/{host}/{path} with a lower-case host and no encoded slashes, dots or backslashes in the path",
      details: { parameter: "path" },
    });
  }
  const url = new URL(`https://${path}`);
  url.search = query.join("?");
  return url;
}

/** A 403 for want of a scope, said in our words; any other as it came. */
export async function explained(response: Response, grant: Grant): Promise<Response> {
  const text = await readBody(response.clone()).catch(() => "");
  const required = requiredScopes(response.headers.get("www-authenticate") ?? "", text);
  if (required === undefined) return passedOn(response, response.body);
  const held = new Set(grant.scopes);
  const missing = required.filter((scope) => !held.has(scope));
  throw new OnbehalfError(
    "insufficient_scope",
    missing.length === 0
      ? "the API asks for a scope that was not granted"
      : `the person has not granted ${missing.join(" or ")}`,
    {
      hint: "ask for it in context, with include_granted_scopes=true; neither a refresh nor a retry helps",
      details: { grantId: grant.grantId, missingScopes: missing, grantedScopes: grant.scopes },
    },
  );
}

/**
 * Which scopes an API asks for in its refusal; undefined where it refuses for another reason.
 *
 * @see RFC 6750 section 3.1
 */
export function requiredScopes(wwwAuthenticate: string, body: string): readonly string[] | undefined {
  const named = /\bscope="([^"]*)"/
    .exec(wwwAuthenticate)?.[1]
    ?.split(" ")
    .filter((each) => each !== "");
  if (/\binsufficient_scope\b/.test(wwwAuthenticate)) return named ?? [];
  return /"(?:ACCESS_TOKEN_SCOPE_INSUFFICIENT|insufficientPermissions)"/.test(body) ? (named ?? []) : undefined;
}

function passedOn(response: Response, body: ReadableStream<Uint8Array> | null): Response {
  const headers = new Headers();
  for (const [name, value] of response.headers) {
    if (!dropped.has(name)) headers.append(name, value);
  }
  const empty = response.status === 204 || response.status === 304;
  // Of a body that fetch has decoded, it is another body's length.
  if (empty || response.headers.has("content-encoding")) headers.delete("content-length");
  return new Response(empty ? null : body, { status: response.status, headers });
}
