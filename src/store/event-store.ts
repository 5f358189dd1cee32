/*
 * App events: what happened to grants, to our clients and at providers, told to apps. A row is written in the transaction of
 * the change that it tells of, by the methods that change grants; which change gives which one is decided in core/events/.
 *
 * Numbers have no gaps and become visible in their order: whoever has read up to a number has missed none before it. Writers
 * of events wait for each other at most for the length of a commit; ordinary refreshes write none.
 */
import type { AppEventBody, AppEventType } from "../core/events/app-event.ts";

/** A row of the table. It never holds a token, a name or an e-mail address. */
export interface EventRow {
  readonly seq: number;
  /** Random: a number comes again where an older backup was restored. */
  readonly eventId: string;
  /** By the vault's clock; milliseconds since the epoch. */
  readonly at: number;
  readonly type: AppEventType;
  /** Null: it is about no single grant. */
  readonly grantId: string | null;
  readonly provider: string;
  readonly clientId: string;
  readonly body: AppEventBody;
}

/** Which rows are read. */
export interface EventQuery {
  /** Only rows after this number; 0 for all. */
  readonly after: number;
  /** The largest number of rows to return. */
  readonly limit: number;
  /** Only rows about this grant. */
  readonly grantId?: string;
}

/** What is known of the numbers. */
export interface EventHead {
  /** The number of the last row that was ever written; 0 in a new store. */
  readonly seq: number;
  /** Up to which number rows were taken out, because they are too old; 0: none was. */
  readonly pruned: number;
}

export interface EventStore {
  /** @returns rows in the order of their numbers */
  events(query: EventQuery): Promise<EventRow[]>;
  eventHead(): Promise<EventHead>;
  /**
   * Takes out the oldest rows.
   *
   * @param before only rows from before this time
   * @param limit no more than so many: a caller that takes out many does so in steps
   * @returns how many were taken out
   */
  pruneEvents(before: number, limit: number): Promise<number>;
}
