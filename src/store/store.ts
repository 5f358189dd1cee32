/*
 * What a store is: the rows it keeps, and what every method promises, whatever the database.
 * No SQL, no key and no decision about a grant stands here: a store sees sealed bytes, and says whether a write that
 * was conditional took place.
 *
 * The words:
 *
 * - A **grant** is the authorization that one subject gave one client. **Usable** grants are `active` or `suspect`.
 * - A **generation** counts the exchanges that were committed to a grant. Writes name the generation they were made
 *   from, and change nothing where the grant is at another one: it has **moved**.
 * - An **attempt** is the durable note that a generation's refresh token is about to be spent. A grant has one at most.
 *   It names its **owner**, and another owner may **take it over** by naming the attempt it replaces.
 * - A **late answer** is what a provider answered to a generation that the grant had left by then. It is kept beside
 *   the grant, since it may hold a living token.
 * - An **intake** is one one-time code on its way to a grant; it is found by the keyed hash of the code.
 * - A **ticket** ties the code of one sign-in to one of the app's users; it is found by its keyed hash.
 * - A **handle** stands for a grant at the token endpoint, in the hands of one caller; only a hash of it is kept.
 * - **Sealed** values are encrypted, **hashes** are keyed: a store can open neither.
 * - Times end in `At`, `Since` or are called `at`; they are milliseconds since the epoch.
 */
import type { Clock } from "../core/clock.ts";
import type { GrantState } from "../core/grant-state.ts";
import type { Owner } from "../core/take-over.ts";
import type { AuditStore } from "./audit-store.ts";
import type { CallerStore } from "./caller-store.ts";
import type { SessionStore } from "./session-store.ts";
import type { SignalStore } from "./signal-store.ts";
import type { ConnectStore } from "./connect-store.ts";
import type { DashboardStore } from "./dashboard-store.ts";
import type { DepositStore } from "./deposit-store.ts";
import type { ClientStore } from "./client-store.ts";
import type { EpochStore, StorePlace } from "./epoch-store.ts";
import type { EventStore } from "./event-store.ts";
import type { FiguresStore } from "./figures-store.ts";
import type { GrantRow } from "./grant-row.ts";
import type { HandleStore } from "./handle-store.ts";
import type { IntakeStore } from "./intake-store.ts";
import type { KeyStore } from "./key-store.ts";
import type { LifeStore } from "./life-store.ts";
import type { ProbeStore } from "./probe-store.ts";
import type { RefreshStore } from "./refresh-store.ts";
import type { ResealStore } from "./reseal-store.ts";
import type { TicketStore } from "./ticket-store.ts";
import type { WebhookStore } from "./webhook-store.ts";
import type { TokenStore } from "./token-store.ts";

/** Which grants a list holds: those that fit everything that is given. */
export interface GrantFilter {
  readonly state?: GrantState;
  /**
   * The state is that in which grants stand at this time, milliseconds since the epoch: those whose access token has ended, and
   * which hold no refresh token, are `lapsed`. Absent: it is the state that is written.
   */
  readonly at?: number;
  readonly subjectHash?: Uint8Array;
  /** Keyed hash of one of the app's own user ids. */
  readonly externalHash?: Uint8Array;
  /**
   * Only grants that one of the app's users knows under this label: the user of {@link externalHash}, where that is given.
   * `subjectHash` stands in its place where the grant was tied before there were labels.
   */
  readonly account?: { readonly accountHash: Uint8Array; readonly subjectHash: Uint8Array };
  /** Only grants with late answers beside them. */
  readonly withLateAnswers?: true;
  /** Only grants after this one, in the order of the bytes of their ids. */
  readonly after?: string;
  /** The largest number of grants to return. */
  readonly limit: number;
}

/**
 * How many changes a store returns at once. After a backup was restored every grant counts as changed, and to read them
 * all in one go would keep a process busy for seconds.
 */
export const changesAtOnce = 100;

/** One of the app's own user ids, and the label of one of that user's accounts, as keyed hashes. */
export interface HashedTie {
  readonly externalHash: Uint8Array;
  readonly accountHash: Uint8Array;
}

