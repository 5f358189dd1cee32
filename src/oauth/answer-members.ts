import { parseObject } from "./bounded-fetch.ts";
import { readLoosely } from "./loose-json.ts";

/** What a token endpoint answered, before anything of it is judged. */
export interface AnswerMembers {
  /** The members, by the names of RFC 6749. */
  readonly members: Readonly<Record<string, unknown>>;
  /**
   * Every text that stands in the answer as `refresh_token`, at any depth, in its order. A member that comes twice hides
   * the first one, and the hidden one may be the token that works.
   */
  readonly refreshTokens: readonly string[];
  /** False: the answer was cut off or is broken. Then a member that is absent may have been sent all the same. */
  readonly isWhole: boolean;
}

/**
 * Reads an answer with success in any form that a provider may have given it: JSON (RFC 6749 section 5.1), JSON inside
 * a list, a string or one further object, a form, and what can still be read of JSON that is broken or was cut off. The
 * answer may be the only copy of a rotated refresh token, so its form is no reason to lose it.
 *
 * @param text the body, as far as it came
 * @param arrivedWhole whether that is all of it
 * @returns undefined where the text holds no members, such as a proxy's HTML page
 */
export function readAnswer(text: string, arrivedWhole = true): AnswerMembers | undefined {
  // Of an answer that was encoded twice, each quote is escaped.
  const { objects, pairs } = readLoosely(/^\s*"/.test(text) ? text.replaceAll(/\\(["\\])/g, "$1") : text);
  const refreshTokens = pairs.flatMap(refreshTokenIn);
  const parsed = parsedMembers(text);
  if (parsed !== undefined) return { members: parsed, refreshTokens, isWhole: true };
  const form = formMembers(text, arrivedWhole);
  if (form !== undefined) return form;
  // What a page's script holds is seldom the answer. It replaces no token that works, and is tried where none does.
  if (/^\s*<(?:!doctype|html|head|body|script)\b/i.test(text)) {
    return refreshTokens.length === 0 ? undefined : { members: {}, refreshTokens, isWhole: false };
  }
  const answers = objects.flatMap(({ members, isWhole }) => {
    const flat = flattened(members);
    return namesTokens(flat) ? [{ members: flat, refreshTokens, isWhole }] : [];
  });
  // Where two objects hold tokens, nobody knows which are meant. Their refresh tokens are not lost all the same.
  return answers.length > 1 ? { members: {}, refreshTokens, isWhole: false } : answers[0];
}

function refreshTokenIn([name, value]: readonly [string, unknown]): readonly string[] {
  if (plainName(name) !== "refresh_token") return [];
  if (typeof value === "string") return [value];
  return Number.isSafeInteger(value) && Number(value) > 0 ? [String(value)] : [];
}

/** The members of a refusal: of a JSON object, or of a form. */
export function readRefusal(text: string): Readonly<Record<string, unknown>> | undefined {
  return parseObject(text) ?? formMembers(text, true)?.members;
}

/** Members of JSON; undefined where the text is not JSON, or holds no object. */
function parsedMembers(text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
    // Some servers encode their answer twice.
    if (typeof value === "string") value = JSON.parse(value);
  } catch {
    return undefined;
  }
  if (Array.isArray(value) && value.length === 1) [value] = value as unknown[];
  return isObject(value) ? flattened(value) : undefined;
}

/** The members by their plain names, and those of an object further down where that holds the tokens. */
function flattened(value: Record<string, unknown>): Record<string, unknown> {
  const members = withPlainNames(value);
  const inner = Object.values(value).filter(isObject).map(withPlainNames);
  for (const holds of [hasTokens, namesTokens]) {
    if (holds(members)) return members;
    // Some put the answer into one member, such as `data`. Where two members hold tokens, nobody knows which are meant.
    const holders = inner.filter(holds);
    if (holders.length === 1) return { ...members, ...holders[0] };
  }
  return members;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasTokens(members: Record<string, unknown>): boolean {
  return (members["access_token"] ?? members["refresh_token"] ?? undefined) !== undefined;
}

/** Whether there is a token, or null in its place: a token may be hidden by a second member of its name that is null. */
function namesTokens(members: Record<string, unknown>): boolean {
  return "access_token" in members || "refresh_token" in members;
}

/** Adds each member under its plain name. One that has the plain name already counts before any other spelling. */
function withPlainNames(members: Record<string, unknown>): Record<string, unknown> {
  const renamed = Object.entries(members).map(([name, value]) => [plainName(name), value] as const);
  return { ...Object.fromEntries(renamed), ...members };
}

/** `accessToken`, `Access-Token` and `ACCESS_TOKEN` are all `access_token`. */
function plainName(name: string): string {
  return name
    .trim()
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/[-\s]+/g, "_")
    .toLowerCase();
}

/** Members of a form, as some providers answer by default; undefined where the text is none. */
function formMembers(text: string, arrivedWhole: boolean): AnswerMembers | undefined {
  const trimmed = text.trim();
  if (!/^[^\s<>{}"']+=[^\s<>{}"']*$/.test(trimmed)) return undefined;
  // Where the rest is missing, the last value may be cut: half a token is none.
  const form = new URLSearchParams(arrivedWhole ? trimmed : trimmed.slice(0, Math.max(trimmed.lastIndexOf("&"), 0)));
  const members = Object.fromEntries([...form].map(([name, value]) => [plainName(name), value]));
  if (!hasTokens(members) && members["error"] === undefined) return undefined;
  return { members, refreshTokens: form.getAll("refresh_token"), isWhole: arrivedWhole };
}
