import type { Vault } from "../../index.ts";
import { answerStart, wantedBy } from "./fast-token.ts";
import { asBytes, tokenBody, withLife } from "./json-bodies.ts";
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
    const view = vault.forCaller(caller);
    return view
      .storedAccessToken(ref, minTtlSeconds, () => requestIdOf(requestId))
      .then((token) => {
        if (token === undefined) return undefined;
        const now = vault.clock.now();
        // The next read is answered with what is made here. Where memory is full, the token may not be in it.
        const kept = view.answers.prepare(url, ref, minTtlSeconds ?? 60, answerStart, false);
        return kept === undefined ? asBytes(tokenBody(token, now)) : withLife(kept.text, kept.endsAt, now);
      });
  };
}
