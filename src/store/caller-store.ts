/* The programs that may call the service: only hashes of their keys are kept. Times are milliseconds since the epoch. */

/** A program that may call the service, by its key. */
export interface CallerRow {
  readonly callerId: string;
  /** Unique among callers that are not revoked. */
  readonly name: string;
  readonly keyHash: Uint8Array;
  /** JSON. */
  readonly permissions: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export interface CallerStore {
  /** @returns true: stored; false: a caller that is not revoked has this name */
  insertCaller(row: CallerRow): Promise<boolean>;
  /** @returns revoked and expired callers, too; undefined where there is none */
  callerById(callerId: string): Promise<CallerRow | undefined>;
  /** @returns all callers ever made, the oldest first */
  listCallers(): Promise<CallerRow[]>;
  /** @returns true: revoked by this call; false: no caller of this name was left to revoke */
  revokeCaller(name: string, at: number): Promise<boolean>;
}
