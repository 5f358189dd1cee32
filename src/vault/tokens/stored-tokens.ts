import type { ReadCounts } from "../../core/figures.ts";
import type { GrantRef } from "../../core/grant.ts";
import type { Secret } from "../../core/secret.ts";
import { isFresh } from "../../core/token-life.ts";
import type { TokenLife } from "../../core/token-life.ts";
import type { TokenRow } from "../../store/grant-row.ts";
import type { MaybePromise } from "../../core/maybe-promise.ts";
import type { VaultContext } from "../context.ts";
import { ifReadable } from "../errors/grant-unreadable.ts";
import { findToken } from "../grants/find-token.ts";
import type { SeesGrant } from "../grants/find-token.ts";
import { openAccessToken } from "../grants/sealed-grant.ts";
import type { AccessToken, TokenCache } from "./token-cache.ts";

/** An access token as it was read from the store. */
interface StoredToken {
  readonly row: TokenRow;
  readonly token: Secret;
  readonly life: TokenLife;
}

const everybodys: SeesGrant = () => true;

type Keep = (ref: GrantRef, stored: StoredToken, version: number) => AccessToken;

/**
 * Tokens that the store alone gives: one statement, and a value that opens. Where the grant is not well, nothing is meant for
 * sure, or another token must be got first, whole rows are read and decided about elsewhere.
 */
export class StoredTokens {
  readonly #context: VaultContext;
  readonly #cache: TokenCache;
  readonly #reads: ReadCounts;
  readonly #keep: Keep;
  /** Whether the store gave its last answer at once. One that does not is asked by those alone who wait for it. */
  #isAtOnce = false;

  /** @param keep makes the token that is handed out, and keeps it in memory */
  constructor(context: VaultContext, cache: TokenCache, reads: ReadCounts, keep: Keep) {
    this.#reads = reads;
    this.#context = context;
    this.#cache = cache;
    this.#keep = keep;
  }

  /**
   * The token for a reference that memory does not hold: what is there and lives for too short a time does so in the store,
   * too, as a rule.
   *
   * @param sees leaves out grants as if they were not there; none by default
   * @returns undefined where whole rows must be read
   * @throws {OnbehalfError} `store_unavailable`
   */
  find(ref: GrantRef, minTtlMs: number, sees: SeesGrant = everybodys): MaybePromise<AccessToken | undefined> {
    if (this.#cache.find(ref) !== undefined) return undefined;
    const { rest } = this.#cache;
    if (rest.isResting) return rest.awake().then(() => this.find(ref, minTtlMs, sees));
    const { version } = this.#cache;
    const row = findToken(this.#context, ref, sees);
    this.#isAtOnce = !(row instanceof Promise);
    return row instanceof Promise
      ? row.then((found) => this.#open(ref, found, minTtlMs, version))
      : this.#open(ref, row, minTtlMs, version);
  }

  /**
   * {@link find}, for whoever cannot wait: undefined also where the store would have to be waited for, and where it fails. What
   * reads next meets the failure again, and says it.
   */
  findNow(ref: GrantRef, minTtlMs: number, sees?: SeesGrant): AccessToken | undefined {
    if (!this.#isAtOnce) return undefined;
    try {
      const found = this.find(ref, minTtlMs, sees);
      if (!(found instanceof Promise)) return found;
      found.catch(() => undefined);
    } catch {
      // See above.
    }
    return undefined;
  }

  /** @param version of the cache, before the row was read */
  #open(ref: GrantRef, row: TokenRow | undefined, minTtlMs: number, version: number): AccessToken | undefined {
    if (row === undefined || row.accessSealed === null) return undefined;
    const { accessIssuedAt, accessExpiresAt: expiresAt, isRefreshable } = row;
    const life = { issuedAt: accessIssuedAt ?? 0, expiresAt, isRefreshable };
    if (!isFresh(life, this.#context.clock.now(), minTtlMs)) return undefined;
    const token = ifReadable(() => openAccessToken(this.#context.keyring, row));
    if (token === undefined) return undefined;
    this.#reads.store += 1;
    return this.#keep(ref, { row, token, life }, version);
  }
}
