import type { GrantChange, GrantRow } from "../../store/store.ts";
import type { AccessToken } from "./access-token.ts";
import { idInKey } from "../grants/find-grant.ts";

/** Tokens and references kept; the oldest go first. */
const limit = 50_000;

/** Which grant it is, and whose. */
export type Identity = Pick<GrantRow, "grantId" | "provider" | "clientId" | "issuer">;

export interface CachedToken extends Identity {
  readonly token: AccessToken;
  readonly generation: number;
  readonly expiresAt: number;
  readonly refreshAt: number;
  /** Whether it was handed out since it came: only what is in use is refreshed ahead. */
  used: boolean;
}

/** Access tokens that were handed out lately, by grant, and the references that led to them. */
export class TokenCache {
  readonly #tokens = new Map<string, CachedToken>();
  readonly #grantIds = new Map<string, string>();
  #epoch = 0;

  /** How often anything was forgotten: who reads the store notes it before, and tells {@link keep}. */
  get version(): number {
    return this.#epoch;
  }

  find(key: string): CachedToken | undefined {
    // A grant's own id leads to it whatever else has changed, also while nothing can be looked up.
    return this.#tokens.get(idInKey(key) ?? this.#grantIds.get(key) ?? "");
  }

  all(): Iterable<CachedToken> {
    return this.#tokens.values();
  }

  /**
   * Keeps a token, unless something was forgotten since `epoch`: it was read before a change that has been noticed
   * since, may be revoked, and is good for one answer and no more.
   */
  keep(key: string, known: CachedToken, epoch: number): void {
    if (epoch !== this.#epoch) return;
    setNewest(this.#tokens, known.grantId, known);
    setNewest(this.#grantIds, key, known.grantId);
  }

  /** Drops the token of a grant that is known to have ended. */
  drop(grantId: string): void {
    this.#tokens.delete(grantId);
  }

  invalidate(grantIds: readonly string[]): void {
    this.#epoch += 1;
    for (const grantId of grantIds) this.#tokens.delete(grantId);
    // A reference may now fit another grant, or several: all of them are looked up again.
    this.#grantIds.clear();
  }

  /** Forgets what changed in the store, but for the changes that memory has already seen. */
  apply(changes: readonly GrantChange[]): void {
    const news = changes.filter((change) => !this.#isKnown(change));
    if (news.length > 0) this.invalidate(news.map(({ grantId }) => grantId));
  }

  /** A refresh of our own is news to others only. */
  #isKnown({ grantId, generation, state, accessExpiresAt }: GrantChange): boolean {
    const known = this.#tokens.get(grantId);
    return state === "active" && known?.generation === generation && known.expiresAt === accessExpiresAt;
  }
}

function setNewest<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= limit) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
