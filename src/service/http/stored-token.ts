import type { Vault } from "../../index.ts";
import { asBytes, tokenBody } from "./json-bodies.ts";
import { wantedBy } from "./fast-token.ts";
import { requestIdOf } from "./routes/router.ts";

/**
 * The short way from a request line to a token that is not in memory and is good in the store: one look at the caller's
 * key, one at the store, and the record that it was given. Whatever is special goes through the service instead.
 *
 * @param requestId the value of `x-request-id`; undefined where none was sent
 * @returns undefined where the service must answer; what it resolves with is a 200's body, in characters of one byte each, or undefined likewise
 */
export function storedToken(
  vault: Vault,
): (url: string, authorization: string, requestId: string | undefined) => Promise<string | undefined> | undefined {
  return (url, authorization, requestId) => {
    const caller = vault.callers.peek(authorization);
    if (caller === undefined || !caller.allow.includes("token")) return undefined;
    const wanted = wantedBy(url);
    if (wanted === undefined) return undefined;
    const { ref, minTtlSeconds } = wanted;
    return vault
      .forCaller(caller)
      .storedAccessToken(ref, minTtlSeconds, () => requestIdOf(requestId))
      .then((token) => (token === undefined ? undefined : asBytes(tokenBody(token, vault.clock.now()))));
  };
}
