import type { Clock } from "../core/clock.ts";
import type { GrantState, LapseReason } from "../core/grant.ts";
import type { Attempt, AttemptResult, Owner } from "../core/take-over.ts";

/** A grant as it is stored: everything secret is sealed, everything personal hashed or sealed. */
export interface GrantRow {
  readonly grantId: string;
  readonly provider: string;
  readonly issuer: string;
  readonly clientId: string;
  /** Keyed hash of issuer and `sub`; the same for every client, so that siblings are found. */
  readonly subjectHash: Uint8Array;
  /** Keyed hash of the app's own user id. */
  readonly externalHash: Uint8Array | null;
  readonly profileSealed: Uint8Array;
  /** RFC 6749 section 3.3, as granted. */
  readonly scope: string;
  readonly state: GrantState;
  readonly reason: LapseReason | null;
  readonly stateSince: number;
  readonly generation: number;
  readonly refreshSealed: Uint8Array | null;
  readonly refreshExpiresAt: number | null;
  readonly refreshPrefixHash: Uint8Array | null;
  readonly refreshDigestHash: Uint8Array | null;
  readonly accessSealed: Uint8Array | null;
  readonly accessIssuedAt: number | null;
  readonly accessExpiresAt: number | null;
  readonly lastRefreshAt: number | null;
  readonly lastError: string | null;
  readonly lastErrorAt: number | null;
  /** Refreshes that failed in a row. */
  readonly failures: number;
  /** Not before this time is the provider asked again. */
  readonly retryAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The columns that a committed exchange writes. */
export type TokenColumns = Pick<
  GrantRow,
  | "refreshSealed"
  | "refreshExpiresAt"
  | "refreshPrefixHash"
  | "refreshDigestHash"
  | "accessSealed"
  | "accessIssuedAt"
  | "accessExpiresAt"
  | "scope"
>;

export interface StoredKey {
  readonly keyId: number;
  readonly keyClass: string;
  readonly masterKeyId: string;
  readonly wrapped: Uint8Array;
}

/** A store's random name and its wrapped data keys. */
export interface StoredKeys {
  readonly instance: string;
  readonly keys: readonly StoredKey[];
}

/** Data keys: wrapped elsewhere, only kept here. */
export interface KeyStore {
  /** Undefined in a store that was never used. */
  readKeys(): Promise<StoredKeys | undefined>;
  /** Writes the first keys; what another process wrote before stays. Returns those that count. */
  createKeys(keys: StoredKeys): Promise<StoredKeys>;
  /**
   * Replaces a data key's wrapping, if it still is as it was read.
   *
   * @returns false where somebody else has replaced it
   */
  replaceKey(before: StoredKey, after: Pick<StoredKey, "masterKeyId" | "wrapped">): Promise<boolean>;
}

export interface GrantFilter {
  readonly state?: GrantState;
  readonly subjectHash?: Uint8Array;
  readonly externalHash?: Uint8Array;
  /** Only grants with late answers beside them. */
  readonly withLateAnswers?: true;
  /** Only grants after this one, in the order of their ids. */
  readonly after?: string;
  readonly limit: number;
}

export interface GrantStore {
  grantById(grantId: string): Promise<GrantRow | undefined>;
  /** Of all clients and providers that know this person by this hash. */
  grantsBySubject(subjectHash: Uint8Array): Promise<GrantRow[]>;
  grantsByExternalId(externalHash: Uint8Array): Promise<GrantRow[]>;
  listGrants(filter: GrantFilter): Promise<GrantRow[]>;
  /**
   * Stores what a code brought, and ends its intake in the same transaction.
   *
   * @param madeFrom the row that was read, still as it was in generation and state; `null` for a new grant
   * @returns whether it was stored: false where the grant has moved, or another process made it first
   */
  saveFromIntake(
    row: GrantRow,
    madeFrom: Pick<GrantRow, "generation" | "state"> | null,
    codeHash: Uint8Array,
  ): Promise<boolean>;
  /** From usable to `revoking`; false where it was not usable or revoking. */
  beginRevocation(grantId: string, at: number): Promise<boolean>;
  /**
   * From `revoking` to `revoked`, with the grant's tokens erased. Late answers stay beside it, whenever they come: each
   * may hold a token that the provider has not been told of.
   *
   * @returns false where a new consent came in between
   */
  endRevocation(grantId: string, generation: number, at: number): Promise<boolean>;
  /**
   * The grant's tokens may have ended together with others: usable grants with a refresh token become `suspect`, and
   * their access token counts as expired, so that the next use looks again and serves nothing dead.
   *
   * @returns whether there is such a grant
   */
  markSuspect(grantId: string, at: number): Promise<boolean>;
  /** Active grants with a refresh token whose last exchange is longer ago, the longest first. */
  idleGrants(exchangedBefore: number, limit: number): Promise<GrantRow[]>;
  /** How far changes have come; where a poller starts. */
  latestChange(): Promise<number>;
  /**
   * Which grants changed after `seq`, how they stand now, and how far that is: pass it on next time. Every change that
   * is committed is seen by each poller at least once; a restored backup shows as all grants changed.
   *
   * @param seq 0 for everything
   */
  changesSince(seq: number): Promise<{ readonly seq: number; readonly changes: readonly GrantChange[] }>;
}

/** A grant that changed, as it stands when that is read. */
export interface GrantChange {
  readonly grantId: string;
  readonly generation: number;
  readonly state: GrantState;
  /** Tells access tokens of one generation apart: a consent that brings no refresh token does not begin a new one. */
  readonly accessExpiresAt: number | null;
}

/** What is written of an attempt, and when. */
export interface BeginAttempt {
  readonly attemptId: string;
  readonly grantId: string;
  readonly generation: number;
  readonly owner: Owner;
  /** Now, by the clock that `retryAt` is set by, milliseconds since the epoch. */
  readonly at: number;
}

export interface RefreshStore {
  /**
   * Writes the attempt to send a generation's refresh token, durably, before it is sent. Nothing is written where the
   * grant has moved or is to be left alone, or where another attempt stands.
   *
   * @param replaces the attempt that may be taken over; only this very one
   */
  beginAttempt(attempt: BeginAttempt, replaces?: string): Promise<AttemptResult<GrantRow>>;
  /**
   * Commits an answer onto the generation whose refresh token was sent. A compare-and-swap on lineage: nobody else
   * can have got a newer token from that one. A grant that lapsed meanwhile is active again: the answer proves that
   * the token was alive, whatever was said to those who took over.
   *
   * @param suspectSince where given, a grant that became `suspect` after this time stays so, and its access token counts
   *   as expired: what ended the old tokens may have ended the new ones as well, so the next use looks again
   * @returns how the grant stands now; undefined where it had moved on: the answer must then be kept as a late answer
   */
  commitAttempt(
    grantId: string,
    parentGeneration: number,
    columns: TokenColumns,
    at: number,
    suspectSince?: number,
  ): Promise<"active" | "suspect" | undefined>;
  /** The token is known not to have been spent: the attempt ends, and the failure is noted. Nothing once taken over. */
  endAttempt(attemptId: string, failure: { error: string; at: number; retryAt: number | null }): Promise<void>;
  /** Nobody knows what the provider did: the attempt stays, for anyone to take over. `suspect`: the old token may be dead, and the grant says so. */
  endAttemptUnknown(
    attemptId: string,
    failure: { error: string; at: number; retryAt: number | null; suspect: boolean },
  ): Promise<void>;
  /** From usable to `lapsed`, if the grant still is at this generation. */
  lapse(grantId: string, generation: number, reason: LapseReason, error: string, at: number): Promise<boolean>;
  keepLateAnswer(lateAnswer: LateAnswerRow): Promise<void>;
  /** Late answers to one generation of a grant, or to all, newest first. */
  lateAnswersOf(grantId: string, parentGeneration?: number): Promise<LateAnswerRow[]>;
  dropLateAnswer(lateAnswerId: string): Promise<void>;
  attempts(): Promise<Attempt[]>;
}

export interface LateAnswerRow {
  readonly lateAnswerId: string;
  readonly grantId: string;
  readonly parentGeneration: number;
  readonly answerSealed: Uint8Array;
  readonly receivedAt: number;
}

/**
 * - `spending`: the code may have left for the provider.
 * - `answered`: the provider's answer is in the journal.
 * - `done`, `rejected`: over; kept a while, so that the same code gives the same result.
 */
export type IntakeState = "spending" | "answered" | "done" | "rejected";

export interface IntakeRow {
  readonly codeHash: Uint8Array;
  readonly state: IntakeState;
  readonly clientId: string;
  readonly owner: Owner;
  readonly contextSealed: Uint8Array;
  readonly answerSealed: Uint8Array | null;
  readonly grantId: string | null;
  /** JSON of the error that ended it. */
  readonly rejection: string | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
}

export interface IntakeStore {
  /** Begins, or tells what is known of this code. `replaces`: the dead owner's start that may be taken over. */
  beginIntake(
    intake: Pick<IntakeRow, "codeHash" | "clientId" | "owner" | "contextSealed">,
    at: number,
    replaces?: { readonly startedAt: number },
  ): Promise<{ readonly kind: "begun" } | { readonly kind: "known"; readonly intake: IntakeRow }>;
  /**
   * Keeps the provider's answer before anything that can fail is done with it; also one that comes late, after the
   * code was rejected for somebody who had taken over.
   *
   * @returns false where the code is not known any more, and the answer was not kept
   */
  journalAnswer(codeHash: Uint8Array, answerSealed: Uint8Array): Promise<boolean>;
  /**
   * Ends an intake that is not `done`.
   *
   * @param from only out of this state: the refusal of a code must not erase an answer that somebody else got for it
   * @returns whether it was this that ended it
   */
  rejectIntake(codeHash: Uint8Array, rejection: string, at: number, from?: "spending" | "answered"): Promise<boolean>;
  /** The code was not spent: it may come again as if for the first time. Leaves one alone whose answer came. */
  forgetIntake(codeHash: Uint8Array): Promise<void>;
  openIntakes(): Promise<IntakeRow[]>;
  /** Forgets ended intakes. Returns how many. */
  sweepIntakes(endedBefore: number): Promise<number>;
}

export interface CallerRow {
  readonly callerId: string;
  readonly name: string;
  readonly keyHash: Uint8Array;
  /** JSON. */
  readonly permissions: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export interface CallerStore {
  /** False where a living caller has this name. */
  insertCaller(row: CallerRow): Promise<boolean>;
  callerById(callerId: string): Promise<CallerRow | undefined>;
  listCallers(): Promise<CallerRow[]>;
  revokeCaller(name: string, at: number): Promise<boolean>;
}

/** What only some stores can tell. Whoever uses it has a slower way for those that cannot. */
export interface StoreSignals {
  /**
   * Calls back soon after a grant was changed by any process. A hint: it may be late, come in bursts or for nothing,
   * or not at all, so poll {@link GrantStore.changesSince} as well.
   *
   * @returns ends it
   */
  onChange?(listener: () => void): () => void;
  /** Shows other processes that this owner lives, until the store is closed or the process dies. */
  announceOwner?(owner: Owner): Promise<void>;
  /** Of an owner on any machine. `dead` is proof; who never announced itself is `unknown`. Ask again: proof takes time. */
  ownerLiveness?(owner: Owner): Promise<"alive" | "dead" | "unknown">;
  /** What an operator should know about how this store is reached; none when all is as it should be. */
  notes?(): readonly StoreNote[];
}

export interface StoreNote {
  readonly note: string;
  /** What to do about it. */
  readonly hint: string;
}

/** How a store reaches its database. */
export interface OpenStore {
  /** What a store without a clock of its own goes by; the system's by default. */
  readonly clock?: Clock;
  /** Bring the schema up to date first; refuse to work on an older one otherwise. Default true. */
  readonly migrate?: boolean;
}

/**
 * Where grants are kept. Sees sealed bytes only.
 * Every method throws `store_unavailable` when the database does not answer; nothing was changed then, or the
 * transaction's outcome is unknown and the next read tells.
 */
export interface Store extends KeyStore, GrantStore, RefreshStore, IntakeStore, CallerStore, StoreSignals {
  /** Such as `sqlite`. */
  readonly kind: string;
  /** Where it is, without credentials, for people. */
  readonly location: string;
  /**
   * @throws {OnbehalfError} `store_unavailable`: cannot be reached
   * @throws {OnbehalfError} `store_unusable`: damaged, of a newer version, or not migrated
   */
  open(options: OpenStore): Promise<void>;
  /** Names of migrations that were applied, and those that wait. */
  migrations(): Promise<{ readonly applied: readonly string[]; readonly pending: readonly string[] }>;
  /** Answers when the database does. */
  ping(): Promise<void>;
  /** The time that `startedAt` of attempts is measured by, milliseconds: the database's own where it has one. */
  now(): Promise<number>;
  close(): Promise<void>;
}
