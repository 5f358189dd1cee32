import { decodeJwt } from "jose";
import type { JWTPayload } from "jose";
import { BoundToken, Secret } from "../core/secret.ts";
import { defined } from "../core/defined.ts";
import { lostScopes } from "../core/scopes.ts";
import type { CanonicalScopes } from "../core/scopes.ts";
import { scopesOf } from "../core/grant.ts";
import { isSameServer, issuersFor } from "../core/issuer.ts";
import type { IssuerNames } from "../core/issuer.ts";
import type { Profile } from "../core/grant.ts";
import type { AnswerMembers } from "./answer-members.ts";
import { parseObject } from "./bounded-fetch.ts";
import { readScope } from "./granted-scope.ts";
import type { ScopeAnswer } from "./granted-scope.ts";
import { lifetimesOf, tenYearsSeconds } from "./lifetimes.ts";
import type { LifetimeHabits, Lifetimes } from "./lifetimes.ts";

/**
 * An answer of the token endpoint with success. It holds an access token, a refresh token, or both.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 */
export interface TokenSet extends ScopeAnswer, Lifetimes {
  /** Absent: the answer has none that can be sent as a bearer token. */
  readonly accessToken?: Secret;
  /** Absent: the refresh token that was sent stays valid, or the person granted no offline access. */
  readonly refreshToken?: Secret;
  /**
   * What stands in the answer as a refresh token besides. Nobody knows whether one of them is the token that works, so
   * they are kept beside the grant, and tried before it lapses.
   */
  readonly otherRefreshTokens?: readonly Secret[];
  readonly idToken?: Secret;
  /** Whose tokens they are, as the answer itself says it, where the provider's record names the member. */
  readonly subject?: string;
}

/** Tokens, and when their request was sent. */
export interface ReceivedTokens {
  readonly tokens: TokenSet;
  /** When the request was sent, milliseconds since the epoch. The lives of the tokens are counted from then. */
  readonly receivedAt: number;
  /** What time it was by the answer's `Date`, milliseconds since the epoch. Absent: it did not say. */
  readonly answeredAt?: number;
  /** The ID token's `c_hash` is that of another code than the one that was sent. The code itself is not kept. */
  readonly isOtherCode?: true;
  /** Who has consented, where that is known by now: it need not be found out again. */
  readonly profile?: Profile;
}

/** Our word for an answer with success that has no access token to hand out. */
export const noAccessToken = "no_access_token";

/** Only visible ASCII: any other character of an access token could end the header that it is sent in. */
const headerSafe = /^[\x21-\x7e]+$/;

/** No API takes a header this long, characters. */
const longestAccessToken = 65_536;

/**
 * The types that are of no use as a bearer token: each wants a proof with every request (RFC 9449, MAC, Microsoft's
 * PoP), or is no access token at all (RFC 8693). Any other word means a bearer token: `jwt-bearer`, `BearerToken`, `user`.
 */
const notBearer: ReadonlySet<string> = new Set(["mac", "dpop", "pop", "n_a"]);

/** How many refresh tokens of one answer are kept besides the one that counts. */
const mostOthers = 8;

/** The members that RFC 6749 section 5.1 and OpenID Connect give an answer, each with the type that it has there. */
const plainTypes: Readonly<Record<string, "string" | "number">> = {
  access_token: "string",
  token_type: "string",
  expires_in: "number",
  refresh_token: "string",
  scope: "string",
  id_token: "string",
};

