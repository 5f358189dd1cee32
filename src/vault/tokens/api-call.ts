import { abortSignal, assertFits, kindOf } from "../../core/argument-checks.ts";
import { OnbehalfError, invalidRequest } from "../../core/errors.ts";
import type { GrantRef } from "../../core/grant.ts";
import { connectionHeaders } from "../../outbound/outbound-fetch.ts";
import type { OutboundInit } from "../../outbound/outbound-fetch.ts";
import type { Provider } from "../../providers/provider.ts";
import type { AccessToken } from "./token-cache.ts";
import type { TokenSource } from "./token-source.ts";
import { noteToken } from "./hidden-token.ts";
import { refusesToken, withoutRefresh } from "./token-refusal.ts";
import { protocolOf } from "../context.ts";
import type { VaultContext } from "../context.ts";

/** Called before each request that carries a token. What it throws keeps the request from being sent. */
export type RecordCall = (token: AccessToken, method: string, host: string) => Promise<void>;

/**
 * Calls an API with the grant's token; see `Vault.fetch`. Where the API refuses the token, it is refreshed and the
 * request sent once more, unless its body is a stream. An API that refuses new tokens as well does not get one with each
 * call: for a while its answer is returned as it came, with a header that says so. Where there is nothing to refresh with, the request is sent once
 * more with the same token, and a second 401 ends it. Redirects are returned, never followed with the token.
 */
export async function callApi(
  context: VaultContext,
  tokens: TokenSource,
  ref: GrantRef,
  input: string | URL,
  given: RequestInit = {},
  record?: RecordCall,
): Promise<Response> {
  const url = urlOf(input);
  assertSendable(given);
  assertPassedOn(given.headers);
  const grant = await tokens.identify(ref);
  const { provider } = protocolOf(context, grant);
  const target = targetOf(url, provider);
  // A wildcard's names are the provider's, and whoever answers for one of them could make it mean a machine of ours.
  const init: OutboundInit = {
    ...given,
    publicOnly: provider.apiBaseUrl === undefined && provider.privateApis !== true,
  };
  const signal = init.signal ?? undefined;
  const options = signal === undefined ? {} : { signal };

  const send = async (carried: AccessToken): Promise<Response> => {
    await record?.(carried, init.method ?? "GET", url.host);
    signal?.throwIfAborted();
    return sendWith(context, target, init, carried.token);
  };

  const token = await tokens.get({ grantId: grant.grantId }, options);
  const response = await send(token);
  if (!(await refusesToken(response, provider)) || !isRepeatable(init.body)) return response;
  const next = await tokens.replace(token, url.host, signal);
  if (next.kind === "wait") return withoutRefresh(response, next.waitMs);
  if (next.kind === "none" && !isAboutToken(response)) return response;
  giveUp(response);
  if (next.kind === "token") {
    const repeated = await send(next.token);
    if (!(await refusesToken(repeated, provider))) return repeated;
    const waitMs = tokens.refusedAgain(next.token, url.host);
    return waitMs > 0 ? withoutRefresh(repeated, waitMs) : repeated;
  }

  // The end of this token is the end of the person's access. It must not come from one bad moment of an API.
  const second = await send(token);
  if (!(await refusesToken(second, provider)) || !isAboutToken(second)) return second;
  giveUp(second);
  return send(await tokens.end(token));
}

/**
 * Gives up an answer that nobody will read. It is not waited for: where somebody holds a copy of the answer, as a `fetch`
 * that writes a log does, its body is given up only when the copy is, too.
 */
