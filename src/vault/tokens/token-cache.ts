import { systemChance } from "../../core/chance.ts";
import { scopesOf } from "../../core/grant.ts";
import type { GrantRef } from "../../core/grant.ts";
import { Secret } from "../../core/secret.ts";
import type { TokenLife } from "../../core/token-life.ts";
import { fingerprint } from "../../crypto/keyring.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { GrantChange } from "../../store/store.ts";
import { MemoryRest } from "./memory-rest.ts";
import { References } from "./references.ts";
import type { KnownReference, LookedUpBy } from "./references.ts";

/** An access token. `token` is a getter, so that neither logging nor serialising the object shows it. */
export class AccessToken {
  readonly grantId: string;
  /** When it expires. Undefined where the provider did not say: use it until an API refuses it. */
  readonly expiresAt: Date | undefined;
  /** What the token may be used for, in the provider's canonical names. */
  readonly scopes: readonly string[];
  /** Which token it is: at which provider, of which of the grant's generations, and when it was asked for (ms). */
  readonly issue: { readonly provider: string; readonly generation: number; readonly issuedAt: number };
  readonly #token: Secret;

  /** @param expiresAt milliseconds since the epoch */
  constructor(
    grantId: string,
    token: Secret,
    expiresAt: number | undefined,
    scopes: readonly string[],
    issue: AccessToken["issue"],
  ) {
    this.issue = issue;
    this.grantId = grantId;
    this.#token = token;
    this.expiresAt = expiresAt === undefined ? undefined : new Date(expiresAt);
    this.scopes = scopes;
  }

  /**
   * The token itself, for `Authorization: Bearer …`.
   *
   * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
   */
  get token(): string {
    return this.#token.expose();
  }
}

/** How much memory tokens may take, MiB: the default of a small machine. About 45,000 tokens as long as Google's. */
export const defaultMemoryMb: number = 48;

/**
 * Where memory is full, one in so many tokens takes the place of another. What is read in turn, and is more than fits,
 * would otherwise be thrown out just before it is read again: so half of it stays, and is answered from memory.
 */
const oneIn = 4;
/** How many clients, and how many lists of scopes, are kept once for all grants that have them. */
const sharedLimit = 1_000;
/** How many invalidations are remembered, for reads that were under way at the time. A read takes milliseconds. */
const recentLimit = 20_000;
/** What is held beside the texts, bytes, as measured: by a token, by its `AccessToken`, by a reference, by an answer. */
const weights = { token: 420, access: 270, reference: 400, answer: 160 } as const;
/** One list for all tokens that have none: thousands of empty ones would take memory. */
const none: readonly never[] = [];

/** Which grant it is, and which client it belongs to. */
export type Identity = Pick<GrantRow, "grantId" | "provider" | "clientId" | "issuer">;

/** A token that is to be kept. */
export interface NewToken extends Identity {
  readonly token: AccessToken;
  readonly generation: number;
  readonly life: TokenLife;
  /** From this time on, the token is refreshed in the background. Milliseconds since the epoch. */
  readonly refreshAt: number;
  /** Whether it was handed out since it was kept. Only such tokens are refreshed before they expire. */
  used: boolean;
}

/** What was prepared of a token, and is dropped with it. */
export interface MadeOfToken {
  /** Where it lies, and under which key. */
  readonly home: Map<string, MadeOfToken>;
  readonly key: string;
  readonly token: CachedToken;
  /** Another one of the same token. */
  next: MadeOfToken | undefined;
}

