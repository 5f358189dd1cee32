/** Which caller has made something that may end with it, and in which of its sessions. */
export interface Maker {
  readonly callerId: string;
  /** Absent: with its own key. */
  readonly sessionId?: string;
}
