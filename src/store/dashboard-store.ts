/* Who is signed in to the dashboard, and how refreshes have ended. Times are milliseconds since the epoch. */

/** What somebody may do in the dashboard: change things, or look at them. */
export type OperatorRole = "operator" | "reader";

/** A link that lets somebody in once. */
export interface DashboardLinkRow {
  readonly linkId: string;
  readonly linkHash: Uint8Array;
  readonly role: OperatorRole;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Keyed hash of all of the above. */
  readonly operatorMac: Uint8Array;
}

/** Somebody's sign-in to the dashboard, in one browser. */
export interface OperatorSessionRow {
  readonly sessionId: string;
  readonly cookieHash: Uint8Array;
  readonly role: OperatorRole;
  readonly begunAt: number;
  readonly endsAt: number;
  readonly lastUsedAt: number;
  /** Keyed hash of all of the above but `lastUsedAt`. */
  readonly operatorMac: Uint8Array;
}

/** How many refreshes at a provider ended in one way, in a quarter of an hour. */
export interface RefreshCountRow {
  /** When the quarter began. */
  readonly quarterAt: number;
  readonly provider: string;
  readonly outcome: string;
  readonly refreshes: number;
}

/** A place in a list of counts, after which the next page begins. */
export type RefreshCountPlace = Omit<RefreshCountRow, "refreshes">;

export interface DashboardStore {
  insertDashboardLink(row: DashboardLinkRow): Promise<void>;
  /** @returns undefined where there is none, or none any more */
  dashboardLink(linkId: string): Promise<DashboardLinkRow | undefined>;
  /**
   * Takes a link and begins a session for it, in one transaction: of all who come with one link, one gets in.
   *
   * @param link the row that was read: another one of its id is not taken
   * @returns false: the link is gone, and nothing was changed
   */
  beginOperatorSession(link: DashboardLinkRow, session: OperatorSessionRow): Promise<boolean>;
  /** @returns undefined where there is none, or none any more */
  operatorSession(sessionId: string): Promise<OperatorSessionRow | undefined>;
  /** Notes that a session was used, if that is later than what is noted. */
  noteOperatorUse(sessionId: string, at: number): Promise<void>;
  /** @returns sessions that end after this time, in the order of their ends */
  operatorSessions(endsAfter: number, limit: number): Promise<OperatorSessionRow[]>;
  /** Removes a session: its cookie is unknown from then on. @returns false: there is none */
  endOperatorSession(sessionId: string): Promise<boolean>;
  /** Adds to what is counted, all or nothing. */
  addRefreshCounts(counts: readonly RefreshCountRow[]): Promise<void>;
  /** @returns counts after this place, in the order of their times, providers and outcomes */
  refreshCounts(after: RefreshCountPlace, limit: number): Promise<RefreshCountRow[]>;
  /** Removes links and sessions that ended before the first time, and counts of before the second one. */
  sweepDashboard(endedBefore: number, countedBefore: number): Promise<void>;
}
