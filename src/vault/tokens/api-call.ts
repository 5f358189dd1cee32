import {
  apiTarget,
  apiUrl,
  assertPassedOn,
  assertSendable,
  isAboutToken,
  isRepeatable,
} from "../../core/api-request.ts";
import { isOnbehalfError } from "../../core/errors.ts";
import type { GrantRef } from "../../core/grant.ts";
import type { OutboundInit } from "../../outbound/outbound-fetch.ts";
import type { AccessToken } from "./token-cache.ts";
import type { Replacement } from "./refused-tokens.ts";
import type { TokenSource } from "./token-source.ts";
import { noteToken } from "./hidden-token.ts";
import { refusesToken, saying, withoutRefresh } from "./token-refusal.ts";
import { protocolOf } from "../context.ts";
import type { VaultContext } from "../context.ts";

/** Called before each request that carries a token. What it throws keeps the request from being sent. */
export type RecordCall = (token: AccessToken, method: string, host: string) => Promise<void>;

/**
 * Calls an API with the grant's token; see `Vault.fetch`. Where the API refuses the token, it is refreshed and the
 * request sent once more, unless its body is a stream: then the answer says in a header that the next one may be taken. An API that refuses new tokens as well does not get one with each
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
  const url = apiUrl(input);
  assertSendable(given);
  assertPassedOn(given.headers);
  const grant = await tokens.identify(ref);
  const { provider } = protocolOf(context, grant);
  const target = apiTarget(url, provider);
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
  if (!(await refusesToken(response, provider))) return response;
  if (!isRepeatable(init.body)) return notRepeated(response, () => tokens.replace(token, url.host, signal));
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
 * The refusal of a request that cannot be sent again, because its body is used up. Its token is replaced all the same: otherwise
 * the caller's next try would be refused as well, and each one after it.
 */
async function notRepeated(response: Response, replace: () => Promise<Replacement>): Promise<Response> {
  try {
    const next = await replace();
    if (next.kind === "wait") return withoutRefresh(response, next.waitMs);
    return next.kind === "none" ? response : saying(response, "done; not-repeated");
  } catch (error) {
    if (isOnbehalfError(error)) return saying(response, `failed; error=${error.code}`);
    throw error;
  }
}

/**
 * Gives up an answer that nobody will read. It is not waited for: where somebody holds a copy of the answer, as a `fetch`
 * that writes a log does, its body is given up only when the copy is, too.
 */
function giveUp({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}

async function sendWith({ fetch }: VaultContext, target: URL, init: OutboundInit, token: string): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  // `fetch` would follow a redirect with the token, to whatever host the answer names.
  return noteToken(await fetch(target, { ...init, headers, redirect: "manual" }), token);
}