/** Scopes as RFC 6749 section 3.3 writes them, without the characters that some providers put around or between them. */
const plainScope = /^[\w!#$&*+\-./:<=>?@^`|~]+(?: [\w!#$&*+\-./:<=>?@^`|~]+)*$/;

/**
 * Reads an answer that has the form of RFC 6749 section 5.1 and no other member, as most answers have: nothing of it
 * needs to be interpreted. It says what {@link tokenSetOf} says of the same answer.
 *
 * @param text the body, which came whole
 * @param announcedEnds members to which the provider's record gives a meaning of their own
 * @returns undefined where the answer has any other form. It may be as good; `readAnswer` reads it
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 */
export function plainTokenSet(text: string, { announcedEnds = {} }: LifetimeHabits = {}): TokenSet | undefined {
  const body = parseObject(text) ?? {};
  const isPlain = ([name, value]: readonly [string, unknown]): boolean =>
    Object.hasOwn(plainTypes, name) &&
    typeof value === plainTypes[name] &&
    value !== "" &&
    !Object.hasOwn(announcedEnds, name);
  if (!Object.entries(body).every(isPlain) || squeezed(JSON.stringify(body)) !== squeezed(text)) return undefined;
  const { expires_in: life, refresh_token: refresh, scope, id_token: idToken } = body;
  const accessToken = accessTokenOf(body);
  if (accessToken === undefined || accessToken !== body["access_token"]) return undefined;
  if (!Number.isSafeInteger(life) || !(Number(life) > 0) || Number(life) > tenYearsSeconds) return undefined;
  if (typeof refresh === "string" && !(isRefreshToken(refresh) && refresh === refresh.trim())) return undefined;
  if (typeof scope === "string" && !(plainScope.test(scope) && isWithoutRepetition(scope.split(" ")))) return undefined;
  return {
    accessToken: new Secret(accessToken),
    expiresInSeconds: Number(life),
    ...(typeof refresh === "string" ? { refreshToken: new Secret(refresh) } : {}),
    ...(typeof scope === "string" ? { scope } : {}),
    ...(typeof idToken === "string" ? { idToken: new Secret(idToken) } : {}),
  };
}

/** Without its white space. A text that differs from its own reading in more has a member twice, or odd escapes. */
function squeezed(text: string): string {
  return text.replaceAll(/\s+/g, "");
}

function isWithoutRepetition(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}

/** What is known of an answer besides its members. */
export interface AnswerContext extends Omit<AnswerMembers, "members"> {
  /** When the request was sent, milliseconds since the epoch. Points in time that the answer names count from then. */
  readonly sentAt: number;
  /** What the provider's record says of lifetimes. */
  readonly habits: LifetimeHabits;
}

/**
 * Reads an answer with tokens; undefined where it holds no access token that can be used and nothing that could be a
 * refresh token. What is wrong with one member never costs another.
 *
 * @param more what is known of the answer besides its members; by default it was whole
 */
export function tokenSetOf(members: AnswerMembers["members"], more: Partial<AnswerContext> = {}): TokenSet | undefined {
  const { refreshTokens = [], isWhole = true, sentAt = 0, habits } = more;
  const accessToken = accessTokenOf(members);
  const { counts, others } = refreshTokensOf(members["refresh_token"], refreshTokens, isWhole);
  if (accessToken === undefined && counts === undefined && others.length === 0) return undefined;
  const scope = members["scope"] === undefined ? members["scopes"] : members["scope"];
  return defined({
    accessToken: secretOf(accessToken),
    ...lifetimesOf(members, sentAt, habits),
    refreshToken: secretOf(counts),
    otherRefreshTokens: others.length === 0 ? undefined : others.map((each) => new Secret(each)),
    // Of a part of an answer, only a text has surely come whole. That it has no scope says nothing about the rest.
    ...readScope(isWhole || typeof scope === "string" ? scope : null),
    // Taken as it is. Its verifier refuses one that is malformed.
    idToken: secretOf(members["id_token"]),
  });
}

/**
 * What a grant covers after an answer. A scope that cannot be read grants nothing beyond what was held: that somebody
 * did not understand an answer is no consent.
 *
 * @param held what the grant covered before, separated by spaces; undefined: there was none
 * @param asked what the sign-in asked for; empty at a refresh
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
 */
export function scopeAfter(
  { scope, scopeUnread }: ScopeAnswer,
  held: string | undefined,
  asked: readonly string[] = [],
): string {
  if (scope !== undefined) return scope;
  return scopeUnread === true || asked.length === 0 ? (held ?? "") : asked.join(" ");
}

/**
 * What was asked for at a consent and is not granted, separated by spaces: the person may have left boxes unticked.
 *
 * @param scope what is granted, separated by spaces
 */
export function withheldScope(requested: readonly string[], scope: string, canonical?: CanonicalScopes): string {
  const granted = scopesOf(scope);
  // Most people grant all, and then no names need to be compared.
  if (requested.every((each) => granted.includes(each))) return "";
  return lostScopes(requested, granted, canonical).join(" ");
}

/** The access token; undefined where there is none, no header can carry it, or it is no bearer token. */
function accessTokenOf(members: AnswerMembers["members"]): string | undefined {
  // Some put the whole value of the header there.
  const token =
    textOf(members["access_token"])
      ?.trim()
      .replace(/^Bearer\s+/i, "") ?? "";
  const type = members["token_type"];
  if (!headerSafe.test(token) || token.length > longestAccessToken) return undefined;
  return typeof type === "string" && notBearer.has(type.trim().toLowerCase()) ? undefined : token;
}

/**
 * Which refresh token of an answer counts. It is taken as it is: it is sent in a form, which can carry any character,
 * and without it the grant would be lost. A number counts as its digits, and a list or an object that holds one text
 * counts as that text. Where the member comes several times, the last one counts, as in JSON, and the others are kept.
 * What is no refresh token, such as an empty text, never replaces one. Where white space stands around it, the text
 * without it is kept as well. Of a part of an answer, only a text counts: a list may go on.
 *
 * @param value the member
 * @param all every refresh token that stands in the answer
 */
function refreshTokensOf(
  value: unknown,
  all: readonly string[],
  isWhole: boolean,
): { readonly counts?: string; readonly others: readonly string[] } {
  const said = textsIn(value).filter(isRefreshToken);
  const candidates = [...new Set([...all, ...said].filter(isRefreshToken).flatMap((each) => [each.trim(), each]))];
  const isSure = said.length === 1 && (isWhole || typeof value === "string");
  const counts = isSure ? said[0] : value === undefined ? undefined : all.findLast(isRefreshToken);
  return defined({ counts, others: candidates.filter((each) => each !== counts).slice(-mostOthers) });
}

/**
 * The same answer with one of its other refresh tokens in place of the one that counts, where none does. For a grant that
 * holds no refresh token: there is none that a wrong one could replace.
 */
export function withAnyRefreshToken(tokens: TokenSet): TokenSet {
  const { otherRefreshTokens: others = [] } = tokens;
  const refreshToken = others.at(-1);
  if (tokens.refreshToken !== undefined || refreshToken === undefined) return tokens;
  return { ...tokens, refreshToken, otherRefreshTokens: others.slice(0, -1) };
}

/** Some providers spell "none" as a word. */
function isRefreshToken(text: string): boolean {
  return !/^\s*(?:null|undefined|none|nil|nan)?\s*$/i.test(text);
}

function textsIn(value: unknown, depth = 0): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || depth === 3) return [];
  return Object.values(value).flatMap((each: unknown) => textsIn(each, depth + 1));
}