/** A token that is held, and all that hangs on it and goes with it. */
export class CachedToken implements NewToken {
  readonly grantId: string;
  readonly provider: string;
  readonly clientId: string;
  readonly issuer: string;
  readonly generation: number;
  readonly life: TokenLife;
  readonly refreshAt: number;
  used: boolean;
  /** False from when the token was replaced, invalidated or thrown out: what was made of it is good no more. */
  isKept = true;
  /** Whether somebody asked for it since memory was last searched for one to throw out. */
  isVisited = false;
  /** The references that mean its grant. */
  references: readonly KnownReference<CachedToken>[] = none;
  /** What was prepared of it for callers. */
  answers: MadeOfToken | undefined;
  /** How many bytes it was counted as when it was weighed last. */
  weighed = 0;
  /** When it ends as callers are told, milliseconds since the epoch. Undefined: nobody knows. */
  readonly endsAt: number | undefined;
  readonly #scopes: readonly string[];
  /** What callers of the library are given, where one has asked for it in memory: see {@link TokenCache.tokenOf}. */
  access: AccessToken | undefined;
  /** The token; once there is an answer, part of that. */
  #value: string;
  #text: string | undefined;

  constructor({ token, ...given }: NewToken) {
    this.grantId = given.grantId;
    this.provider = given.provider;
    this.clientId = given.clientId;
    this.issuer = given.issuer;
    this.generation = given.generation;
    this.life = given.life;
    this.refreshAt = given.refreshAt;
    this.used = given.used;
    this.endsAt = token.expiresAt?.getTime();
    this.#scopes = token.scopes;
    this.#value = token.token;
  }

