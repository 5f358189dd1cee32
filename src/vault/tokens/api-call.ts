import { OnbehalfError } from "../../core/errors.ts";
import type { GrantRef } from "../../core/grant.ts";
import type { Provider } from "../../providers/provider.ts";
import type { TokenSource } from "./token-source.ts";
import { protocolOf } from "../context.ts";
import type { VaultContext } from "../context.ts";

/**
 * Calls an API with the grant's token. A 401 is answered by one refresh and one repeat, where the body can be sent
 * again; redirects are handed back, never followed with the token.
 */
export async function callApi(
  context: VaultContext,
  tokens: TokenSource,
  ref: GrantRef,
  input: string | URL,
  init: RequestInit = {},
): Promise<Response> {
  const grant = await tokens.identify(ref);
  const target = targetOf(new URL(input), protocolOf(context, grant).provider);
  const signal = init.signal ?? undefined;
  const options = signal === undefined ? {} : { signal };

  const token = await tokens.get({ grantId: grant.grantId }, options);
  const response = await send(context, target, init, token.token);
  if (response.status !== 401 || !isRepeatable(init.body)) return response;
  await response.body?.cancel();
  return send(context, target, init, (await tokens.replace(token, signal)).token);
}

function send({ fetch }: VaultContext, target: URL, init: RequestInit, token: string): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  // A redirect followed automatically would carry the token to whatever host the answer names.
  return fetch(target, { ...init, headers, redirect: "manual" });
}

/**
 * Where a call really goes, if the provider allows its host.
 *
 * @throws {OnbehalfError} `host_not_allowed`
 */
function targetOf(url: URL, { apiHosts, apiBaseUrl }: Provider): URL {
  const base = apiBaseUrl === undefined ? undefined : new URL(apiBaseUrl);
  if (base !== undefined && url.origin === base.origin && url.username === "") return url;
  const plain = url.protocol === "https:" && url.port === "" && url.username === "" && url.password === "";
  if (!plain || !apiHosts.some((allowed) => matchesHost(url.hostname, allowed))) {
    throw new OnbehalfError("host_not_allowed", `a token may not be sent to ${url.protocol}//${url.host}`, {
      hint: `only https and these hosts: ${apiHosts.join(", ") || "none is configured for this provider"}`,
      details: { host: url.host, allowed: apiHosts },
    });
  }
  return base === undefined ? url : new URL(`${base.origin}${url.pathname}${url.search}`);
}

/** `*.googleapis.com` fits every subdomain and not the domain itself. */
export function matchesHost(host: string, allowed: string): boolean {
  return allowed.startsWith("*.")
    ? host.endsWith(allowed.slice(1)) && host.length > allowed.length - 1
    : host === allowed;
}

/** A stream can be sent once only. */
function isRepeatable(body: RequestInit["body"]): boolean {
  return (
    !(body instanceof ReadableStream) && !(typeof body === "object" && body !== null && Symbol.asyncIterator in body)
  );
}
