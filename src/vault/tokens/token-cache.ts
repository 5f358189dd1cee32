import type { GrantRef } from "../../core/grant.ts";
import type { TokenLife } from "../../core/token-life.ts";
import type { GrantChange, GrantRow } from "../../store/store.ts";
import type { AccessToken } from "./access-token.ts";

/** How many tokens, and how many references, are kept. The oldest are dropped first. */
const limit = 50_000;

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

/** Access tokens that were handed out lately, by grant, and the references by which callers asked for them. */
export class TokenCache {
  readonly #tokens = new Map<string, CachedToken>();
  readonly #grantIds = new Map<string, string>();
  #version = 0;

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
    return this.#tokens.get(idInKey(key) ?? this.#grantIds.get(key) ?? "");
  }

  all(): Iterable<CachedToken> {
    return this.#tokens.values();
  }

  /**
   * Keeps a token, unless something was invalidated since `version`. In that case its row was read too early and the
   * token may have been revoked since, so the caller may use it once, but it must not be kept.
   *
   * @param version what {@link version} was before the row was read
   */
  keep(key: string, cached: CachedToken, version: number): void {
    if (version !== this.#version) return;
    setNewest(this.#tokens, cached.grantId, cached);
    setNewest(this.#grantIds, key, cached.grantId);
  }

  /** Drops the token of a grant that has ended. */
  drop(grantId: string): void {
    this.#tokens.delete(grantId);
  }

  /** Drops what is known of grants that have changed. */
  invalidate(grantIds: readonly string[]): void {
    this.#version += 1;
    for (const grantId of grantIds) this.#tokens.delete(grantId);
    // After a change, any reference may fit another grant, or several. So every reference is looked up again.
    this.#grantIds.clear();
  }

  /** Drops the grants that changed in the store, except where the cache holds what the change wrote. */
  apply(changes: readonly GrantChange[]): void {
    const news = changes.filter((change) => !this.#isKnown(change));
    if (news.length > 0) this.invalidate(news.map(({ grantId }) => grantId));
  }

  /** Whether the cache holds what a change wrote, as after a refresh by this process. */
  #isKnown({ grantId, generation, state, accessIssuedAt, accessExpiresAt }: GrantChange): boolean {
    const cached = this.#tokens.get(grantId);
    if (state !== "active" || cached?.generation !== generation) return false;
    return cached.life.issuedAt === accessIssuedAt && cached.life.expiresAt === accessExpiresAt;
  }
}

/**
 * A key for each reference. What callers choose, such as a user id, comes last in it: no user id can be written so that
 * its key equals that of another reference.
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
