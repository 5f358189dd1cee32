import { scopesOf } from "../../core/grant.ts";
import type { GrantRef } from "../../core/grant.ts";
import type { Secret } from "../../core/secret.ts";
import type { TokenLife } from "../../core/token-life.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { GrantChange } from "../../store/store.ts";

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

/**
 * How many tokens are kept, and how many references: about 60 MB with tokens as long as Google's. The oldest are dropped
 * first, except that what was handed out since then is passed over once.
 */
const limit = 50_000;

/** How many tokens in use are passed over to find one that is not. */
const passedOver = 8;

/** How many clients, and how many lists of scopes, are kept once for all grants that have them. */
const sharedLimit = 1_000;

/** How many invalidations are remembered, for reads that were under way at the time. A read takes milliseconds. */
const recentLimit = 20_000;

/** Which grant it is, and which client it belongs to. */
export type Identity = Pick<GrantRow, "grantId" | "provider" | "clientId" | "issuer">;

export interface CachedToken extends Identity {
  readonly token: AccessToken;
  readonly generation: number;
  readonly life: TokenLife;
  /** From this time on, the token is refreshed in the background. Milliseconds since the epoch. */
  readonly refreshAt: number;
  /** Whether it was handed out since it was kept. Only such tokens are refreshed before they expire. */
  used: boolean;
}

/** A reference by which callers asked for a token. */
interface KnownReference {
  readonly grantId: string;
  /** Of every hash that it was looked up by. A grant that gets one of them may be meant as well. */
  readonly fingerprints: readonly number[];
  /** Of every hash that its label may stand for. Undefined: it has none. */
  readonly labels: readonly number[] | undefined;
}

/** What a reference was looked up by, as keyed hashes. */
export interface LookedUpBy {
  readonly hashes: readonly Uint8Array[];
  /** What its label may stand for in the tie of a grant. Absent: it has none. */
  readonly labels?: readonly Uint8Array[];
}

/** Access tokens that were handed out lately, by grant, and the references by which callers asked for them. */
export class TokenCache {
  readonly #tokens = new Map<string, CachedToken>();
  readonly #references = new Map<string, KnownReference>();
  /** The keys of references, by the grant that they mean and by each of their fingerprints. */
  readonly #keys = new Map<string | number, Set<string>>();
  /** At which version a grant, or what has a fingerprint, was invalidated last. */
  readonly #recent = new Map<string | number, number>();
  /** Of invalidations up to this version, nothing is known any more. */
  #forgotten = 0;
  #version = 0;
  /** Thousands of grants have the same client and scopes, and each row brings copies of its own. */
  readonly #texts = new Map<string, string>();
  readonly #scopes = new Map<string, readonly string[]>();

  /**
   * Incremented by every invalidation. Read it before you read the store and pass it to {@link keep}, which then
   * ignores rows that were read too early.
   */
  get version(): number {
    return this.#version;
  }

