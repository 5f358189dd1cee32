/*
 * Answers of token endpoints that know no OpenID Connect, by what the provider's record says of them: which tokens are
 * meant where an answer holds several, and whose they are.
 */
import { defined } from "../core/defined.ts";
import type { Provider } from "../providers/provider.ts";
import type { HttpResult } from "./bounded-fetch.ts";
import { exactJson, memberAt, subjectText } from "./exact-json.ts";
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
  if (typeof identity !== "object" || !("tokenAnswer" in identity) || result.kind !== "body") return tokens;
  const answer = exactJson(result.text) ?? formOf(result.text);
  const ids = [identity.tokenAnswer].flat().map((path) => subjectText(memberAt(answer, path)));
  const subject = ids.includes(undefined) ? undefined : subjectText(ids.join(":"));
  return { ...tokens, ...defined({ subject }) };
}

/** Some providers answer as a form. */
function formOf(text: string): object {
  return Object.fromEntries(new URLSearchParams(text.trim()));
}

/** The answer without the tokens of somebody else: a bot's beside a person's, or the other way round. */
export function withOwnTokens(
  { tokensIn, otherTokensIn = [] }: Pick<Provider, "tokensIn" | "otherTokensIn">,
  result: HttpResult,
): HttpResult {
  if (result.kind !== "body" || (tokensIn === undefined && otherTokensIn.length === 0)) return result;
  let answer: unknown;
  try {
    answer = JSON.parse(result.text);
  } catch {
    return result;
  }
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return result;
  const inner = tokensIn === undefined ? undefined : memberAt(answer, tokensIn);
  if (typeof inner === "object" && inner !== null && "access_token" in inner) {
    return { ...result, text: JSON.stringify(inner) };
  }
  const own = Object.entries(answer).filter(([name]) => name !== tokensIn && !otherTokensIn.includes(name));
  return { ...result, text: JSON.stringify(Object.fromEntries(own)) };
}
