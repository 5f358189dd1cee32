/*
 * Links by which people connect accounts, and sign-ins that a program runs itself, for as long as they live and a while
 * after. A link and the `state` of its sign-in are found by keyed hashes. Times are milliseconds since the epoch.
 */

export interface ConnectRow {
  readonly connectHash: Uint8Array;
  /** What the app asked for when it made the link. */
  readonly askedSealed: Uint8Array;
  /** The browser that has begun, what was sent to the provider, and the code that came back. Null: nobody has begun. */
  readonly flowSealed: Uint8Array | null;
  /** Null: nobody has begun. */
  readonly stateHash: Uint8Array | null;
  /** How many wrong verifiers were sent. */
  readonly tries: number;
  /** Why it failed. Null: it has not. */
  readonly error: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** When it finished or failed. Null: it has done neither. */
  readonly endedAt: number | null;
}

/** A link that was just made. */
export type NewConnect = Pick<ConnectRow, "connectHash" | "askedSealed" | "createdAt" | "expiresAt">;

export interface ConnectStore {
  /** @param about the grant that it is to bring back, for the audit log; null or absent: whoever consents gets a grant */
  createConnect(link: NewConnect, about?: string | null): Promise<void>;
  /** @returns undefined where there is no such link, or none any more */
  connectByHash(connectHash: Uint8Array): Promise<ConnectRow | undefined>;
  /** @returns the link to whose sign-in a `state` belongs; undefined where it belongs to none */
  connectByState(stateHash: Uint8Array): Promise<ConnectRow | undefined>;
  /**
   * Notes how far a link's sign-in has come. Of several that try at once from the same place, one succeeds.
   *
   * @param before what was read; null for the first one
   * @param about the grant that the link is to bring back, for the audit log
   * @returns true: noted; false: nothing was changed, since the link has ended, or moved on meanwhile
   * @throws the database's error where another link has that `stateHash`: nothing was changed
   */
  moveConnect(
    connectHash: Uint8Array,
    before: Uint8Array | null,
    after: { readonly flowSealed: Uint8Array; readonly stateHash: Uint8Array },
    about?: string | null,
  ): Promise<boolean>;
  /** Counts a wrong verifier. @returns how many there were, with this one; 0 where there is no such link */
  countConnectTry(connectHash: Uint8Array): Promise<number>;
  /**
   * Ends a link.
   *
   * @param error why it failed; null where it finished
   * @param grantId the grant that it has become, or was to bring back; null where it failed and was for no certain one
   * @returns true: ended by this call; false: nothing was changed
   */
  endConnect(connectHash: Uint8Array, at: number, error: string | null, grantId: string | null): Promise<boolean>;
  /**
   * Removes links that expired before that time.
   *
   * @returns how many
   */
  sweepConnects(expiredBefore: number): Promise<number>;
}
