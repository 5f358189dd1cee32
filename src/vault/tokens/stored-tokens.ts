import type { GrantRef } from "../../core/grant.ts";
import type { Secret } from "../../core/secret.ts";
import { isFresh } from "../../core/token-life.ts";
import type { TokenLife } from "../../core/token-life.ts";
import type { TokenRow } from "../../store/grant-row.ts";
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

type Keep = (ref: GrantRef, stored: StoredToken, version: number) => AccessToken;

/**
 * Tokens that the store alone gives: one statement, and a value that opens. Where the grant is not well, nothing is meant for
 * sure, or another token must be got first, whole rows are read and decided about elsewhere.
 */
export class StoredTokens {
  readonly #context: VaultContext;
  readonly #cache: TokenCache;
  readonly #keep: Keep;

  /** @param keep makes the token that is handed out, and keeps it in memory */
  constructor(context: VaultContext, cache: TokenCache, keep: Keep) {
    this.#context = context;
    this.#cache = cache;
    this.#keep = keep;
  }

  /**
   * @param sees leaves out grants as if they were not there; none by default
   * @returns undefined where whole rows must be read
   * @throws {OnbehalfError} `store_unavailable`
   */
  async find(ref: GrantRef, minTtlMs: number, sees: SeesGrant = () => true): Promise<AccessToken | undefined> {
    const { version } = this.#cache;
    const row = await findToken(this.#context, ref, sees);
    if (row === undefined || row.accessSealed === null) return undefined;
    const { accessIssuedAt, accessExpiresAt: expiresAt, isRefreshable } = row;
    const life = { issuedAt: accessIssuedAt ?? 0, expiresAt, isRefreshable };
    if (!isFresh(life, this.#context.clock.now(), minTtlMs)) return undefined;
    const token = ifReadable(() => openAccessToken(this.#context.keyring, row));
    return token === undefined ? undefined : this.#keep(ref, { row, token, life }, version);
  }
}
