/*
 * Answers of token endpoints that know no OpenID Connect, by what the provider's record says of them: which tokens are
 * meant where an answer holds several, and whose they are.
 */
import { defined } from "../core/defined.ts";
import type { Provider } from "../providers/provider.ts";
import type { HttpAnswer, HttpResult } from "./bounded-fetch.ts";
import { exactJson, memberAt, subjectText } from "./exact-json.ts";
import { readLoosely } from "./loose-json.ts";
import type { TokenSet } from "./token-set.ts";

/**
 * The tokens of a provider whose people are not known by an ID token. One that comes all the same is left out: who is known
 * in another way must not be known by a token that nobody verifies. Where the record says so, the answer names the person.
 *
 * @param result the answer that held the tokens
 */
export function withoutIdToken(
  { identity }: Pick<Provider, "identity">,
  result: HttpResult,
  { idToken: _ignored, ...tokens }: TokenSet,
): TokenSet {
  const answer = result.kind === "silence" ? result.begun : result;
  if (typeof identity !== "object" || !("tokenAnswer" in identity) || answer === undefined) return tokens;
  const { members, isWhole } = membersOf(answer.text);
  const ids = [identity.tokenAnswer].flat().map((paths) => {
    // Of an answer that was cut off, the member that is missing may be what has not come: another one must not count for it.
    const [first, ...others] = [paths].flat();
    const found = [first, ...(isWhole ? others : [])].map((path = "") => idText(memberAt(members, path)));
    return found.find((id) => id !== undefined);
  });
  const subject = ids.includes(undefined) ? undefined : subjectText(ids.join(":"));
  return { ...tokens, ...defined({ subject }) };
}

/** Some providers answer as a form. Of an answer that is broken or was cut off, what has come counts. */
function membersOf(text: string): { readonly members: unknown; readonly isWhole: boolean } {
  const isForm = !text.includes("{");
  const members = isForm ? Object.fromEntries(new URLSearchParams(text.trim())) : exactJson(text);
  if (members !== undefined) return { members, isWhole: true };
  return { members: readLoosely(text).objects[0]?.members, isWhole: false };
}

/** A person's id. A number of a broken answer is no {@link subjectText}: it counts where JavaScript has not rounded it. */
function idText(value: unknown): string | undefined {
  return subjectText(value) ?? (Number.isSafeInteger(value) ? String(value) : undefined);
}

/** Whose tokens of an answer are ours, by the provider's record. */
type OwnTokens = Pick<Provider, "tokensIn" | "otherTokensIn">;

/**
 * The answer without the tokens of somebody else: a bot's beside a person's, or the other way round. That holds for an
 * answer that is broken or was cut off as well: another's refresh token that is kept as ours would be sent, and hand out
 * that other's access.
 *
 * @param isRefresh whether a refresh token was sent. The answer then holds the tokens of its owner, and nobody's beside
 */
export function withOwnTokens(record: OwnTokens, result: HttpResult, isRefresh: boolean): HttpResult {
  const { tokensIn, otherTokensIn = [] } = record;
  if (tokensIn === undefined && otherTokensIn.length === 0) return result;
  if (result.kind !== "silence") return { kind: result.kind, ...own(result, result.kind === "body") };
  return result.begun === undefined ? result : { ...result, begun: own(result.begun, false) };

  function own({ status, headers, text }: HttpAnswer, arrivedWhole: boolean): HttpAnswer {
    // What was found beyond the limit is left out: nobody can see in which member it stood.
    return { status, headers, text: ownText(record, text, arrivedWhole, isRefresh) };
  }
}

function ownText(record: OwnTokens, text: string, arrivedWhole: boolean, isRefresh: boolean): string {
  // A form has no members within members.
  if (!text.includes("{")) return text;
  const whole = arrivedWhole ? objectIn(text) : undefined;
  if (whole !== undefined) return JSON.stringify(ownMembers(record, whole, true));
  // Of an answer that was encoded twice, each quote is escaped.
  const { objects } = readLoosely(/^\s*"/.test(text) ? text.replaceAll(/\\(["\\])/g, "$1") : text);
  const parts = objects.map(({ members, isWhole }) => {
    const part = JSON.stringify(ownMembers(record, members, isWhole || isRefresh));
    return isWhole ? part : part.slice(0, -1);
  });
  // What it begins with says whether it is the page of a proxy.
  return [/^\s*<\w*/.exec(text)?.[0] ?? "", ...parts].join("\n");
}

/** The object in a text of JSON, also in a list of one and in one that was encoded twice. */
function objectIn(text: string): object | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (typeof value === "string") value = JSON.parse(value);
  } catch {
    return undefined;
  }
  if (Array.isArray(value) && value.length === 1) [value] = value as unknown[];
  return isObject(value) ? value : undefined;
}

/** @param isAllThere false: the member with the tokens may be among what has not come */
function ownMembers({ tokensIn, otherTokensIn = [] }: OwnTokens, answer: object, isAllThere: boolean): object {
  const inner = tokensIn === undefined ? undefined : memberAt(answer, tokensIn);
  if (isObject(inner) && ("access_token" in inner || "refresh_token" in inner)) return inner;
  if (tokensIn !== undefined && !isAllThere) return {};
  const others = [...(tokensIn === undefined ? [] : [tokensIn]), ...otherTokensIn];
  return others.reduce(without, answer);
}

/** The object without the member at a path, as {@link memberAt} finds it. */
function without(value: object, path: string): object {
  const dot = Object.hasOwn(value, path) ? -1 : path.indexOf(".");
  const name = dot < 0 ? path : path.slice(0, dot);
  return Object.fromEntries(
    Object.entries(value).flatMap(([each, inner]): [string, unknown][] => {
      if (each !== name) return [[each, inner]];
      return dot >= 0 && isObject(inner) ? [[each, without(inner, path.slice(dot + 1))]] : [];
    }),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
