import { looksLikeSecret } from "../core/secret-likeness.ts";

/** The provider's words in a refusal: its error code and, where there are any, the codes that narrow it. */
export interface RefusalWord {
  readonly error: string;
  readonly subtype?: string;
  /** Digits alone: `50076` of Entra's `AADSTS50076`. */
  readonly numbers?: readonly string[];
  /** What stands beside them for people, as it may be kept. */
  readonly says?: string;
}

/** Members that hold the code where `error` is an object or a list, as some providers have it. */
const nested = ["code", "errorType", "error", "errorCode", "type", "status"] as const;
/** Members that hold the code of a provider that sends no `error`. They are common words, so they count in a 4xx only. */
const elsewhere = ["errorCode", "error_code", "code", "status", "reason"] as const;
/** Google's name and Entra's for the code that narrows an error. */
const subtypes = ["error_subtype", "suberror"] as const;

/**
 * Reads the error code of a refusal. RFC 6749 puts it into `error`; others are read where they are met: `error` as an
 * object, a list `errors`, or, in a 4xx, a plain member such as `errorCode`. A number is no code: those of HTTP say
 * nothing more than the status does.
 *
 * @param body the answer, which holds no token
 * @param sent secrets of the request, which an answer may repeat
 * @returns undefined where the body names no error, so that nothing proves that a token endpoint wrote it
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function refusalWord(
  body: Readonly<Record<string, unknown>>,
  status: number,
  sent: readonly string[] = [],
): RefusalWord | undefined {
  const { error, errors } = body;
  const [first] = Array.isArray(errors) ? (errors as readonly unknown[]) : [];
  const isClientError = status >= 400 && status < 500;
  // Whatever text stands in `error`, even an empty one: only an authorization server has that member.
  const word =
    (typeof error === "string" ? error : undefined) ??
    wordIn(error, nested) ??
    wordOf(first) ??
    wordIn(first, nested) ??
    (isClientError ? wordIn(body, elsewhere) : undefined);
  if (word === undefined) return undefined;
  const subtype = wordIn(body, subtypes);
  const numbers = numbersIn(body);
  const described = saidBy(body["error_description"] ?? body["message"], sent);
  // As its descriptions have them.
  const says = described === "" ? numbers.map((number) => `AADSTS${number}`).join(" ") : described;
  return {
    error: errorCode(word),
    ...(subtype === undefined ? {} : { subtype: errorCode(subtype) }),
    ...(numbers.length === 0 ? {} : { numbers }),
    ...(says === "" ? {} : { says }),
  };
}

/** How many numbers of one refusal are read. */
const mostNumbers = 8;

/**
 * Entra's numbers: a list in `error_codes`, or the first word of the description where there is no such list. Of a
 * description nothing else is read: it may change at any time.
 */
function numbersIn({
  error_codes: codes,
  error_description: description,
}: Readonly<Record<string, unknown>>): string[] {
  const listed = (Array.isArray(codes) ? codes : []).slice(0, mostNumbers).map(String);
  const numbers = listed.filter((each) => /^\d{1,9}$/.test(each));
  if (numbers.length > 0 || typeof description !== "string") return numbers;
  return /^[A-Z][A-Z\d]*?(\d{4,9}):/.exec(description)?.slice(1) ?? [];
}

/**
 * An error code that is safe to show to people and to store: the provider's, where it is one short plain word. A provider
 * that puts what we sent, or a token, in the place of its code must not bring it into logs and answers.
 */
function errorCode(value: string): string {
  return /^[\w.-]{1,64}$/.test(value) && !looksLikeSecret(value) ? value : "unreadable_error";
}

function wordIn(holder: unknown, names: readonly string[]): string | undefined {
  if (typeof holder !== "object" || holder === null) return undefined;
  const members = holder as Readonly<Record<string, unknown>>;
  for (const name of names) {
    const word = Object.hasOwn(members, name) ? wordOf(members[name]) : undefined;
    if (word !== undefined) return word;
  }
  return undefined;
}

function wordOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && !/^\d+$/.test(value) ? value : undefined;
}

/** The longest text of a provider's that is kept, characters. */
const longest = 200;

/** How many characters of a secret in a row give it away. */
const telling = 8;

/**
 * What a provider says of a refusal, as it may be kept and shown: one line, short, and without what may be a secret, an
 * address of a person, or the numbers by which the provider finds its own log.
 *
 * @param text as it stood in the answer
 * @param sent what was sent to the provider and may be repeated by it. A text that has a part of it is not kept at all
 * @returns empty where nothing of it may be kept
 */
export function saidBy(text: unknown, sent: readonly string[] = []): string {
  if (typeof text !== "string") return "";
  if (sent.some((secret) => sharesPart(text, secret))) return "";
  const [line = ""] = text
    .slice(0, longest * 4)
    .replaceAll(/[^\x20-\x7e]+/g, " ")
    .split(/ (?:Trace|Correlation) ID\b/i);
  const words = line.split(" ").filter((word) => word !== "");
  const shown = words.map((word) => (isTelling(word) ? "…" : word)).join(" ");
  return shown.length > longest ? `${shown.slice(0, longest)}…` : shown;
}

/** A word of a sentence, with the marks around it. Addresses, markup, forms and whatever else a page might act upon are none. */
const plainWord = /^["'(]*[\w.'-]+[)"'.,:;!?]*$/;

function isTelling(word: string): boolean {
  return word.length > 40 || !plainWord.test(word) || looksLikeSecret(word);
}

function sharesPart(text: string, secret: string): boolean {
  if (secret.length <= telling) return secret !== "" && text.includes(secret);
  for (let at = 0; at + telling <= secret.length; at++) {
    if (text.includes(secret.slice(at, at + telling))) return true;
  }
  return false;
}
