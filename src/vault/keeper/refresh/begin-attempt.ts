import { meaningOf, refusalsOf } from "../../../core/refresh.ts";
import { nextStep } from "../../../core/take-over.ts";
import { holderWaitMs } from "../../../core/timing.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import { livenessOfOwner } from "../context.ts";
import { gateOf } from "../gate/gate.ts";
import type { KeeperContext } from "../context.ts";
import type { Admitted, Permit, Rejected } from "../gate/permit.ts";
import type { Priority, RefreshOutcome, SeenGrant } from "../keeper.ts";
import { cancelAttempt } from "./end-attempt.ts";
import type { OpenAttempt } from "./end-attempt.ts";
import { commitRescued } from "./rescued-answers.ts";

/**
 * How long a process waits before it reads the attempt of an owner that is alive again, milliseconds: soon at first, because
 * most exchanges are quick, and then in proportion to how long it has waited. So its callers have their answer not much
 * later than the owner's, whatever the provider takes, and a slow provider costs few reads.
 *
 * @param waitedMs how long it has waited so far, milliseconds
 */
export function nextPollMs(waitedMs: number): number {
  return Math.min(longestPollMs, Math.max(firstPollMs, waitedMs * pollShare));
}

const firstPollMs = 20;
const longestPollMs = 300;
const pollShare = 0.15;

/**
 * The longest back-off that a refresh waits for itself, milliseconds. After a longer one, the caller must come back.
 */
export const shortBackOffMs = 1_500;

/** Why a refresh sends nothing now. */
export type Deferred = Exclude<RefreshOutcome, { kind: "refreshed" }>;

/** The attempt is written, and the provider may be called. */
export interface Attempted extends OpenAttempt {
  readonly kind: "attempted";
  readonly permit: Permit;
}

/**
 * Writes the attempt to send the refresh token of a generation. Where another attempt is there, this waits for its
 * owner, or takes over from an owner that is dead. `nextStep` decides what comes next; here it is done.
 *
 * @param attemptId a new id, which the caller has listed as running
 * @returns the attempt, with a permit that the caller must use or release; or why nothing is sent now
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function beginAttempt(
  context: KeeperContext,
  attemptId: string,
  { grantId, provider, generation, retryAt }: SeenGrant,
  priority: Priority,
): Promise<Attempted | Deferred> {
  const { store, owner, clock, sleep, protocols } = context;
  const rotation = protocols.get(provider)?.provider.rotation ?? "strict";
  const gate = gateOf(context, provider);
  const holder = new PermitHolder(() => gate.admit(priority));
  let replaces: string | undefined;
  const attempted = (grant: GrantRow): Attempted => {
    return { kind: "attempted", attemptId, grant, takenOver: replaces !== undefined, permit: holder.handOver() };
  };
  try {
    // Get the permit before the attempt is written: an attempt that waits for a permit would block the grant for every
    // other process.
    const rejected = await holder.obtain();
    if (rejected !== undefined) return rejected;
    for (let waitedMs = 0; waitedMs < holderWaitMs; waitedMs += nextPollMs(waitedMs)) {
      // The caller has waited until retryAt, so the back-off is over, even where a test's clock stands still.
      const at = Math.max(clock.now(), retryAt ?? 0);
      const result = await store.beginAttempt({ attemptId, grantId, generation, owner, at }, replaces);
      const liveness =
        result.kind === "held"
          ? await livenessOfOwner(context, result.attempt.owner, result.attempt.attemptId)
          : "unknown";
      const next = nextStep({ result, liveness, hasPermit: holder.hasPermit, rotation, generation });
      switch (next.do) {
        case "exchange":
          return attempted(next.grant);
        case "get-permit": {
          const { begun } = next;
          const deferred = await holder.obtain();
          if (deferred !== undefined) {
            if (begun !== undefined) {
              await cancelAttempt(context, { attemptId, grant: begun, takenOver: replaces !== undefined });
            }
            return deferred;
          }
          if (begun !== undefined) return attempted(begun);
          break;
        }
        case "take-over":
          // The other owner's answer may be in the rescue journal. Then the token that we would send is used up: commit
          // that answer and read again, instead of sending.
          if (!(await commitRescued(context, grantId))) replaces = next.attemptId;
          break;
        case "wait":
          // While this process waits, it sends nothing. Release its permit, so that another request can become the
          // probe.
          holder.release();
          await sleep(nextPollMs(waitedMs));
          break;
        case "back-off":
          return backOff(context, next.grant);
        case "newer":
        case "ended":
          return { kind: next.do };
      }
    }
    return { kind: "unavailable", error: "refresh_under_way_elsewhere", retryAfterMs: 1_000 };
  } finally {
    holder.release();
  }
}

/** How a refresh ends whose grant must wait because its last refresh failed. */
export function backOff(
  context: KeeperContext,
  { provider, retryAt, lastError }: Pick<SeenGrant, "provider" | "retryAt" | "lastError">,
): Deferred {
  const now = context.clock.now();
  const error = lastError ?? "backing_off";
  const rejected = gateOf(context, provider).rejection((retryAt ?? now) - now, error);
  // Say the same as when it failed: that our request for this grant is wrong, and not that the provider is away.
  const isOurs = meaningOf(refusalsOf(context.protocols.get(provider)?.provider), error) === "ours";
  return deferredBy({ ...rejected, isClientRefused: rejected.isClientRefused || isOurs });
}

/** How a refresh ends that the gate rejected. */
function deferredBy({ waitMs, error, isClientRefused }: Omit<Rejected, "kind">): Deferred {
  return isClientRefused ? { kind: "misconfigured", error } : { kind: "unavailable", error, retryAfterMs: waitMs };
}

/** Holds a permit while there is something to send, and gets another one after it was released. */
class PermitHolder {
  readonly #admit: () => Promise<Admitted | Rejected>;
  #permit: Permit | undefined;

  /** @param admit asks the gate */
  constructor(admit: () => Promise<Admitted | Rejected>) {
    this.#admit = admit;
  }

  get hasPermit(): boolean {
    return this.#permit !== undefined;
  }

  /** Gets a permit where none is held. Returns undefined where one is held now, otherwise why there is none. */
  async obtain(): Promise<Deferred | undefined> {
    if (this.#permit !== undefined) return undefined;
    const answer = await this.#admit();
    if (answer.kind === "rejected") return deferredBy(answer);
    this.#permit = answer.permit;
    return undefined;
  }

  release(): void {
    this.#permit?.release();
    this.#permit = undefined;
  }

  /** Gives the permit to the caller, who must use or release it. */
  handOver(): Permit {
    const permit = this.#permit;
    if (permit === undefined) throw new TypeError("there is no permit to hand over");
    this.#permit = undefined;
    return permit;
  }
}
