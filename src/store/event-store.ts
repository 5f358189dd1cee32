/*
 * App events: what happened to grants, to our clients and at providers, told to apps. A row is written in the transaction of
 * the change that it tells of, by the methods that change grants; which change gives which one is decided in core/events/.
 *
 * Numbers have no gaps and become visible in their order: whoever has read up to a number has missed none before it. Writers
 * of events wait for each other at most for the length of a commit; ordinary refreshes write none.
 */
import type { ProviderCondition } from "../core/events/provider-events.ts";
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

/** A grant whose consent ends, and when apps are to be told. */
export interface EndToAnnounce {
  readonly grantId: string;
  readonly provider: string;
  /** Milliseconds since the epoch. */
  readonly announceEndAt: number;
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
  /** @returns usable grants of which apps are to be told before this time that their consent ends, the earliest first */
  endsToAnnounce(before: number, limit: number): Promise<EndToAnnounce[]>;
  /**
   * Tells that a grant's consent ends soon, once.
   *
   * @returns false: nothing was changed, since it was told, or the end has moved
   */
  announceEnd(end: EndToAnnounce, at: number): Promise<boolean>;
  /**
   * Notes how a provider treats a client's grants, and tells of a change.
   *
   * @param noted.error the provider's word, or ours for what happened
   * @returns false: it was known
   */
  noteCondition(noted: {
    readonly provider: string;
    readonly clientId: string;
    readonly condition: ProviderCondition;
    readonly error?: string | undefined;
    readonly at: number;
  }): Promise<boolean>;
}
