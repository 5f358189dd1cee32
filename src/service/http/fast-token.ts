import { parseGrantRef } from "../../index.ts";
import type { GrantRef, Vault } from "../../index.ts";
import { longestTtlSeconds, tokenBody } from "./json-bodies.ts";

/** Only what `parseGrantRef` is sure to accept: nobody would catch its error here, and it would end the process. */
const route =
  /^\/v1\/grants\/(g_[A-Za-z0-9_-]{1,64}|(?:sub|ext):[A-Za-z0-9_.~:@-]{1,200})\/token(?:\?([A-Za-z0-9_.~:@%=&-]{1,300}))?$/;
/** In characters that stand for themselves; of escapes there is the one that addresses need. */
const accountPair = /^account=((?:[A-Za-z0-9_.~:@-]|%40){1,200})$/;
const ttlPair = /^min_ttl_seconds=(\d{1,5})$/;
const memoryLimit = 10_000;

/** Which token a request asks for. */
interface Wanted {
  readonly ref: GrantRef;
  readonly minTtlSeconds: number | undefined;
}

/**
 * The shortest way from a request line to a cached token: one look at the caller's key, one at the token. A request that
 * is in any way special (another query, an escape, an unknown key, a token that ends soon) goes through the service instead,
 * which decides about it.
 *
 * @returns the body of a 200, or undefined where the service must answer
 */
export function fastToken(vault: Vault): (url: string, authorization: string) => string | undefined {
  const known = new Map<string, Wanted>();

  const wantedBy = (url: string): Wanted | undefined => {
    const [, name, query] = route.exec(url) ?? [];
    const asked = name === undefined ? undefined : readQuery(query);
    if (name === undefined || asked === undefined) return undefined;
    const wanted = { ref: parseGrantRef(name, undefined, asked.account), minTtlSeconds: asked.minTtlSeconds };
    if (known.size >= memoryLimit) known.clear();
    known.set(url, wanted);
    return wanted;
  };

  return (url, authorization) => {
    const caller = vault.callers.peek(authorization);
    if (caller === undefined || !caller.allow.includes("token")) return undefined;
    const wanted = known.get(url) ?? wantedBy(url);
    if (wanted === undefined) return undefined;
    const token = vault.forCaller(caller).peekAccessToken(wanted.ref, wanted.minTtlSeconds);
    return token === undefined ? undefined : tokenBody(token, vault.clock.now());
  };
}

/** What a query says; undefined where the service must look at it. */
function readQuery(
  query: string | undefined,
): { readonly account: string | undefined; readonly minTtlSeconds: number | undefined } | undefined {
  let account: string | undefined;
  let minTtlSeconds: number | undefined;
  for (const pair of query?.split("&") ?? []) {
    const [, label] = accountPair.exec(pair) ?? [];
    const [, seconds] = ttlPair.exec(pair) ?? [];
    if (label !== undefined && account === undefined) account = label.replaceAll("%40", "@");
    else if (seconds !== undefined && minTtlSeconds === undefined) minTtlSeconds = Number(seconds);
    else return undefined;
  }
  return (minTtlSeconds ?? 0) > longestTtlSeconds ? undefined : { account, minTtlSeconds };
}
