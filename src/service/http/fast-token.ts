import { parseGrantRef } from "../../index.ts";
import type { AccessToken, GrantRef, Vault } from "../../index.ts";
import { asBytes, longestTtlSeconds, tokenStart, withLife } from "./json-bodies.ts";

/** Only what `parseGrantRef` is sure to accept: nobody would catch its error here, and it would end the process. */
const route =
  /^\/v1\/grants\/(g_[A-Za-z0-9_-]{1,64}|(?:sub|ext):[A-Za-z0-9_.~:@-]{1,200})\/token(?:\?([A-Za-z0-9_.~:@%=&-]{1,300}))?$/;
/** In characters that stand for themselves; of escapes there is the one that addresses need. */
const accountPair = /^account=((?:[A-Za-z0-9_.~:@-]|%40){1,200})$/;
const ttlPair = /^min_ttl_seconds=(\d{1,5})$/;
const usualTtlSeconds = 60;

/** Which token a request asks for. */
export interface Wanted {
  readonly ref: GrantRef;
  readonly minTtlSeconds: number;
}

/**
 * The shortest way from a request line to a cached token: one look at the caller's key, and one at what was prepared for its
 * request. A request that is in any way special (another query, an escape, an unknown key, a token that ends soon) goes
 * through the service instead, which decides about it.
 *
 * @returns the body of a 200, in characters of one byte each; or undefined where the service must answer
 */
export function fastToken(vault: Vault): (url: string, authorization: string) => string | undefined {
  return (url, authorization) => {
    const answers = answersFor(vault, authorization);
    if (answers === undefined) return undefined;
    const now = vault.clock.now();
    let found = answers.find(url, now);
    if (found === undefined) {
      const wanted = wantedBy(url);
      if (wanted === undefined) return undefined;
      found = answers.prepare(url, wanted.ref, wanted.minTtlSeconds, answerStart, true);
    }
    return found === undefined ? undefined : withLife(found.text, found.endsAt, now);
  };
}

/** {@link fastToken}, of what was prepared before, for one value of `Authorization`: a connection's, as a rule. */
export function preparedToken(vault: Vault, authorization: string): (url: string) => string | undefined {
  let caller = vault.callers.peek(authorization);
  let answers = answersFor(vault, authorization);
  return (url) => {
    const current = vault.callers.peek(authorization);
    if (current === undefined) return undefined;
    if (current !== caller) {
      caller = current;
      answers = answersFor(vault, authorization);
    }
    const now = vault.clock.now();
    const found = answers?.find(url, now);
    return found === undefined ? undefined : withLife(found.text, found.endsAt, now);
  };
}

/** What every answer with a token begins with, in characters of one byte each. */
export function answerStart(token: AccessToken): string {
  return asBytes(tokenStart(token));
}

/** What is prepared for a caller; undefined where its key must be looked at first, or it may not read tokens. */
function answersFor(vault: Vault, authorization: string): ReturnType<Vault["forCaller"]>["answers"] | undefined {
  const caller = vault.callers.peek(authorization);
  return caller?.allow.includes("token") === true ? vault.forCaller(caller).answers : undefined;
}

/** Which token an address means; undefined where the service must look at it. */
export function wantedBy(url: string): Wanted | undefined {
  // A request whose token is not in memory is looked at twice.
  if (url !== lastUrl) [lastUrl, lastWanted] = [url, readUrl(url)];
  return lastWanted;
}

let lastUrl = "";
let lastWanted: Wanted | undefined;

function readUrl(url: string): Wanted | undefined {
  const [, name, query] = route.exec(url) ?? [];
  const asked = name === undefined ? undefined : readQuery(query);
  if (name === undefined || asked === undefined) return undefined;
  const { account, minTtlSeconds = usualTtlSeconds } = asked;
  return { ref: parseGrantRef(name, undefined, account), minTtlSeconds };
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
