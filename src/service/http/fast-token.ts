import { parseGrantRef } from "../../index.ts";
import type { GrantRef, Vault } from "../../index.ts";
import { tokenBody } from "./json-bodies.ts";

/** Only what is certain to be a reference: an exception here would be nobody's to answer, and end the process. */
const route = /^\/v1\/grants\/(g_[A-Za-z0-9_-]{1,64}|(?:sub|ext):[A-Za-z0-9_.~:@-]{1,200})\/token$/;
const memoryLimit = 10_000;

/**
 * The shortest way from a request line to a cached token: one look at the caller's key, one at the token. Whatever is
 * not wholly plain (a query, an escape, an unknown key, a token that ends soon) takes the long way, which decides.
 *
 * @returns the body of a 200, or undefined for the long way
 */
export function fastToken(vault: Vault): (url: string, authorization: string) => string | undefined {
  const refs = new Map<string, GrantRef>();

  const refOf = (url: string): GrantRef | undefined => {
    const name = route.exec(url)?.[1];
    if (name === undefined) return undefined;
    const ref = parseGrantRef(name);
    if (refs.size >= memoryLimit) refs.clear();
    refs.set(url, ref);
    return ref;
  };

  return (url, authorization) => {
    const caller = vault.callers.peek(authorization);
    if (caller === undefined || !caller.allow.includes("token")) return undefined;
    const ref = refs.get(url) ?? refOf(url);
    const token = ref === undefined ? undefined : vault.peekAccessToken(ref);
    return token === undefined ? undefined : tokenBody(token, vault.clock.now());
  };
}
