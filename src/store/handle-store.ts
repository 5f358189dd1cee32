/* Handles, each for one grant and one caller: only hashes of their secrets are kept. Times are milliseconds since the epoch. */

/** What a caller sends to the token endpoint in the place of a refresh token. */
export interface HandleRow {
  readonly handleId: string;
  readonly grantId: string;
  /** The short name of the grant's provider. */
  readonly provider: string;
  /** The one caller that may use it. */
  readonly callerId: string;
  /** For people: several handles may have one name. */
  readonly name: string;
  readonly secretHash: Uint8Array;
  /** JSON: the largest scopes of the tokens that it gives. Null: whatever the grant has. */
  readonly scopes: string | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** When it was used last, to ten minutes. It grants nothing. */
  readonly lastUsedAt: number | null;
  /** Keyed hash of all that grants a right. */
  readonly rightsMac: Uint8Array;
}

export interface HandleStore {
  /**
   * Keeps a new handle. Of the same grant's handles, those that ended before a time are forgotten.
   *
   * @returns true: stored; false: there is no such grant
   */
  insertHandle(row: HandleRow, endedBefore: number): Promise<boolean>;
  /** @returns also one that has ended; undefined where there is none */
  handleById(handleId: string): Promise<HandleRow | undefined>;
  /** @returns a grant's handles, those that have ended too, the oldest first */
  handlesOfGrant(grantId: string): Promise<HandleRow[]>;
  /** @returns true: ended by this call; false: it was ended before, or this grant has no such handle */
  revokeHandle(grantId: string, handleId: string, at: number): Promise<boolean>;
  /** Notes when a handle was used. An earlier time than the one that is noted changes nothing. */
  noteHandleUse(handleId: string, at: number): Promise<void>;
}