/** The claims of an ID token as it stands, unverified; none where it cannot be read. */
export function unverifiedClaims(idToken: Secret): JWTPayload {
  try {
    return decodeJwt(idToken.expose());
  } catch {
    return {};
  }
}

/** The claims that say whose grant an answer is for. */
export type ClaimOfGrant = "sub" | "iss" | "aud";

/** The grant whose refresh token was sent. */
export interface AskedGrant {
  readonly clientId: string;
  /** The names of its issuer. Undefined where they are not known just now: then `iss` is not compared. */
  readonly issuer: IssuerNames | undefined;
  /** Whether this is the `sub` of its person. */
  readonly isSubject: (sub: string) => boolean;
}

/**
 * Which claim of an answer's ID token names another grant than the one that was asked for; undefined where none does.
 * The claims are not verified: they came over TLS from the token endpoint (section 3.1.3.7, point 6), and are used to
 * refuse an answer, never to believe one. A claim that is absent or cannot be read names nobody: the answer may hold the
 * only refresh token that works, so it is not refused for what nobody can read.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse
 */
export function claimOfAnotherGrant({ idToken }: TokenSet, asked: AskedGrant): ClaimOfGrant | undefined {
  if (idToken === undefined) return undefined;
  const claims: Readonly<Record<string, unknown>> = unverifiedClaims(idToken);
  const { iss, aud } = claims;
  const sub = subjectIn(claims);
  if (sub !== undefined && !asked.isSubject(sub)) return "sub";
  if (asked.issuer !== undefined && typeof iss === "string" && !isOfIssuer(asked.issuer, iss, claims)) return "iss";
  const audience = [aud].flat().filter((each) => typeof each === "string");
  return audience.length === 0 || audience.includes(asked.clientId) ? undefined : "aud";
}

