/* The programs that may call the service: only hashes of their keys are kept. Times are milliseconds since the epoch. */

/** A program that may call the service, by its key. */
export interface CallerRow {
  readonly callerId: string;
  /** Unique among callers that are not revoked. */
  readonly name: string;
  readonly keyHash: Uint8Array;
  /** The key before the last rotation; null where there is none. It works until `previousUntil`. */
  readonly previousHash: Uint8Array | null;
  readonly previousUntil: number | null;
  /** JSON. */
  readonly permissions: string;
  /** Selectors as JSON, sealed: they name the app's own users. Null: every grant. */
  readonly grantsSealed: Uint8Array | null;
  /** JSON. Null: every provider. */
  readonly providers: string | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** When the key was used last, to ten minutes. It grants nothing. */
  readonly lastUsedAt: number | null;
  /** Keyed hash of all that grants a right; null in revoked rows, and in those of versions that wrote none. */
  readonly rightsMac: Uint8Array | null;
}

export interface CallerStore {
  /** @returns true: stored; false: a caller that is not revoked has this name */
  insertCaller(row: CallerRow): Promise<boolean>;
  /** @returns revoked and expired callers, too; undefined where there is none */
  callerById(callerId: string): Promise<CallerRow | undefined>;
  /** @returns all callers ever made, the oldest first */
  listCallers(): Promise<CallerRow[]>;
  /**
   * Writes a caller anew, such as with another key or with fewer rights.
   *
   * @param read the row as it was read, with a keyed hash of its rights
   * @param change what the audit log calls it
   * @returns false: nothing was changed, since its key or its rights are others by now, the caller is revoked, or there is none
   */
  replaceCaller(
    row: CallerRow,
    read: Pick<CallerRow, "keyHash" | "rightsMac">,
    change: "caller.rotated" | "caller.narrowed",
  ): Promise<boolean>;
  /** Notes when a caller was heard of. An earlier time than the one that is noted changes nothing. */
  noteCallerUse(callerId: string, at: number): Promise<void>;
  /**
   * Gives every caller that is not revoked and has no keyed hash of its rights one, the first time that it is called on
   * a store. Later calls change nothing.
   *
   * @returns the names of those that got one
   */
  bindCallers(macOf: (row: CallerRow) => Uint8Array): Promise<readonly string[]>;
  /** Also erases the keyed hash of the rights. @returns true: revoked by this call; false: no caller of this name was left to revoke */
  revokeCaller(name: string, at: number): Promise<boolean>;
}