/**
 * How the app's own user ids change by which a grant is known. One id and label mean one grant of a provider and client.
 * One grant may be known by several ids, by each under one label. Ids and labels are keyed hashes.
 */
export interface ExternalIdChange {
  /** The grant is known by this one from now on, whatever its label for this id was before. */
  readonly add?: HashedTie;
  /** It is not known by these any more. */
  readonly remove?: readonly Uint8Array[];
  /** The grants that are not known by the id of `add` any more, with their profiles as they were read and as they are then. */
  readonly from?: readonly (Pick<GrantRow, "grantId" | "profileSealed"> & { readonly profileRead: Uint8Array })[];
}

/** One page of the grants that an {@link IdleSearch} finds. */
export type IdleFilter = IdleSearch & { readonly limit: number };

/**
 * Which grants that nobody uses are found: those of one slot (`keepAliveSlot`) by when their last exchange was; or, of all
 * slots, those whose refresh token has an announced end, by when they are refreshed for it (`announcedAt`).
 */
export type IdleSearch = IdlePlace &
  ({ readonly by: "exchange"; readonly slot: number } | { readonly by: "announced-end" });

interface IdlePlace {
  readonly clientId: string;
  /** Only those after this place: the last one of the page before. */
  readonly after: { readonly at: number; readonly grantId: string };
  /** Only those before this time. */
  readonly before: number;
}

/** Which slots a search is worth while in; see {@link GrantStore.idleSlots}. */
export interface IdleSlotsFilter {
  readonly clientId: string;
  /** Of the first slot: those exchanged before this time count. */
  readonly before: number;
  /** How much sooner that is in each further slot, milliseconds. */
  readonly stepMs: number;
  /** Those exchanged at this time or later count, too, in every slot. */
  readonly from: number;
}