function giveUp({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}

/**
 * Whether a 401 may mean that the token has ended. Many APIs do not say why; one that names another error means that.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
function isAboutToken({ headers }: Response): boolean {
  const error = /\berror\s*=\s*"?([\w-]+)/i.exec(headers.get("www-authenticate") ?? "")?.[1];
  return error === undefined || error === "invalid_token";
}

function urlOf(input: unknown): URL {
  const text = input instanceof URL ? input.href : input;
  if (typeof text === "string" && URL.canParse(text)) return new URL(text);
  throw invalidRequest(
    `the address must be an absolute URL, and is ${kindOf(text)}`,
    "give a string or a URL such as https://www.googleapis.com/…; method, headers and body belong into the third argument",
    "input",
  );
}

/** Refuses what `fetch` would refuse, before a token is refreshed for it. */
function assertSendable(init: RequestInit): void {
  assertFits("init", init, { fits: (value) => typeof value === "object" && value !== null, must: "what fetch takes" });
  const { method = "GET", headers, body, signal } = init;
  if (signal !== null) assertFits("signal", signal, abortSignal);
  if (/^(?:GET|HEAD)$/i.test(method) && (body ?? undefined) !== undefined) {
    throw invalidRequest(`a ${method} request must have no body`, "leave body out, or set method", "body");
  }
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

async function sendWith({ fetch }: VaultContext, target: URL, init: OutboundInit, token: string): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  // `fetch` would follow a redirect with the token, to whatever host the answer names.
  return noteToken(await fetch(target, { ...init, headers, redirect: "manual" }), token);
}

/**
 * Refuses headers about the connection. The sender makes those itself, and `host` could take the token to somebody
 * else's server at an address that many share.
 *
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` is the header
 */
function assertPassedOn(headers: RequestInit["headers"]): void {
  for (const name of new Headers(headers).keys()) {
    if (!connectionHeaders.has(name)) continue;
    throw invalidRequest(
      `the header ${name} belongs to the connection, and cannot be given`,
      `leave ${name} out: the address and the body say it already`,
      name,
    );
  }
}

/**
 * The URL that a call is sent to: the one that was asked for, or the same path at the provider's `apiBaseUrl`.
 *
 * @throws {OnbehalfError} `host_not_allowed`: the provider's record does not list the host, or the URL is not plain
 *   https
 */
function targetOf(url: URL, { apiHosts, tokenHosts = [], apiBaseUrl }: Provider): URL {
  const base = apiBaseUrl === undefined ? undefined : new URL(apiBaseUrl);
  if (base !== undefined && url.origin === base.origin && url.username === "") return url;
  const plain = url.protocol === "https:" && url.port === "" && url.username === "" && url.password === "";
  if (!plain || !apiHosts.some((allowed) => matchesHost(url.hostname, allowed))) {
    throw new OnbehalfError("host_not_allowed", `a token may not be sent to ${url.protocol}//${url.host}`, {
      hint:
        apiHosts.length === 0
          ? "list the provider's API hosts in its record; it lists none"
          : `use https and one of these hosts: ${apiHosts.join(", ")}`,
      details: { host: url.host, allowed: apiHosts },
    });
  }
  if (tokenHosts.some((pattern) => isTokenPlace(url, pattern))) {
    throw new OnbehalfError("host_not_allowed", `${url.host} gives out tokens, so no token may be sent to it`, {
      hint: "call the API itself; to allow this host, change tokenHosts in the provider's record",
      details: { host: url.host, allowed: apiHosts },
    });
  }
  return base === undefined ? url : new URL(`${base.origin}${url.pathname}${url.search}`);
}

/**
 * Whether a host is the allowed one. `*.googleapis.com` allows every subdomain, but not the domain itself, nor a name with
 * an empty part, which a resolver or a proxy may read in its own way.
 */
export function matchesHost(host: string, allowed: string): boolean {
  if (!allowed.startsWith("*.")) return host === allowed;
  return host.endsWith(allowed.slice(1)) && /^[\w-]+(?:\.[\w-]+)*$/.test(host.slice(0, 1 - allowed.length));
}

/** Whether an address is as an entry of `tokenHosts` says. An API decodes its path, so the path is compared decoded. */
function isTokenPlace({ hostname, pathname }: URL, pattern: string): boolean {
  const path = pathname.replaceAll(/%[0-7][0-9a-f]/gi, (escape) => decodeURIComponent(escape)).toLowerCase();
  const place = pattern.includes("/") ? `${hostname}${path}` : hostname;
  const [start = "", ...rest] = pattern.split("*");
  const end = rest.at(-1);
  if (end === undefined) return place === pattern;
  return place.startsWith(start) && place.endsWith(end) && place.length >= start.length + end.length;
}

/** Whether a body can be sent twice. A stream cannot. */
function isRepeatable(body: RequestInit["body"]): boolean {
  return (
    !(body instanceof ReadableStream) && !(typeof body === "object" && body !== null && Symbol.asyncIterator in body)
  );
}
