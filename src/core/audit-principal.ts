/** Who did something. */
export interface AuditPrincipal {
  /** A caller's name; or, after an `@`, what kind of program it was, such as `@keeper`. No caller's name has an `@`. */
  readonly caller: string;
  /** Of the request in which it happened; null where there was none, or it named none. */
  readonly requestId: string | null;
  /** In which of the caller's sessions; absent where it used its own key. */
  readonly sessionId?: string;
}