/** A number counts as its digits, as long as JSON has kept them all. */
function subjectIn({ sub }: Readonly<Record<string, unknown>>): string | undefined {
  return Number.isSafeInteger(sub) ? String(sub) : textOf(sub);
}

/**
 * Whether `iss` names our issuer. Another name of the same server, such as one with a slash more, is more likely a
 * setting of ours that is wrong than another issuer's person with the same `sub`.
 */
function isOfIssuer(ours: IssuerNames, iss: string, claims: Readonly<Record<string, unknown>>): boolean {
  return iss === ours.issuer || issuersFor(ours, claims).includes(iss) || isSameServer(ours.issuer, iss);
}

/** An answer as the text that is sealed into a journal. It may go nowhere else. */
export function journalText({ tokens, receivedAt, answeredAt, isOtherCode, profile }: ReceivedTokens): Secret {
  return new Secret(
    JSON.stringify({
      received_at: receivedAt,
      answered_at: answeredAt,
      other_code: isOtherCode,
      profile,
      access_token: tokens.accessToken?.expose(),
      expires_in: tokens.expiresInSeconds,
      refresh_token: tokens.refreshToken?.expose(),
      bound_to: boundTo(tokens),
      other_refresh_tokens: tokens.otherRefreshTokens?.map((each) => each.expose()),
      refresh_token_expires_in: tokens.refreshTokenExpiresInSeconds,
      authorization_expires_in: tokens.consentExpiresInSeconds,
      scope: tokens.scope,
      scope_unread: tokens.scopeUnread,
      id_token: tokens.idToken?.expose(),
      subject: tokens.subject,
    }),
  );
}

/** The key that the refresh tokens of an answer are bound to. */
function boundTo({ refreshToken, otherRefreshTokens = [] }: TokenSet): string | undefined {
  const first = refreshToken ?? otherRefreshTokens[0];
  return first instanceof BoundToken ? first.boundTo : undefined;
}

/** Reads the text of {@link journalText}; undefined where it holds no tokens. */
export function fromJournal(text: string): ReceivedTokens | undefined {
  const body = parseObject(text) ?? {};
  const { received_at: receivedAt, access_token: access, refresh_token: refresh, id_token: idToken } = body;
  const { other_refresh_tokens: others, scope } = body;
  if (typeof receivedAt !== "number" || (access ?? refresh ?? others) === undefined) return undefined;
  const tokens = defined({
    accessToken: secretOf(access),
    expiresInSeconds: numberOf(body["expires_in"]),
    refreshToken: refreshTokenOf(refresh, body["bound_to"]),
    otherRefreshTokens: Array.isArray(others)
      ? others.flatMap((each) => refreshTokenOf(each, body["bound_to"]) ?? [])
      : undefined,
    refreshTokenExpiresInSeconds: numberOf(body["refresh_token_expires_in"]),
    consentExpiresInSeconds: numberOf(body["authorization_expires_in"]),
    ...(body["scope_unread"] === true ? { scopeUnread: true as const } : readScope(scope)),
    idToken: secretOf(idToken),
    subject: textOf(body["subject"]),
  });
  return defined({
    tokens,
    receivedAt,
    answeredAt: numberOf(body["answered_at"]),
    isOtherCode: body["other_code"] === true ? (true as const) : undefined,
    profile: body["profile"] as Profile | undefined,
  });
}

function refreshTokenOf(value: unknown, key: unknown): Secret | undefined {
  const token = secretOf(value);
  return token === undefined || typeof key !== "string" ? token : new BoundToken(token.expose(), key);
}

function secretOf(value: unknown): Secret | undefined {
  const text = textOf(value);
  return text === undefined ? undefined : new Secret(text);
}

/** A text; undefined where it is empty or absent. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
