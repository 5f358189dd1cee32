import type { AccessToken, CallerView, Vault } from "../../index.ts";
import type { MaybePromise } from "../../core/maybe-promise.ts";
import { answerStart, preparedToken, wantedBy } from "./fast-token.ts";
import type { Wanted } from "./fast-token.ts";
import { asBytes, tokenBody, withLife } from "./json-bodies.ts";
import { requestIdOf } from "../../vault/http/request-id.ts";

/**
 * The short way from a request line to a token that is not in memory and is good in the store: one look at the caller's
 * key, one at the store, and the record that it was given. Whatever is special goes through the service instead.
 *
 * @param requestId the value of `x-request-id`; undefined where none was sent
 * @returns a 200's body, in characters of one byte each; undefined where the service must answer
 * @throws what the store throws, and rejects with it
 */
export function storedToken(
  vault: Vault,
): (url: string, authorization: string, requestId: string | undefined) => MaybePromise<string | undefined> {
  return (url, authorization, requestId) => {
    const view = viewOf(vault, authorization);
    const wanted = view === undefined ? undefined : wantedBy(url);
    return view === undefined || wanted === undefined ? undefined : read(vault, view, wanted, requestId);
  };
}

function read(
  vault: Vault,
  { stored }: CallerView,
  { ref, minTtlSeconds }: Wanted,
  requestId: string | undefined,
): MaybePromise<string | undefined> {
  const found = stored.get(ref, minTtlSeconds, () => requestIdOf(requestId));
  return found instanceof Promise ? found.then((token) => bodyOf(vault, token)) : bodyOf(vault, found);
}

/**
 * {@link preparedToken}, and what memory holds or {@link storedToken} gives: for one value of `Authorization` and one of
 * `x-request-id`. It throws nothing, and rejects with what the store rejects with.
 */
export function repeatedToken(
  vault: Vault,
  authorization: string,
  requestId: string | undefined,
): (url: string) => MaybePromise<string | undefined> {
  const prepared = preparedToken(vault, authorization);
  return (url) => {
    const body = prepared(url);
    if (body !== undefined) return body;
    const view = viewOf(vault, authorization);
    const wanted = view === undefined ? undefined : wantedBy(url);
    if (view === undefined || wanted === undefined) return undefined;
    const { ref, minTtlSeconds } = wanted;
    const held = view.answers.prepare(url, ref, minTtlSeconds, answerStart, true);
    if (held !== undefined) return withLife(held.text, held.endsAt, vault.clock.now());
    try {
      return read(vault, view, wanted, requestId);
    } catch {
      // The service reads again, and says what is wrong.
      return undefined;
    }
  };
}

/** What a caller sees, where its key was looked at lately and it may read tokens. */
function viewOf(vault: Vault, authorization: string): CallerView | undefined {
  const caller = vault.callers.peek(authorization);
  return caller?.allow.includes("token") === true ? vault.forCaller(caller) : undefined;
}

/**
 * The answer with a token that the store gave. What the next one needs is made when somebody asks for the second time: most
 * tokens that are read once are never read again before they end.
 */
function bodyOf(vault: Vault, token: AccessToken | undefined): string | undefined {
  return token === undefined ? undefined : asBytes(tokenBody(token, vault.clock.now()));
}
