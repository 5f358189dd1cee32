/* One-time codes on their way to grants. Codes are found by keyed hashes. Times are milliseconds since the epoch. */

import type { Owner } from "../core/take-over.ts";

/**
 * - `spending`: the code may have been sent to the provider.
 * - `answered`: the provider's answer is in the journal.
 * - `done`, `rejected`: ended; kept a while, so that the same code gives the same result.
 */
export type IntakeState = "spending" | "answered" | "done" | "rejected";

export interface IntakeRow {
  readonly codeHash: Uint8Array;
  readonly state: IntakeState;
  readonly clientId: string;
  readonly owner: Owner;
  /** What was sent with the code; empty in `rejected`. */
  readonly contextSealed: Uint8Array;
  /** In `answered` only. */
  readonly answerSealed: Uint8Array | null;
  /** The grant that it has become. */
  readonly grantId: string | null;
  /** Keyed hash of the code, that grant and `endedAt`; null in rows of versions that wrote none. */
  readonly resultMac: Uint8Array | null;
  /** The sign-in assertion that was given for it; empty where nobody may have it again. Null: none was given yet. */
  readonly assertionSealed: Uint8Array | null;
  /** JSON of the error that ended it; in `rejected` only. */
  readonly rejection: string | null;
  readonly startedAt: number;
  /** In `done` and `rejected` only. */
  readonly endedAt: number | null;
  /**
   * Until when the answer is held for somebody who must prove that the sign-in was theirs; in `answered` only. It becomes
   * no grant before that. Null: it is not held.
   */
  readonly heldUntil: number | null;
}

export interface IntakeStore {
  /**
   * Writes, durably, that a code is about to be spent, or returns what is known of this code.
   *
   * @param replaces when the dead owner's intake began that may be taken over; only while it is `spending`
   * @returns `begun`: the caller, and nobody else, may spend the code; `known`: nothing was changed
   */
  beginIntake(
    intake: Pick<IntakeRow, "codeHash" | "clientId" | "owner" | "contextSealed">,
    at: number,
    replaces?: { readonly startedAt: number },
  ): Promise<{ readonly kind: "begun" } | { readonly kind: "known"; readonly intake: IntakeRow }>;
  /** What is known of a code, by its hash. Nothing is written. */
  intakeByCode(codeHash: Uint8Array): Promise<IntakeRow | undefined>;
  /**
   * Keeps the provider's answer; do this before anything that can fail. An answer may come late, after an owner that
   * had taken over rejected the code: it counts all the same. One that is held already stays as it is.
   *
   * @param contextSealed what was sent with the code, which a rejection has erased
   * @returns true: kept, or made into a grant before; false: the code is not known any more, and the answer was not kept
   */
  journalAnswer(codeHash: Uint8Array, answerSealed: Uint8Array, contextSealed: Uint8Array): Promise<boolean>;
  /**
   * Ends an intake that is `spending`, or `answered` and not held, and erases its answer and what was sent with the code: anybody
   * may send codes that are none, and what is left of each must be small.
   *
   * @param rejection JSON of the error
   * @param from only out of this state: the refusal of a code must not erase an answer that another owner got for it
   * @returns true: ended by this call; false: nothing was changed
   */
  rejectIntake(codeHash: Uint8Array, rejection: string, at: number, from?: "spending" | "answered"): Promise<boolean>;
  /**
   * Keeps the sign-in assertion of a code that has become a grant, unless one is kept. Of many that try at once, one
   * succeeds.
   *
   * @param assertionSealed empty where nobody may have it again
   * @returns undefined: kept by this call; otherwise what was kept before, which is empty where the code is not known
   */
  keepAssertion(codeHash: Uint8Array, assertionSealed: Uint8Array): Promise<Uint8Array | undefined>;
  /** Removes a `spending` intake whose code was not spent: the code may come again as if for the first time. */
  forgetIntake(codeHash: Uint8Array): Promise<void>;
  /**
   * Holds the answer to a code: who has consented is known, and it may become a grant only once it is released.
   *
   * @param answerSealed the answer with what is known by now
   * @returns true: held by this call; false: nothing was changed, since the code is not `answered`, or held already
   */
  holdIntake(codeHash: Uint8Array, answerSealed: Uint8Array, until: number): Promise<boolean>;
  /**
   * Ends the holding: the answer is now what `contextSealed` says, and `owner`'s to bring to its end.
   *
   * @returns true: released by this call; false: nothing was changed, since it is not held
   */
  releaseIntake(codeHash: Uint8Array, owner: Owner, contextSealed: Uint8Array): Promise<boolean>;
  /**
   * Makes `owner` the one who brings an answer to its end, before more is asked of the provider for it. Of several that have
   * read the same row, one succeeds.
   *
   * @param replaces when the work began, as it was read
   * @returns true: it is `owner`'s now; false: nothing was changed, since it is not `answered`, is held, or is somebody else's
   */
  takeIntake(
    codeHash: Uint8Array,
    owner: Owner,
    at: number,
    replaces: { readonly startedAt: number },
  ): Promise<boolean>;
  /** @returns intakes that are held until before that time, those that are due for longest first */
  heldIntakes(until: number, limit: number): Promise<IntakeRow[]>;
  /** @returns all intakes that are `spending`, or `answered` and not held, the oldest first */
  openIntakes(): Promise<IntakeRow[]>;
  /**
   * Removes intakes that ended before that time.
   *
   * @returns how many
   */
  sweepIntakes(endedBefore: number): Promise<number>;
  /**
   * Removes rejected intakes that ended in a time, which may be short: others that ended in it are gone through.
   *
   * @param since the first millisecond of it
   * @param before the first millisecond after it
   * @returns how many
   */
  sweepRejected(since: number, before: number): Promise<number>;
}
