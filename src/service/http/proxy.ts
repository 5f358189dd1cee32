import { OnbehalfError, isOnbehalfError } from "../../index.ts";
import type { Grant, GrantRef, Vault } from "../../index.ts";
import { invalidRequest } from "../../core/errors.ts";
import { bodyBrokeOff, readBody, readBytes } from "../../vault/http/request-body.ts";

/** Request headers that an API may need. No other is passed on: above all no cookie, and not the caller's key. */
const requestHeaders = [
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

/** Response headers that are about one connection, or about the body before `fetch` decoded it. */
const droppedResponseHeaders = new Set([
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
 * @param target host, path and query, as they stood in the address
 * @throws {OnbehalfError} `invalid_request`: the target could be read in two ways, or the body broke off
 * @throws {OnbehalfError} `host_not_allowed`, `insufficient_scope`, `provider_unavailable`, and those of `Vault.fetch`
 */
export async function proxy(vault: Vault, ref: GrantRef, target: string, request: Request): Promise<Response> {
  const url = targetUrl(target);
  const headers = new Headers();
  for (const name of requestHeaders) {
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
  if (response.status === 403) return forbiddenResponse(response, await vault.grant(ref));
  return responseToCaller(response, response.body);
}

/** The API's answer. Where none comes, the API is out of reach: that is no fault of ours. */
async function call(vault: Vault, ref: GrantRef, url: URL, init: RequestInit): Promise<Response> {
  try {
    return await vault.fetch(ref, url, init);
  } catch (cause) {
    if (isOnbehalfError(cause)) throw cause;
    // The caller went away in the middle of its body, so the API got half of it: the API did nothing wrong.
    if (init.signal?.aborted === true) throw bodyBrokeOff();
    const { issuer } = await vault.grant(ref);
    throw new OnbehalfError("provider_unavailable", `${url.host} did not answer`, {
      hint: "check whether the API has done what you asked for, then try again",
      details: { issuer, retryAfterMs: 1_000 },
      cause,
    });
  }
}

/**
 * The target as a plain https URL. A path that we and the API could read differently is refused: what we allowed would
 * not be what the API does.
 *
 * @throws {OnbehalfError} `invalid_request`
 */
export function targetUrl(target: string): URL {
  const [path = "", ...query] = target.split("?");
  const isAmbiguous = /%(?:2[ef5]|5c|[01][0-9a-f]|7f)|\\|\/\/|(?:^|\/)\.{1,2}(?:\/|$)|[^\x21-\x7e]|[#@]/i.test(
    path.slice(path.indexOf("/")),
  );
  const [host = ""] = path.split("/");
  if (isAmbiguous || !/^[a-z0-9.-]{1,253}$/.test(host) || !URL.canParse(`https://${target}`)) {
    throw invalidRequest(
      "the address after /proxy/ must be a host in lower case and a plain path",
      "write /proxy/{host}/{path} without encoded slashes, dots or backslashes in the path",
      "path",
    );
  }
  const url = new URL(`https://${path}`);
  url.search = query.join("?");
  return url;
}

/**
 * A 403 of an API: passed on as it came, unless the API refused because a scope is missing.
 *
 * @throws {OnbehalfError} `insufficient_scope`: with the scopes that the API asks for, as far as it names them
 */
export async function forbiddenResponse(response: Response, grant: Grant): Promise<Response> {
  const text = await readBody(response.clone()).catch(() => "");
  const required = requiredScopes(response.headers.get("www-authenticate") ?? "", text);
  if (required === undefined) return responseToCaller(response, response.body);
  const held = new Set(grant.scopes);
  const missing = required.filter((scope) => !held.has(scope));
  throw new OnbehalfError(
    "insufficient_scope",
    missing.length === 0
      ? "the API asks for a scope that the person has not granted"
      : `the person has not granted ${missing.join(" or ")}`,
    {
      hint: "ask the person for it when they use what needs it, with include_granted_scopes=true; no retry helps",
      details: { grantId: grant.grantId, missingScopes: missing, grantedScopes: grant.scopes },
    },
  );
}

/**
 * The scopes that an API asks for in its refusal.
 *
 * @param wwwAuthenticate the header of that name
 * @returns empty where it names none; undefined where it refuses for another reason
 * @see {@link https://www.rfc-editor.org/rfc/rfc6750#section-3.1 | RFC 6750 section 3.1}
 */
export function requiredScopes(wwwAuthenticate: string, body: string): readonly string[] | undefined {
  const named = /\bscope="([^"]*)"/
    .exec(wwwAuthenticate)?.[1]
    ?.split(" ")
    .filter((each) => each !== "");
  if (/\binsufficient_scope\b/.test(wwwAuthenticate)) return named ?? [];
  return /"(?:ACCESS_TOKEN_SCOPE_INSUFFICIENT|insufficientPermissions)"/.test(body) ? (named ?? []) : undefined;
}

function responseToCaller(response: Response, body: ReadableStream<Uint8Array> | null): Response {
  const headers = new Headers();
  for (const [name, value] of response.headers) {
    if (!droppedResponseHeaders.has(name)) headers.append(name, value);
  }
  const empty = response.status === 204 || response.status === 304;
  // fetch has decoded the body: the header says how long it was before.
  if (empty || response.headers.has("content-encoding")) headers.delete("content-length");
  return new Response(empty ? null : body, { status: response.status, headers });
}
