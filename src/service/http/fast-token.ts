import { parseGrantRef } from "../../index.ts";
import type { GrantRef, Vault } from "../../index.ts";
import { tokenBody } from "./json-bodies.ts";

/**
 * Only what `parseGrantRef` is sure to accept: nobody would catch its error here, and it would end the process. The query may
 * name the account, in characters that stand for themselves; of escapes there is the one that addresses need.
 */
const route =
  /^\/v1\/grants\/(g_[A-Za-z0-9_-]{1,64}|(?:sub|ext):[A-Za-z0-9_.~:@-]{1,200})\/token(?:\?account=((?:[A-Za-z0-9_.~:@-]|%40){1,200}))?$/;
const memoryLimit = 10_000;

/**
 * The shortest way from a request line to a cached token: one look at the caller's key, one at the token. A request that
 * is in any way special (another query, an escape, an unknown key, a token that ends soon) goes through the service instead,
 * which decides about it.
 *
 * @returns the body of a 200, or undefined where the service must answer
 */
export function fastToken(vault: Vault): (url: string, authorization: string) => string | undefined {
  const refs = new Map<string, GrantRef>();

  const refOf = (url: string): GrantRef | undefined => {
    const [, name, account] = route.exec(url) ?? [];
    if (name === undefined) return undefined;
    const ref = parseGrantRef(name, undefined, account?.replaceAll("%40", "@"));
    if (refs.size >= memoryLimit) refs.clear();
    refs.set(url, ref);
    return ref;
  };

  return (url, authorization) => {
    const caller = vault.callers.peek(authorization);
    if (caller === undefined || !caller.allow.includes("token")) return undefined;
    const ref = refs.get(url) ?? refOf(url);
    const token = ref === undefined ? undefined : vault.forCaller(caller).peekAccessToken(ref);
    return token === undefined ? undefined : tokenBody(token, vault.clock.now());
  };
}
