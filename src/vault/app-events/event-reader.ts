/**
 * app-events/ reads the events that apps are told of, and waits for new ones. Which change gives which event is decided in
 * core/events/; how they are delivered to an address of the app's belongs to keeper/.
 */
import { abortSignal, assertOptions } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import { defined } from "../../core/defined.ts";
import { isOnbehalfError } from "../../core/errors.ts";
import { eventOf } from "../../core/events/app-event.ts";
import type { AppEvent } from "../../core/events/app-event.ts";
import type { GrantRef, Tie } from "../../core/grant.ts";
import type { Reach } from "../../core/reach.ts";
import { waitFor } from "../../core/single-flight.ts";
import type { EventRow } from "../../store/event-store.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { VaultContext } from "../context.ts";
import { eventsMissed } from "../errors/events-missed.ts";
import { findGrant } from "../grants/find-grant.ts";
import { grantOf } from "../grants/sealed-grant.ts";
import type { Sight } from "../grants/visible-grants.ts";
import { EventWatch } from "./event-watch.ts";

/** Which events are read. */
export interface EventsOptions {
  /** Only events after this number: the `next` of the page before. Default: from the oldest that is kept. */
  readonly after?: number;
  /** How long to wait where there is none yet, seconds: 0 to 60. Default: 0. */
  readonly waitSeconds?: number;
  /** The most events to return: 1 to 500. Default: 100. */
  readonly limit?: number;
  /** Only events about this grant. Default: about any, and about none. */
  readonly grant?: GrantRef;
  /** Ends the wait: the verb then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A page of events. */
export interface EventPage {
  /** In the order of their numbers. May be empty, also where more follow that the reader may see. */
  readonly events: readonly AppEvent[];
  /** What to pass as `after` for the page that follows. */
  readonly next: number;
}

/** Of a grant's row: by which external ids the reader sees it; undefined where it does not see it. */
export type SeesTies = (row: GrantRow) => readonly Tie[] | undefined;

/** What a reader sees. */
export interface EventSight {
  readonly find: (ref: GrantRef) => Promise<GrantRow>;
  readonly ties: SeesTies;
  /** Of events about no grant, and about one whose row is gone. */
  readonly seesWithoutRow: (event: EventRow) => boolean;
}

/** What a caller sees: by the rule of lists, and of a provider in its reach whatever concerns all of its grants. */
export function eventSight({ protocols }: Pick<VaultContext, "protocols">, reach: Reach, sight: Sight): EventSight {
  return {
    find: async (ref) => (await sight.find(ref)).row,
    ties: (row) => sight.see(row, {})?.externalIds ?? (sight.seesAll(row) ? [] : undefined),
    seesWithoutRow: ({ grantId, provider, clientId }) =>
      reach.hasProvider(provider) &&
      protocols.get(provider)?.client.clientId === clientId &&
      (grantId === null || reach.hasGrantId(grantId)),
  };
}

/** How many rows are read at once, and how many for one page: a reader that sees few of many must not read all at once. */
const rowsAtOnce = 200;
const mostRowsForPage = 2_000;

const wholeNumber = (from: number, to: number): Rule => ({
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to,
  must: `a whole number, ${from} to ${to}`,
});
const rules: Readonly<Record<keyof EventsOptions, Rule>> = {
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  waitSeconds: { fits: (value) => typeof value === "number" && value >= 0 && value <= 60, must: "a number, 0 to 60" },
  limit: wholeNumber(1, 500),
  grant: { fits: () => true, must: "anything" },
  signal: abortSignal,
};

/** Reads events. One for each vault: all that wait share one look at the store. */
export class EventReader {
  readonly #context: VaultContext;
  readonly #watch: EventWatch;
  readonly #own: EventSight;

  constructor(context: VaultContext) {
    this.#context = context;
    this.#watch = new EventWatch(context);
    this.#own = {
      find: (ref) => findGrant(context, ref),
      ties: (row) => tiesOf(context, row),
      seesWithoutRow: () => true,
    };
  }

