import type { EventDiagnosis } from "../core/events/grant-events.ts";
import type { LapseReason } from "../core/grant-state.ts";
import type { Attempt, AttemptResult, Owner } from "../core/take-over.ts";
import type { GrantRow, TokenColumns } from "./grant-row.ts";

/** What is written of an attempt, and when. */
export interface BeginAttempt {
  readonly attemptId: string;
  readonly grantId: string;
  readonly generation: number;
  readonly owner: Owner;
  /** Now, by the clock that `retryAt` is set by. */
  readonly at: number;
}

/** A failure in words. */
export interface Refused {
  readonly error: string;
  /** What the provider said beside its code, short and without secrets. Null, the default: no provider has named an error. */
  readonly says?: string | null;
}

export interface RefreshStore {
  /**
   * Writes, durably, that a generation's refresh token is about to be sent. Unless the answer is `begun`, the token must not be
   * sent; nor where this throws. Nothing is written then, but that an attempt with this id may stand where a connection was lost
   * meanwhile: it counts as one whose owner is dead. An attempt on another generation is removed.
   *
   * @param replaces the id of the attempt that may be taken over; another one that stands is `held`
   * @returns `begun`: the attempt is on disk; `held`: another attempt on this generation stands; `backing-off`: the
   *   grant's `retryAt` is not reached; `moved`: the grant is at another generation, or neither usable nor lapsed and due
   *   for a look; `gone`: no such grant. A `retryAt` whose `lastErrorAt` is in the future does not count (`remainingMs`),
   *   and an attempt that `startedAt` in the future is set to now: a clock was wrong, and must not hold the grant for as
   *   long
   */
  beginAttempt(attempt: BeginAttempt, replaces?: string): Promise<AttemptResult<GrantRow>>;
  /**
   * Commits an answer onto the generation whose refresh token was sent, whoever holds the attempt by now: nobody else
   * can have got a newer token from that one. Ends the attempt. A grant that is `suspect` or `lapsed` is `active`
   * again, since the answer proves that its token was alive.
   *
   * @param suspectSince where given, a grant that became `suspect` or `lapsed` after this time is `suspect`, and its
   *   access token counts as expired, so that the next use asks the provider: what ended the old tokens may have ended
   *   the new ones as well
   * @param failure where given, the answer brought a refresh token and no access token: this is noted on the grant as
   *   its last error, and the provider is not asked again before `retryAt`
   * @returns the state of the grant now; undefined where the grant has moved, is being revoked, or is not there: the
   *   caller must then keep the answer as a late answer
   */
  commitAttempt(
    grantId: string,
    parentGeneration: number,
    columns: TokenColumns,
    at: number,
    suspectSince?: number,
    failure?: { readonly error: string; readonly retryAt: number },
  ): Promise<"active" | "suspect" | undefined>;
  /**
   * Ends an attempt whose token is known not to have been spent, and notes the failure on the grant, where that is
   * still at the generation of the attempt. Does nothing where the attempt was taken over.
   *
   * @param failure `lookAt`: when the grant is looked at again, or null for never; where it is left out, that stays
   */
  endAttempt(
    attemptId: string,
    failure: Refused & { at: number; retryAt: number | null; lookAt?: number | null },
  ): Promise<void>;
  /**
   * Notes that an attempt ended and nobody knows what the provider did: it stays, for any owner to take over, with
   * `endedUnknown`. Does nothing where the attempt was taken over.
   *
   * @param failure `suspect`: the provider may have replaced the token, so an `active` grant becomes `suspect`
   */
  endAttemptUnknown(
    attemptId: string,
    failure: Refused & { at: number; retryAt: number | null; suspect: boolean },
  ): Promise<void>;
  /**
   * Makes a usable grant `lapsed`, and ends its attempt.
   *
   * Where a refresh token is dead (`invalid_grant`), the age at which it died is kept, as far as the consent's time is known.
   *
   * @param error what the provider answered, for people
   * @param lookAt when the lapsed grant is looked at once more; never by default
   * @param says what the provider said beside that; see {@link Refused}
   * @param why what the event tells of it, where more is known than the reason
   * @returns true: lapsed by this call; false: it was not usable, or not at this generation
   */
  lapse(
    grantId: string,
    generation: number,
    reason: LapseReason,
    error: string,
    at: number,
    lookAt?: number | null,
    says?: string | null,
    why?: EventDiagnosis,
  ): Promise<boolean>;
  /**
   * @param at milliseconds since the epoch
   * @returns grants without a refresh token, called `active`, whose access tokens had ended by then; those that ended first come first
   */
  grantsToLapse(at: number, limit: number): Promise<GrantRow[]>;
  /**
   * Makes an `active` grant `lapsed` for `no_refresh_token`, since its access token ended, where it holds no other and nothing to get
   * one with.
   *
   * @param at milliseconds since the epoch: the access token must have ended by then
   * @param why what the event tells of it; what the row says by default
   * @returns true: lapsed by this call; false: it is otherwise by now, and nothing was changed
   */
  lapseWithoutAccess(grantId: string, at: number, why?: EventDiagnosis): Promise<boolean>;
  /** Keeps a late answer. One that is kept already under this id stays as it is. */
  keepLateAnswer(lateAnswer: LateAnswerRow): Promise<void>;
  /**
   * @param parentGeneration only answers to this generation; to all where it is left out
   * @returns the grant's late answers, newest first
   */
  lateAnswersOf(grantId: string, parentGeneration?: number): Promise<LateAnswerRow[]>;
  /** Erases a late answer, if it is there. */
  dropLateAnswer(lateAnswerId: string): Promise<void>;
  /** @returns all attempts that stand, the oldest first */
  attempts(): Promise<Attempt[]>;
}

export interface LateAnswerRow {
  readonly lateAnswerId: string;
  readonly grantId: string;
  /** The generation whose refresh token was sent; -1 where it came for a code. */
  readonly parentGeneration: number;
  readonly answerSealed: Uint8Array;
  readonly receivedAt: number;
}
