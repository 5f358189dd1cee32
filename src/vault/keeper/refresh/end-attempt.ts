import type { Rotation } from "../../../core/refresh.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { KeeperContext } from "../context.ts";

/** An attempt that stands in the store and that this process has to end. */
export interface OpenAttempt {
  readonly attemptId: string;
  /** As it stood when the attempt was written. */
  readonly grant: GrantRow;
  /** The attempt replaces one whose outcome nobody knows. The owner of that one may have used up the token. */
  readonly takenOver: boolean;
}

/** Why an attempt brought no tokens, for the grant's row. */
export interface AttemptFailure {
  readonly error: string;
  /** What the provider said beside it; see `Refused` of the store. */
  readonly says?: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The provider is not asked again before this time, milliseconds since the epoch; null: at any time. */
  readonly retryAt: number | null;
  /** When the grant is looked at again, milliseconds since the epoch; null: never. Absent: as before. */
  readonly lookAt?: number | null;
}

/**
 * Whether nobody knows if the token of an attempt is used up: by this attempt, or by the one that it replaced. A token
 * that does not rotate never is.
 *
 * @param ambiguous whether the provider may have acted on this attempt's own request
 */
export function isOutcomeUnknown(
  context: KeeperContext,
  { grant, takenOver }: OpenAttempt,
  ambiguous = false,
): boolean {
  return (ambiguous || takenOver) && rotationOf(context, grant) !== "none";
}

/**
 * Ends an attempt that brought no tokens. Every attempt is ended here, so that one rule holds: where the token may be
 * used up, the attempt stays in the store as of unknown outcome, because whoever comes next must know it.
 *
 * @param ambiguous as in {@link isOutcomeUnknown}
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function endAttempt(
  context: KeeperContext,
  attempt: OpenAttempt,
  failure: AttemptFailure,
  ambiguous = false,
): Promise<void> {
  const { store } = context;
  const { attemptId, grant } = attempt;
  // Within a grace period the old token still works, so the grant is as good as before.
  const suspect = rotationOf(context, grant) === "strict";
  await (isOutcomeUnknown(context, attempt, ambiguous)
    ? store.endAttemptUnknown(attemptId, { ...failure, suspect })
    : store.endAttempt(attemptId, failure));
}

function rotationOf({ protocols }: KeeperContext, { provider }: GrantRow): Rotation {
  return protocols.get(provider)?.provider.rotation ?? "strict";
}

/** Ends an attempt that sent nothing, and leaves the grant's back-off and its last error as they were. */
export async function cancelAttempt(context: KeeperContext, attempt: OpenAttempt): Promise<void> {
  const { lastError, lastErrorSays, lastErrorAt, retryAt } = attempt.grant;
  await endAttempt(context, attempt, {
    error: lastError ?? "backing_off",
    says: lastErrorSays,
    at: lastErrorAt ?? context.clock.now(),
    retryAt,
  });
}
