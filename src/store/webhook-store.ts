/*
 * What is left to do of the events' deliveries to the app's address. Of what was delivered nothing is kept but the position: an
 * event that is delivered at once costs no row. One process delivers at a time, the owner; it may lose that to another one, and
 * then nothing that it writes is taken.
 */
import type { Owner } from "../core/take-over.ts";

/** How the deliveries stand. Times are milliseconds since the epoch. */
export interface WebhookState {
  /** Keyed by the address: another one begins without what stopped the first. */
  readonly urlHash: string;
  /** Every event up to this number was delivered, waits in {@link WaitingDelivery}, or was given up. */
  readonly position: number;
  /** Null: nobody delivers. */
  readonly owner: Owner | null;
  /** When the owner wrote last. */
  readonly seenAt: number;
  /** Why nothing is delivered any more; null: it is. */
  readonly stopped: string | null;
}

/** An event that was not delivered. */
export interface WaitingDelivery {
  readonly seq: number;
  /** Deliveries of one line go one after the other. */
  readonly line: string;
  /** How many tries have failed. */
  readonly tries: number;
  /** When the first try was; null: there was none. */
  readonly firstAt: number | null;
  /** When the next one is; null: it waits for the one before it in its line, or was given up. */
  readonly nextAt: number | null;
  /** How the last try ended. */
  readonly error: string | null;
  /** When it was given up; null: it was not. */
  readonly deadAt: number | null;
}

export interface WebhookStore {
  /** @returns undefined: nothing was ever delivered */
  webhookState(): Promise<WebhookState | undefined>;
  /**
   * Makes a process the one that delivers. The first one begins after the last event that there is.
   *
   * @param replaces the state as it was read; undefined where there was none
   * @returns false: nothing was changed, since another process came before
   */
  claimWebhook(
    claim: { readonly owner: Owner; readonly urlHash: string; readonly at: number },
    replaces: WebhookState | undefined,
  ): Promise<boolean>;
  /**
   * Notes what has become of deliveries, all or nothing.
   *
   * @param noted.position how far events were looked at
   * @param noted.delivered numbers of events that need not wait any more
   * @param noted.waiting rows, in the place of those with the same numbers
   * @param noted.lines whose first delivery that waits is tried now, unless it has a time
   * @returns false: nothing was changed, since this process is not the owner any more
   */
  noteDeliveries(
    owner: Owner,
    at: number,
    noted: {
      readonly position: number;
      readonly delivered: readonly number[];
      readonly waiting: readonly WaitingDelivery[];
      readonly lines: readonly string[];
    },
  ): Promise<boolean>;
  /** Gives the deliveries up, or lets nobody be their owner. @param stopped why nothing is delivered any more */
  leaveWebhook(owner: Owner, stopped: string | null): Promise<void>;
  /** @returns the first of each line whose time has come, the longest due first */
  dueDeliveries(before: number, limit: number): Promise<WaitingDelivery[]>;
  /** Lets those be tried now whose time was set by a clock that was ahead: none waits for a time after this one any more. */
  hastenDeliveries(at: number): Promise<void>;
  /** @returns the deliveries of a line that wait, in the order of their numbers */
  deliveriesOf(line: string, limit: number): Promise<WaitingDelivery[]>;
  /** @returns deliveries that were given up, after this number, in the order of their numbers */
  deadDeliveries(after: number, limit: number): Promise<WaitingDelivery[]>;
  /**
   * How many events wait, those after the position among them, and how many were given up. `waitingSince`: when the first try of
   * the one was that waits longest; null: none that waits was tried.
   */
  deliveryCounts(): Promise<{
    readonly waiting: number;
    readonly dead: number;
    readonly waitingSince: number | null;
  }>;
  /**
   * Lets events be delivered again, with the ids that they had. What was stopped goes on.
   *
   * @param after all that come after this number; undefined: those that were given up
   * @returns how many will be
   */
  replayDeliveries(after: number | undefined, at: number): Promise<number>;
}