export interface GrantStore {
  /** @returns undefined where there is no such grant */
  grantById(grantId: string): Promise<GrantRow | undefined>;
  /** @returns one person's grants to all clients, in the order of their ids */
  grantsBySubject(subjectHash: Uint8Array): Promise<GrantRow[]>;
  /** @returns the grants that are known by one of the app's own user ids, in the order of their ids */
  grantsByExternalId(externalHash: Uint8Array): Promise<GrantRow[]>;
  /** @returns the grants whose refresh token has this keyed hash, in the order of their ids: one, but for edited rows */
  grantsByRefreshDigest(digestHash: Uint8Array): Promise<GrantRow[]>;
  /**
   * @returns grants whose refresh token begins with the characters of this keyed hash, in the order of their ids, eight at
   *   most: tokens may begin alike
   */
  grantsByRefreshPrefix(prefixHash: Uint8Array): Promise<GrantRow[]>;
  /** @returns a page, in the order of the bytes of the ids; empty after the last one */
  listGrants(filter: GrantFilter): Promise<GrantRow[]>;
  /**
   * Stores the grant that a code brought, and ends the code's intake in the same transaction.
   *
   * @param madeFrom the row that `row` was made from, or null for a new grant
   * @param externalIds how the app's own user ids change by which the grant is known; not at all by default
   * @param resultMac kept with the intake; none by default
   * @param how.isAgain whether the caller has stored this code's answer before; by default a code that has become a
   *   grant is stored no second time, whoever still holds its answer
   * @param how.isDeposit whether the code is a deposited refresh token, and is to be remembered for as long as the grant
   * @param how.from the state that the intake must be in; by default any but `done`, or none may be there
   * @returns true: stored; false: nothing was changed, since the grant is no longer at `madeFrom`'s generation and
   *   state, or has another profile; or, for a new one, since this subject has a grant for this client already; or since
   *   the external ids have changed: `add` means another grant than those in `from`, or one of these is not as it was
   *   read; or since the code has become a grant, or is held; or its intake is not in `how.from`
   */
  saveFromIntake(
    row: GrantRow,
    madeFrom: Pick<GrantRow, "generation" | "state" | "scope" | "profileSealed"> | null,
    codeHash: Uint8Array,
    externalIds?: ExternalIdChange,
    resultMac?: Uint8Array,
    how?: {
      readonly isAgain?: boolean | undefined;
      readonly isDeposit?: boolean | undefined;
      readonly from?: "spending" | undefined;
    },
  ): Promise<boolean>;
  /**
   * Makes a usable or lapsed grant `revoking`. One that is `revoking` stays so since when it was.
   *
   * @returns true: the grant is `revoking` now; false: it is `revoked`, or there is none
   */
  beginRevocation(grantId: string, at: number): Promise<boolean>;
  /**
   * Makes a `revoking` grant `revoked`, and erases its tokens and its attempt. Late answers stay beside it, whenever
   * they come: each may hold a token that the provider has not been told of.
   *
   * @param reason whether the provider has confirmed; `revoked` by default
   * @returns true: revoked by this call; false: it was not `revoking` at this generation, such as after a new consent
   */
  endRevocation(
    grantId: string,
    generation: number,
    at: number,
    reason?: "revoked" | "revoked_unconfirmed",
  ): Promise<boolean>;
  /**
   * Notes that the grant's tokens may have ended together with others. A usable grant with a refresh token becomes
   * `suspect`, and its access token counts as expired, so that the next use asks the provider and serves nothing dead.
   * One that is `suspect` already is so from this time on: an answer from before proves nothing any more.
   *
   * @returns true: the grant is `suspect` now; false: it is not usable, has no refresh token, or is not there
   */
  markSuspect(grantId: string, at: number): Promise<boolean>;
  /**
   * Notes that an access token has ended that nothing can replace: an API refused it. It counts as expired at `at`.
   *
   * @param accessSealed the sealed token as it was read
   * @returns true: noted; false: the grant holds another token, or one that ended before; or it holds a refresh token
   */
  endAccessToken(grantId: string, accessSealed: Uint8Array, at: number): Promise<boolean>;
  /** @returns `active` grants of a client that hold a refresh token, in the order of the time that they are found by */
  idleGrants(filter: IdleFilter): Promise<GrantRow[]>;
  /** @returns the slots, in ascending order, that have such grants as {@link idleGrants} finds by their exchange */
  idleSlots(filter: IdleSlotsFilter): Promise<number[]>;
  /**
   * @param before only grants whose `lookAt` is before this time
   * @param after only those after this row, in the same order; from the first on by default
   * @returns the grants that are due for a look, the longest due first
   */
  grantsToLookAt(before: number, limit: number, after?: Pick<GrantRow, "grantId" | "lookAt">): Promise<GrantRow[]>;
  /** @returns the number of the latest change, from which a poller starts; 0 in a new store */
  latestChange(): Promise<number>;
  /**
   * Which grants changed after `seq`, and how they stand now. Each poller sees every committed change at least once.
   * Where `seq` is larger than any number here, a backup was restored: then all grants count as changed.
   *
   * @param seq what the last call returned; 0 for all changes
   * @returns the changes in the order of their numbers, each grant once, and the `seq` for the next call. Where there
   *   are {@link changesAtOnce} of them or more, further ones may follow: call again
   */
  changesSince(seq: number): Promise<{ readonly seq: number; readonly changes: readonly GrantChange[] }>;
}

/** A grant that changed, as it stands when that is read. One whose row is gone has no hashes. */
export interface GrantChange {
  readonly grantId: string;
  readonly generation: number;
  readonly state: GrantState;
  /** These two tell access tokens of one generation apart: a consent without a refresh token does not begin a new one. */
  readonly accessIssuedAt: number | null;
  readonly accessExpiresAt: number | null;
  /** By these the grant is found: a reference that was looked up by one of them may mean this grant. */
  readonly subjectHash: Uint8Array | null;
  readonly ties: readonly HashedTie[];
}

