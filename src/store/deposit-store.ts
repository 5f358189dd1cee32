/* Refresh tokens that were deposited, by their keyed hashes: none is sent a second time. Times are milliseconds since the epoch. */

export interface DepositRow {
  readonly tokenHash: Uint8Array;
  /** The grant that the token has become. Null: nobody knows whether the provider has replaced the token. */
  readonly grantId: string | null;
  /** Keyed hash of the token, that grant and `depositedAt`. Null where there is no grant. */
  readonly resultMac: Uint8Array | null;
  /** When the grant was stored; without a grant, when the token was about to be sent. */
  readonly depositedAt: number;
}

/**
 * What is known of deposits for as long as their grants are there. One that is on its way is an intake: its `codeHash` is
 * the hash of the token. `saveFromIntake` writes the row of one that has become a grant.
 */
export interface DepositStore {
  /** @returns undefined where this token was not deposited, or is on its way */
  depositByToken(tokenHash: Uint8Array): Promise<DepositRow | undefined>;
  /**
   * Removes a `spending` intake of a token that may have been sent and whose answer is lost, and remembers that in its
   * place.
   *
   * @param startedAt when that intake began
   * @returns true: done by this call; false: it is in another state, was begun anew, or is not there
   */
  loseDeposit(tokenHash: Uint8Array, startedAt: number): Promise<boolean>;
}
