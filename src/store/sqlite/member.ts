/*
 * The words of a group of transactions that share a commit: types alone. How one runs is in ./database.ts.
 */
import type { AuditEntry, AuditPrincipal } from "../audit-store.ts";
import type { Transaction } from "../sql/sql.ts";

/** What a transaction noted, and who did it. */
export interface Note {
  readonly entry: AuditEntry;
  readonly principal: AuditPrincipal | undefined;
  /** Runs work in the context of whoever noted it, where it is found out who did it. */
  readonly inContext: <T>(work: () => T) => T;
}

/** Who waits for a transaction. */
export interface Member {
  readonly body: (sql: Transaction) => Promise<unknown>;
  /** Runs what is the member's own in the context in which it asked: the audit log finds there whose doing it is. */
  readonly inContext: <T>(work: () => T) => T;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Its group failed, and it is done again by itself: nobody else's fault may be its own. */
  isAlone: boolean;
}

/** How a body ended. Nobody hears of it before the commit. */
export type Ending = { readonly member: Member; readonly notes: readonly Note[] } & (
  { readonly value: unknown } | { readonly error: unknown }
);