/** What only some stores can tell. For each there is a slower way, which works with every store. */
export interface StoreSignals {
  /**
   * Calls `listener` soon after any process changed a grant. Only a hint: it may be late, come in bursts or for
   * nothing, or not at all. So poll {@link GrantStore.changesSince} as well.
   *
   * @returns a function that ends the calls
   */
  onChange?(listener: () => void): () => void;
  /** Shows other processes that this owner is alive, until the store is closed or the process dies. */
  announceOwner?(owner: Owner): Promise<void>;
  /**
   * Whether an owner on any machine is alive. `dead` is proof. An owner that never announced itself is `unknown`, and
   * so is a dead one at first: proof takes time, so ask again.
   */
  ownerLiveness?(owner: Owner): Promise<"alive" | "dead" | "unknown">;
  /**
   * Reads everything that is stored, without keeping this thread from its work, and looks for damage in its structure.
   * Opening the store looks only where it costs the same for a thousand grants and for a million.
   *
   * @param options.unlessSoundSince reads nothing where some process has found the store sound after this time, and
   *   notes it where this one does
   * @param options.signal ends the wait: the method throws the signal's reason
   * @returns what is damaged, in the database's words; empty where nothing is
   */
  findDamage?(options?: { readonly unlessSoundSince?: number; readonly signal?: AbortSignal }): Promise<string>;
  /**
   * Gives back the space of rows that are gone. Nobody else can write meanwhile, and a large store takes minutes. Absent where
   * the database does so by itself.
   *
   * @returns how much space it takes on disk, bytes
   * @throws {OnbehalfError} `store_unavailable`: the disk has no room for the copy, or others did not let us write
   */
  vacuum?(): Promise<{ readonly before: number; readonly after: number }>;
  /**
   * Copies the database as it is now, while others read and write. Absent where the database has a way of its own, such as
   * `pg_dump`.
   *
   * @param to the path of a file that is not there yet; its folder must exist
   * @returns the size of the copy, bytes
   * @throws {OnbehalfError} `configuration_invalid`: something is there already
   * @throws {OnbehalfError} `store_unavailable`: there is no room, or the folder cannot be written to
   */
  backup?(to: string): Promise<{ readonly bytes: number }>;
  /**
   * Where the database is now, so that a copy of it is told from the one that was copied. Absent: nobody can tell, as for a
   * database in memory.
   */
  place?(): Promise<StorePlace>;
  /** What an operator should know about how this store is reached; empty when all is as it should be. */
  notes?(): readonly StoreNote[];
}

export interface StoreNote {
  readonly note: string;
  /** What to do about it. */
  readonly hint: string;
}

/** How a store is opened. */
export interface OpenStore {
  /** The time for a store whose database has none of its own; the system's clock by default. */
  readonly clock?: Clock;
  /** True: bring the schema up to date first. False: refuse to work on an older one. True by default. */
  readonly migrate?: boolean;
}

/**
 * Where grants are kept.
 *
 * Every method throws `store_unavailable` when the database does not answer. Then nothing was changed, or it is not
 * known whether the transaction was committed, and the next read tells.
 */
export interface Store
  extends
    KeyStore,
    GrantStore,
    TokenStore,
    RefreshStore,
    IntakeStore,
    TicketStore,
    CallerStore,
    HandleStore,
    SessionStore,
    DashboardStore,
    FiguresStore,
    ConnectStore,
    DepositStore,
    ClientStore,
    ProbeStore,
    SignalStore,
    LifeStore,
    ResealStore,
    AuditStore,
    EpochStore,
    EventStore,
    WebhookStore,
    StoreSignals {
  /** The kind of database, such as `sqlite`. */
  readonly kind: string;
  /** Where the database is, for people: without credentials. */
  readonly location: string;
  /**
   * Opens the store; does nothing where it is open.
   *
   * @throws {OnbehalfError} `store_unavailable`: the database cannot be reached
   * @throws {OnbehalfError} `store_unusable`: it is damaged, migrated by a newer version, or behind with `migrate: false`
   */
  open(options: OpenStore): Promise<void>;
  /**
   * Does what of an opening changes nothing in the database, such as to connect, for a program that must wait for something else
   * before it opens the store. What goes wrong is told by `open`; `close` ends it. Absent: there is nothing to do ahead.
   */
  prepare?(): void;
  /** @returns the names of the migrations that were applied, and of those that are still to come */
  migrations(): Promise<{ readonly applied: readonly string[]; readonly pending: readonly string[] }>;
  /** Returns once the database has answered. */
  ping(): Promise<void>;
  /** @returns the time that `startedAt` of attempts is measured by: the database's own where it has one */
  now(): Promise<number>;
  /** Ends what is under way, then the connections. A closed store can be opened again. */
  close(): Promise<void>;
}
