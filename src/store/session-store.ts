import type { CallerRow } from "./caller-store.ts";

/* Keys that a caller makes for minutes or hours: only hashes of them are kept. Times are milliseconds since the epoch. */

/** A session of a caller, by its key. */
export interface SessionRow {
  readonly sessionId: string;
  /** Whose session it is. */
  readonly callerId: string;
  readonly keyHash: Uint8Array;
  /** What it may do and see, as JSON, sealed: its selectors name the app's own users. */
  readonly limitsSealed: Uint8Array;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Keyed hash of all of the above. */
  readonly rightsMac: Uint8Array;
}

/** A place in a list of sessions: one of a page, after which the next page begins. */
export type SessionPlace = Pick<SessionRow, "expiresAt" | "sessionId">;

/** Which sessions are listed. */
export interface SessionFilter {
  /** Only this caller's. Default: everybody's. */
  readonly callerId?: string;
  /** Only those that come after this one, in the order of their ends. */
  readonly after: SessionPlace;
  readonly limit: number;
}

export interface SessionStore {
  /**
   * Keeps a new session.
   *
   * @param most how many of its caller's sessions may live at once, this one among them
   * @param now what ends later than this lives
   * @returns `full`: so many live already; `no_caller`: its caller is revoked, or not there
   */
  insertSession(row: SessionRow, most: number, now: number): Promise<"stored" | "full" | "no_caller">;
  /** @returns a session with its caller as it is now, revoked or not; undefined where there is none */
  sessionById(sessionId: string): Promise<{ readonly session: SessionRow; readonly maker: CallerRow } | undefined>;
  /** @returns a page of sessions of callers that are not revoked, in the order of their ends, then of their ids */
  listSessions(filter: SessionFilter): Promise<SessionRow[]>;
  /**
   * Removes a session: its key is unknown from then on.
   *
   * @param callerId only where it is this caller's; null: whosever it is
   * @returns false: there is none
   */
  endSession(sessionId: string, callerId: string | null): Promise<boolean>;
  /** Removes every session of a caller. @returns how many */
  endSessionsOf(callerId: string): Promise<number>;
  /** Removes sessions that ended before that time. @returns how many */
  sweepSessions(endedBefore: number): Promise<number>;
}