  /** @param key what {@link cacheKey} makes of a reference */
  find(key: string): CachedToken | undefined {
    // A grant's own id always names the same grant, so it is found even while the store cannot be read.
    return this.#tokens.get(idInKey(key) ?? this.#references.get(key)?.grantId ?? "");
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
   * where any grant that it might mean has changed since.
   *
   * @param version what {@link version} was before the row was read
   * @param by what the reference was looked up by; nothing for a grant's own id
   */
  keep(key: string, token: CachedToken, version: number, by?: LookedUpBy): void {
    if (this.#isInvalidatedSince(version, token.grantId)) return;
    const [provider, clientId, issuer] = [token.provider, token.clientId, token.issuer].map((text) =>
      shared(this.#texts, text, String),
    ) as [string, string, string];
    const cached = { ...token, provider, clientId, issuer };
    this.#tokens.delete(cached.grantId);
    this.#tokens.set(cached.grantId, cached);
    if (this.#tokens.size > limit) this.#dropOldest();
    if (by === undefined || idInKey(key) !== undefined) return;
    const fingerprints = by.hashes.map(fingerprint);
    if (fingerprints.some((each) => this.#isInvalidatedSince(version, each))) return;
    this.#dropReference(key);
    this.#references.set(key, { grantId: cached.grantId, fingerprints, labels: by.labels?.map(fingerprint) });
    for (const each of [cached.grantId, ...fingerprints]) this.#keysOf(each).add(key);
    const [oldest] = this.#references.keys();
    if (this.#references.size > limit && oldest !== undefined) this.#dropReference(oldest);
  }

  /** Drops the token of a grant that has ended. */
  drop(grantId: string): void {
    this.#tokens.delete(grantId);
  }

  /**
   * Drops what is known of grants that have changed: their tokens, and the references that mean them.
   *
   * @param hashes by which one of them is found now: references that were looked up by these may mean it
   */
  invalidate(grantIds: readonly string[], hashes: readonly Uint8Array[] = []): void {
    this.#version += 1;
    for (const what of [...grantIds, ...hashes.map(fingerprint)]) {
      this.#note(what);
      if (typeof what === "string") this.#tokens.delete(what);
      for (const key of this.#keys.get(what) ?? []) this.#dropReference(key);
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
      for (const each of own.keys()) {
        this.#note(each);
        this.#dropReferences(each, ({ grantId: meant }) => meant !== grantId);
      }
      // By an external id that it has lost, or by a label that it has lost.
      this.#dropReferences(grantId, ({ fingerprints, labels }) => {
        const known = fingerprints.find((each) => own.has(each));
        return known === undefined || (labels !== undefined && !labels.includes(own.get(known) ?? 0));
      });
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

  #keysOf(what: string | number): Set<string> {
    let keys = this.#keys.get(what);
    if (keys === undefined) {
      keys = new Set();
      this.#keys.set(what, keys);
    }
    return keys;
  }

  #dropReferences(what: string | number, isWrong: (reference: KnownReference) => boolean): void {
    for (const key of this.#keys.get(what) ?? []) {
      const reference = this.#references.get(key);
      if (reference !== undefined && isWrong(reference)) this.#dropReference(key);
    }
  }

  #dropReference(key: string): void {
    const reference = this.#references.get(key);
    if (reference === undefined) return;
    this.#references.delete(key);
    for (const each of [reference.grantId, ...reference.fingerprints]) {
      const keys = this.#keys.get(each);
      keys?.delete(key);
      if (keys?.size === 0) this.#keys.delete(each);
    }
  }

  #dropOldest(): void {
    for (let tries = 0; ; tries += 1) {
      const [oldest] = this.#tokens.values();
      if (oldest === undefined) return;
      this.#tokens.delete(oldest.grantId);
      if (!oldest.used || tries === passedOver) return;
      oldest.used = false;
      this.#tokens.set(oldest.grantId, oldest);
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

/** Part of a keyed hash. Two that are alike by chance only cause a look at the store. */
function fingerprint(hash: Uint8Array): number {
  // Nobody but a hand that edits the database writes an empty one.
  if (hash.byteLength === 0) return 0;
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).readUIntBE(0, Math.min(6, hash.byteLength));
}

/**
 * A key for each reference. What callers choose, such as a user id, comes last in it: no user id can be written so that
 * its key equals that of another reference.
 */
export function cacheKey(ref: GrantRef): string {
  if (typeof ref === "string") return `id\n${ref}`;
  if ("grantId" in ref) return `id\n${ref.grantId}`;
  const [kind, value] = "subject" in ref ? ["sub", ref.subject] : ["ext", ref.externalId];
  const { provider = "", account } = ref;
  return account === undefined
    ? `${kind}\n${provider}\n${value}`
    : `${kind}${account.length}\n${provider}\n${account}${value}`;
}

/** The grant's id, where the key is of a reference by id. */
function idInKey(key: string): string | undefined {
  return key.startsWith("id\n") ? key.slice(3) : undefined;
}

/**
 * What the reference of a key was made of, beside its provider; undefined where that is a grant's own id, or where a label
 * stands beside a subject: then only the grant itself tells whether it is meant.
 */
export function askedFor(
  key: string,
): { readonly subject: string } | { readonly externalId: string; readonly account?: string } | undefined {
  if (idInKey(key) !== undefined) return undefined;
  const end = key.indexOf("\n");
  const value = key.slice(key.indexOf("\n", end + 1) + 1);
  if (key.startsWith("sub")) return end === 3 ? { subject: value } : undefined;
  const length = Number(key.slice(3, end));
  return end === 3 ? { externalId: value } : { externalId: value.slice(length), account: value.slice(0, length) };
}