  /**
   * A page of the events that a reader sees. Where there is none yet, it waits.
   *
   * @param sight all events by default
   * @throws {OnbehalfError} `invalid_request`, `events_missed`, `store_unavailable`, and what `sight.find` throws
   * @throws the signal's reason, where it aborts first
   */
  async read(options: EventsOptions = {}, sight: EventSight = this.#own): Promise<EventPage> {
    assertOptions("events", options, rules);
    const { waitSeconds = 0, limit = 100, grant, signal } = options;
    const of = grant === undefined ? undefined : (await sight.find(grant)).grantId;
    const until = performance.now() + waitSeconds * 1_000;
    let after = options.after ?? (await this.#context.store.eventHead()).pruned;
    for (;;) {
      const page = await waitFor(this.#page(after, limit, of, sight), signal);
      const waitMs = until - performance.now();
      if (page.events.length > 0 || !page.isLast || waitMs <= 0 || this.#watch.isOver) return pageOf(page);
      after = page.next;
      const isThere = await this.#watch.after(after, waitMs, signal);
      signal?.throwIfAborted();
      if (!isThere) return pageOf(page);
    }
  }

  /** The number of the last event that was written. @throws {OnbehalfError} `store_unavailable` */
  async newest(): Promise<number> {
    return (await this.#context.store.eventHead()).seq;
  }

  /** How many wait for an event. */
  get waiting(): number {
    return this.#watch.waiting;
  }

  /** Those that wait get what there is, and nobody waits any more. */
  end(): void {
    this.#watch.end();
  }

  async #page(
    from: number,
    limit: number,
    of: string | undefined,
    sight: EventSight,
  ): Promise<EventPage & { readonly isLast: boolean }> {
    const { store } = this.#context;
    const events: AppEvent[] = [];
    let after = from;
    // Before the rows: an event of this grant that comes while they are read must not be passed over with those of others.
    const upTo = of === undefined ? 0 : (await store.eventHead()).seq;
    for (let read = 0; read < mostRowsForPage; read += rowsAtOnce) {
      const rows = await store.events({ after, limit: rowsAtOnce, ...defined({ grantId: of }) });
      // After the rows: where some were taken out meanwhile, they are missing from these.
      const head = await store.eventHead();
      if (after < head.pruned || after > head.seq) throw eventsMissed(after, head);
      const ties = await this.#tiesOf(rows, sight);
      for (const row of rows) {
        if (events.length === limit) return { events, next: after, isLast: false };
        after = row.seq;
        const seen = ties(row);
        if (seen !== undefined) events.push(eventOf(row, seen));
      }
      if (rows.length < rowsAtOnce) {
        // Of one grant, too: what is about others has been passed over.
        return { events, next: Math.max(after, upTo), isLast: true };
      }
    }
    return { events, next: after, isLast: false };
  }

  async #tiesOf(
    rows: readonly EventRow[],
    sight: EventSight,
  ): Promise<(event: EventRow) => readonly Tie[] | undefined> {
    const ids = new Set(rows.flatMap(({ grantId }) => grantId ?? []));
    const grants = await Promise.all([...ids].map((grantId) => this.#context.store.grantById(grantId)));
    const known = new Map(
      grants.flatMap((row) => (row === undefined ? [] : [[row.grantId, sight.ties(row)] as const])),
    );
    return (event) => {
      if (event.grantId !== null && known.has(event.grantId)) return known.get(event.grantId);
      return sight.seesWithoutRow(event) ? [] : undefined;
    };
  }
}

function pageOf({ events, next }: EventPage): EventPage {
  return { events, next };
}

/** By what a grant is known; nothing where its person does not open: the event is told all the same. */
export function tiesOf({ keyring }: Pick<VaultContext, "keyring">, row: GrantRow): readonly Tie[] {
  try {
    return grantOf(keyring, row).externalIds;
  } catch (error) {
    if (isOnbehalfError(error, "grant_unreadable")) return [];
    throw error;
  }
}