  /** As callers of the library are given it. */
  get token(): AccessToken {
    if (this.access !== undefined) return this.access;
    const issue = { provider: this.provider, generation: this.generation, issuedAt: this.life.issuedAt };
    return new AccessToken(this.grantId, new Secret(this.#value), this.endsAt, this.#scopes, issue);
  }

  /** What an answer with it begins with; made once, and empty until then. */
  get text(): string {
    return this.#text ?? "";
  }

  /** @param make what an answer begins with, in characters that are one byte each */
  makeText(make: (token: AccessToken) => string): void {
    if (this.#text !== undefined) return;
    const text = make(this.token);
    // The token is held once: as part of the answer, where it stands in there as it is.
    const at = text.indexOf(this.#value);
    if (at >= 0) this.#value = text.slice(at, at + this.#value.length);
    this.#text = text;
    this.access = undefined;
  }

  /** How much memory it takes, bytes. */
  get bytes(): number {
    let bytes = weights.token + (this.#text ?? this.#value).length;
    if (this.access !== undefined) bytes += weights.access;
    for (const { key } of this.references) bytes += weights.reference + key.length;
    for (let each = this.answers; each !== undefined; each = each.next) bytes += weights.answer + each.key.length;
    return bytes;
  }
}

/** How many answers are prepared of one token: for so many callers, and in so many spellings of a request. */
const mostAnswers = 64;

/**
 * Access tokens that were handed out lately, by grant, and the references by which callers asked for them. So much memory is
 * used and no more. Where it is full, whoever was not asked for since the last search goes first (SIEVE): what is read once
 * and never again does not throw out what is in use.
 */
export class TokenCache {
  readonly rest: MemoryRest = new MemoryRest();
  readonly #tokens = new Map<string, CachedToken>();
  readonly #references = new References<CachedToken>();
  readonly #limit: number;
  readonly #random: () => number;
  /** What is held, as it was weighed last. */
  #bytes = 0;
  /** Where the search for a token to throw out goes on. */
  #hand: Iterator<CachedToken> | undefined;
  /** At which version a grant, or what has a fingerprint, was invalidated last. */
  readonly #recent = new Map<string | number, number>();
  /** Of invalidations up to this version, nothing is known any more. */
  #forgotten = 0;
  #version = 0;
  /** Thousands of grants have the same client and scopes, and each row brings copies of its own. */
  readonly #texts = new Map<string, string>();
  readonly #scopes = new Map<string, readonly string[]>();

  /** @param random in [0, 1): which token takes another's place where so many bytes are used */
  constructor(limit: number = defaultMemoryMb * 2 ** 20, random: () => number = systemChance) {
    this.#limit = limit;
    this.#random = random;
  }

  /**
   * Incremented by every invalidation. Read it before you read the store and pass it to {@link keep}, which then
   * ignores rows that were read too early.
   */
  get version(): number {
    return this.#version;
  }

  find(ref: GrantRef): CachedToken | undefined {
    this.rest.isAskedFor = true;
    if (this.rest.isResting) return this.rest.wake();
    if (typeof ref === "string") return this.#tokens.get(ref);
    return "grantId" in ref ? this.#tokens.get(ref.grantId) : this.#references.find(ref)?.token;
  }

  /** The reference by which {@link find} finds a token; undefined where that is the grant's own id, or nothing is found. */
  reference(ref: GrantRef): KnownReference<CachedToken> | undefined {
    return typeof ref === "string" || "grantId" in ref ? undefined : this.#references.find(ref);
  }

  /**
   * A held token as callers of the library are given it: the same object each time. It is made when somebody asks for it:
   * most tokens that the store gave are never read again, and a server answers without it.
   */
  tokenOf(held: CachedToken): AccessToken {
    if (held.access !== undefined) return held.access;
    const { token } = held;
    if (!held.isKept) return token;
    held.access = token;
    this.#weigh(held);
    if (this.#bytes > this.#limit) this.#makeRoom(held);
    return token;
  }

  all(): Iterable<CachedToken> {
    return this.#tokens.values();
  }

  /** The list of a `scope` string: the same list for the same string. */
  scopes(scope: string): readonly string[] {
    return shared(this.#scopes, scope, (text) => Object.freeze([...scopesOf(text)]));
  }

  /**
   * Keeps a token, unless its grant was invalidated since `version`. In that case its row was read too early and the
   * token may have been revoked since, so the caller may use it once, but it must not be kept. The reference is not kept
   * where any grant that it might mean has changed since. Where memory is full, only some are kept.
   *
   * @param version what {@link version} was before the row was read
   * @param by what the reference was looked up by; nothing for a grant's own id
   * @param mustKeep whether it is kept however full memory is, because it is nowhere else
   */
  keep(ref: GrantRef, given: NewToken, version: number, by?: LookedUpBy, mustKeep = false): void {
    if (this.#isInvalidatedSince(version, given.grantId)) return;
    const before = this.#tokens.get(given.grantId);
    if (before === undefined && !mustKeep && this.#bytes > this.#limit * 0.98 && this.#random() * oneIn >= 1) return;
    const same = (text: string): string => shared(this.#texts, text, String);
    const [provider, clientId, issuer] = [same(given.provider), same(given.clientId), same(given.issuer)];
    const token = new CachedToken({ ...given, provider, clientId, issuer });
    if (before !== undefined) this.#replace(before, token);
    this.#tokens.set(token.grantId, token);
    if (by !== undefined && typeof ref === "object" && !("grantId" in ref)) {
      const fingerprints = by.hashes.map(fingerprint);
      if (!fingerprints.some((each) => this.#isInvalidatedSince(version, each))) {
        this.#references.keep(ref, token, fingerprints, by.labels?.map(fingerprint));
      }
    }
    this.#weigh(token);
    if (this.#bytes > this.#limit) this.#makeRoom(token);
  }

  /** Keeps an answer that was prepared of a token, for as long as the token. */
  keepAnswer(answer: MadeOfToken): void {
    const { token } = answer;
    const before = answer.home.get(answer.key);
    if (before !== undefined) this.#dropAnswer(before);
    answer.home.set(answer.key, answer);
    answer.next = token.answers;
    token.answers = answer;
    let last: MadeOfToken | undefined = answer;
    for (let n = 0; n < mostAnswers; n += 1) last = last?.next;
    if (last !== undefined) this.#dropAnswer(last);
    this.#weigh(token);
    if (this.#bytes > this.#limit) this.#makeRoom(token);
  }

  /** Drops the token of a grant that has ended. */
  drop(grantId: string): void {
    const token = this.#tokens.get(grantId);
    if (token !== undefined) this.#drop(token);
  }

  /**
   * Drops what is known of grants that have changed: their tokens, and the references that mean them.
   *
   * @param hashes by which one of them is found now: references that were looked up by these may mean it
   */
  invalidate(grantIds: readonly string[], hashes: readonly Uint8Array[] = []): void {
    this.#version += 1;
    for (const grantId of grantIds) {
      this.#note(grantId);
      this.drop(grantId);
    }
    for (const each of hashes.map(fingerprint)) {
      this.#note(each);
      // Where callers name grants by their own ids, there is none.
      if (this.#references.byFingerprint.size > 0) this.#references.dropBy(each);
    }
  }

  /**
   * Drops the grants that changed in the store, except where the cache holds what the change wrote, and the references
   * that meant another grant and may mean the changed one now, such as after a consent with the same external id. What is
   * known of other grants stays.
   */
  apply(changes: readonly GrantChange[]): void {
    for (const change of changes) {
      const { grantId, subjectHash, ties } = change;
      if (!this.#isKnown(change)) this.invalidate([grantId]);
      this.#version += 1;
      const own = new Map(ties.map((tie) => [fingerprint(tie.externalHash), fingerprint(tie.accountHash)]));
      if (subjectHash !== null) own.set(fingerprint(subjectHash), 0);
      for (const each of own.keys()) this.#note(each);
      this.#references.dropWrong(grantId, this.#tokens.get(grantId)?.references ?? [], own);
    }
  }

  /** Whether the cache holds what a change wrote, as after a refresh by this process. */
  #isKnown({ grantId, generation, state, accessIssuedAt, accessExpiresAt }: GrantChange): boolean {
    const cached = this.#tokens.get(grantId);
    if (state !== "active" || cached?.generation !== generation) return false;
    return cached.life.issuedAt === accessIssuedAt && cached.life.expiresAt === accessExpiresAt;
  }

  #isInvalidatedSince(version: number, what: string | number): boolean {
    return version < this.#forgotten || (this.#recent.get(what) ?? 0) > version;
  }

  #note(what: string | number): void {
    this.#recent.delete(what);
    this.#recent.set(what, this.#version);
    if (this.#recent.size <= recentLimit) return;
    const [oldest] = this.#recent;
    if (oldest === undefined) return;
    this.#recent.delete(oldest[0]);
    this.#forgotten = oldest[1];
  }

  /** Another token of the same grant: what the grant is called by means that one now. */
  #replace(before: CachedToken, token: CachedToken): void {
    token.references = before.references;
    token.isVisited = before.isVisited;
    for (const reference of token.references) reference.token = token;
    before.references = none;
    this.#drop(before);
  }

  #drop(token: CachedToken): void {
    this.#tokens.delete(token.grantId);
    token.isKept = false;
    this.#bytes -= token.weighed;
    token.weighed = 0;
    while (token.references[0] !== undefined) this.#references.drop(token.references[0]);
    for (let each = token.answers; each !== undefined; each = each.next) each.home.delete(each.key);
    token.answers = undefined;
  }

  #dropAnswer(answer: MadeOfToken): void {
    const { home, key, token, next } = answer;
    home.delete(key);
    if (token.answers === answer) token.answers = next;
    for (let each = token.answers; each !== undefined; each = each.next) if (each.next === answer) each.next = next;
  }

  #weigh(token: CachedToken): void {
    const { bytes } = token;
    this.#bytes += bytes - token.weighed;
    token.weighed = bytes;
  }

  /** Throws out what nobody has asked for since the last search, until there is room. */
  #makeRoom(newest: CachedToken): void {
    while (this.#bytes > this.#limit && this.#tokens.size > 1) {
      this.#hand ??= this.#tokens.values();
      const next = this.#hand.next();
      if (next.done === true) this.#hand = undefined;
      else if (next.value.isVisited) next.value.isVisited = false;
      else if (next.value !== newest) this.#drop(next.value);
    }
  }
}

function shared<T>(known: Map<string, T>, text: string, make: (text: string) => T): T {
  let value = known.get(text);
  if (value === undefined) {
    if (known.size >= sharedLimit) known.clear();
    value = make(text);
    known.set(text, value);
  }
  return value;
}
