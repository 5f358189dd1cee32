import type { GrantRef } from "../../core/grant.ts";
import type { GrantChange, GrantRow } from "../../store/store.ts";
import type { AccessToken } from "./access-token.ts";

/** Tokens and references kept; the oldest go first. */
const limit = 50_000;

/** Which grant it is, and whose. */
export type Identity = Pick<GrantRow, "grantId" | "provider" | "clientId" | "issuer">;

export interface CachedToken extends Identity {
  readonly token: AccessToken;
  readonly generation: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly refreshAt: number;
  /** Whether it was handed out since it came: only what is in use is refreshed ahead. */
  used: boolean;
}

/** Access tokens that were handed out lately, by grant, and the references that led to them. */
export class TokenCache {
  readonly #tokens = new Map<string, CachedToken>();
  readonly #grantIds = new Map<string, string>();
  #version = 0;

  /** Incremented by every invalidation. Read it before you read the store, and pass it to {@link keep}. */
  get version(): number {
    return this.#version;
  }

  /** @param key as `cacheKey` makes it of a reference */
  find(key: string): CachedToken | undefined {
    // A grant's own id leads to it whatever else has changed, also while nothing can be looked up.
    return this.#tokens.get(idInKey(key) ?? this.#grantIds.get(key) ?? "");
  }

  all(): Iterable<CachedToken> {
    return this.#tokens.values();
  }

  /**
   * Keeps a token, unless something was invalidated since `version`: then the row was read too early, its token may be
   * revoked, and it is good for one answer and no more.
   */
  keep(key: string, cached: CachedToken, version: number): void {
    if (version !== this.#version) return;
    setNewest(this.#tokens, cached.grantId, cached);
    setNewest(this.#grantIds, key, cached.grantId);
  }

  /** Drops the token of a grant that is known to have ended. */
  drop(grantId: string): void {
    this.#tokens.delete(grantId);
  }

  /** Drops what is known of grants that were changed here. */
  invalidate(grantIds: readonly string[]): void {
    this.#version += 1;
    for (const grantId of grantIds) this.#tokens.delete(grantId);
    // A reference may now fit another grant, or several: all of them are looked up again.
    this.#grantIds.clear();
  }

  /** Drops what changed in the store, but for the changes that the cache has already seen. */
  apply(changes: readonly GrantChange[]): void {
    const news = changes.filter((change) => !this.#isKnown(change));
    if (news.length > 0) this.invalidate(news.map(({ grantId }) => grantId));
  }

  /** A refresh of our own is news to others only. */
  #isKnown({ grantId, generation, state, accessExpiresAt }: GrantChange): boolean {
    const cached = this.#tokens.get(grantId);
    return state === "active" && cached?.generation === generation && cached.expiresAt === accessExpiresAt;
  }
}

/**
 * A key that tells references apart, for caches. What somebody else chose stands last: no user id can be written so
 * that it reads as another reference.
 */
export function cacheKey(ref: GrantRef): string {
  if (typeof ref === "string") return `id\n${ref}`;
  if ("grantId" in ref) return `id\n${ref.grantId}`;
  const provider = ref.provider ?? "";
  return "subject" in ref ? `sub\n${provider}\n${ref.subject}` : `ext\n${provider}\n${ref.externalId}`;
}

/** The grant's id, where the key is of a reference by id. */
function idInKey(key: string): string | undefined {
  return key.startsWith("id\n") ? key.slice(3) : undefined;
}

function setNewest<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= limit) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
