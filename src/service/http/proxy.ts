import { OnbehalfError, isOnbehalfError } from "../../index.ts";
import type { CallerView, Grant, GrantRef, Provider } from "../../index.ts";
import { invalidRequest } from "../../core/errors.ts";
import { bodyBrokeOff, readBytes } from "../../vault/http/request-body.ts";
import { headersToCaller } from "./answer-headers.ts";
import { forwardedHeaders } from "./forwarded-headers.ts";
import { peek, textFrom } from "./peeked-body.ts";

/** A body up to this size is kept, so that it can be sent again after a 401. */
const repeatableBytes = 64 * 1024;

/**
 * How long the beginning of a 403 is waited for, milliseconds. An API may send it slowly, or never end it: the caller
 * must get its answer all the same.
 */
const explanationWaitMs = 1_000;

/**
 * How long the first byte of a body of unknown length is waited for, milliseconds. Whoever sends none for longer may wait for
 * the API's answer first.
 */
const firstByteWaitMs = 100;

/**
 * Calls `https://{host}/{path}` with a grant's token and streams the answer back.
 *
 * @param target host, path and query, as they stood in the address
 * @throws {OnbehalfError} `invalid_request`: the target could be read in two ways, the body broke off, or a header or
 *   body that the request needs would not be passed on
 * @throws {OnbehalfError} `host_not_allowed`, `insufficient_scope`, `provider_unavailable`, and those of `Vault.fetch`
 */
export async function proxy(view: CallerView, ref: GrantRef, target: string, request: Request): Promise<Response> {
  const url = targetUrl(target);
  const headers = forwardedHeaders(request.headers, await providerOf(view, ref));
  // Without it, an API may choose any coding. The answer is passed on as it comes, and this caller has said of none that
  // it can read it.
  if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
  const init: RequestInit = { method: request.method, headers, signal: request.signal };
  const response = await call(view, ref, url, { ...init, ...(await bodyToSend(request, headers)) });
  if (response.status === 403) return forbiddenResponse(response, await view.grant(ref), url);
  return responseToCaller(response, response.body, url);
}

async function providerOf(view: CallerView, ref: GrantRef): Promise<Provider> {
  const [first, ...others] = view.providers;
  if (first !== undefined && others.length === 0) return first;
  return view.providerOf((await view.grant(ref)).provider);
}

/**
 * The body as it goes on: bytes where it is small enough to be sent again after a 401, otherwise a stream of the length
 * that was announced.
 */
async function bodyToSend(request: Request, headers: Headers): Promise<RequestInit & { duplex?: "half" }> {
  const announced = request.headers.get("content-length");
  const { method } = request;
  if (method === "GET" || method === "HEAD") {
    if (request.headers.has("transfer-encoding") || Number(announced ?? 0) > 0) {
      throw invalidRequest(
        `a ${method} request with a body is not passed on, and without its body it could mean something else`,
        "send what stands in the body in the query, or use POST",
      );
    }
    return {};
  }
  if (request.body === null) return {};
  if (announced !== null && Number(announced) <= repeatableBytes) {
    return { body: await readBytes(request, repeatableBytes) };
  }
  if (announced !== null) {
    headers.set("content-length", announced);
    return { body: request.body, duplex: "half" };
  }
  // A request that announces no length may have no body at all. An API could take an empty one for a mistake.
  const { start, body, isLate } = await peek(request.body, 1, firstByteWaitMs);
  if (start.length === 0 && body !== null && !isLate) throw bodyBrokeOff();
  return body === null ? {} : { body, duplex: "half" };
}

/** The API's answer. Where none comes, the API is out of reach: that is no fault of ours. */
async function call(view: CallerView, ref: GrantRef, url: URL, init: RequestInit): Promise<Response> {
  try {
    return await view.fetch(ref, url, init);
  } catch (cause) {
    if (isOnbehalfError(cause)) throw cause;
    // The caller went away in the middle of its body, so the API got half of it: the API did nothing wrong.
    if (init.signal?.aborted === true) throw bodyBrokeOff();
    const { issuer } = await view.grant(ref);
    const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code).toLowerCase()})` : "";
    throw new OnbehalfError("provider_unavailable", `${url.host} did not answer${code}`, {
      hint:
        "check whether the API has done what you asked for, then try again; if no request gets there, the operator " +
        "should look at the network and at HTTPS_PROXY with onbehalf doctor",
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
  const isAmbiguous = /%(?:2[ef5]|5c|[01][0-9a-f]|7f)|\\|\/\/|(?:^|\/)\.{1,2}(?:\/|$)|[^\x21-\x7e]|#/i.test(
    path.slice(path.indexOf("/")),
  );
  const [host = ""] = path.split("/");
  if (
    isAmbiguous ||
    !/^[a-z0-9.-]{1,253}(?::(?!443$)[1-9]\d{0,4})?$/.test(host) ||
    !URL.canParse(`https://${target}`)
  ) {
    throw invalidRequest(
      "the address after /proxy/ must be a host in lower case and a plain path",
      "write /proxy/{host}/{path}, the host with its port where it is not 443, without encoded slashes, dots or backslashes in the path",
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
export async function forbiddenResponse(response: Response, grant: Grant, url: URL): Promise<Response> {
  const { start, body } = await peek(response.body, repeatableBytes, explanationWaitMs);
  const text = textFrom(start, response.headers.get("content-encoding") ?? "");
  const required = requiredScopes(response.headers.get("www-authenticate") ?? "", text);
  if (required === undefined) return responseToCaller(response, body, url);
  // Not awaited: a body that was copied is given up only when its copy is, too.
  void body?.cancel().catch(() => undefined);
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

/** The answer as it came: its body as the API encoded it, with the headers that say how. */
function responseToCaller(response: Response, body: ReadableStream<Uint8Array> | null, url: URL): Response {
  const hasBody = response.status !== 204 && response.status !== 205 && response.status !== 304;
  return new Response(hasBody ? body : null, { status: response.status, headers: headersToCaller(response, url) });
}
