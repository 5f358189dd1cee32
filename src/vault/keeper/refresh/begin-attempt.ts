import { nextStep } from "../../../core/take-over.ts";
import { holderWaitMs } from "../../../core/timing.ts";
import type { GrantRow } from "../../../store/store.ts";
import { livenessOfOwner } from "../context.ts";
import { gateOf } from "../gate/gate.ts";
import type { KeeperContext } from "../context.ts";
import type { Gate } from "../gate/gate.ts";
import type { Admitted, Permit, Rejected } from "../gate/permit.ts";
import type { Priority, RefreshOutcome, SeenGrant } from "../keeper.ts";
import { commitRescued } from "./rescued-answers.ts";

/** How often an attempt of an owner that lives is read again, milliseconds: soon at first, for most exchanges are quick. */
const firstPollMs = 20;
const longestPollMs = 300;

/** A back-off this short is waited out rather than passed on to the caller, milliseconds. */
export const shortBackOffMs = 1_500;

/** Why a refresh sends nothing, or nothing just now. */
export type Deferred = Exclude<RefreshOutcome, { kind: "refreshed" }>;

/** The attempt is written, and the provider may be called. */
export interface Attempted {
  readonly kind: "attempted";
  readonly attemptId: string;
  readonly grant: GrantRow;
  /** An earlier owner left its attempt without an end: it may have used up the token. */
  readonly takenOver: boolean;
  readonly permit: Permit;
}

/**
 * Writes the attempt to send the refresh token of a generation. Where another attempt stands, it waits for that one's
 * owner, or takes over from an owner that is dead. `nextStep` decides what comes next; here it is done.
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
    // A permit comes before the attempt: an attempt that waits for a permit would keep others from the grant.
    const rejected = await holder.obtain();
    if (rejected !== undefined) return rejected;
    let pollMs = firstPollMs;
    for (let waitedMs = 0; waitedMs < holderWaitMs; waitedMs += pollMs) {
      // A back-off that the caller has waited out is over, also by a clock that stands still.
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
            if (begun !== undefined) await cancelAttempt(context, attemptId, begun, replaces !== undefined);
            return deferred;
          }
          if (begun !== undefined) return attempted(begun);
          break;
        }
        case "take-over":
          // Where its answer was in the rescue journal, the token that we would send is used up: look again.
          if (!(await commitRescued(context, grantId))) replaces = next.attemptId;
          break;
        case "wait":
          // A process that waits here sends nothing: others must be free to find out how the provider is.
          holder.release();
          pollMs = Math.min(longestPollMs, pollMs * 1.5);
          await sleep(pollMs);
          break;
        case "back-off":
          return backOff(gate, next.grant, clock.now());
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

/**
 * What somebody hears whose grant failed a moment ago.
 *
 * @param now milliseconds since the epoch
 */
export function backOff(
  gate: Gate,
  { retryAt, lastError }: Pick<SeenGrant, "retryAt" | "lastError">,
  now: number,
): Deferred {
  return deferredBy(gate.rejection((retryAt ?? now) - now, lastError ?? "backing_off"));
}

/** Ends an attempt that sent nothing, and leaves the grant as it was found. */
async function cancelAttempt(
  { store, clock }: KeeperContext,
  attemptId: string,
  grant: GrantRow,
  takenOver: boolean,
): Promise<void> {
  const failure = {
    error: grant.lastError ?? "backing_off",
    at: grant.lastErrorAt ?? clock.now(),
    retryAt: grant.retryAt,
  };
  // The owner before may have used up the token, and whoever comes next must know.
  await (takenOver
    ? store.endAttemptUnknown(attemptId, { ...failure, suspect: grant.state === "suspect" })
    : store.endAttempt(attemptId, failure));
}

/** How a refresh ends that was not admitted. */
function deferredBy({ waitMs, error, isClientRefused }: Omit<Rejected, "kind">): Deferred {
  return isClientRefused ? { kind: "misconfigured", error } : { kind: "unavailable", error, retryAfterMs: waitMs };
}

/** A permit that is got, released while there is nothing to send, and got again. */
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

  /** Gets a permit where none is held. Returns why there is none. */
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

  /** The permit, for somebody else to use or to release from now on. */
  handOver(): Permit {
    const permit = this.#permit;
    if (permit === undefined) throw new TypeError("there is no permit to hand over");
    this.#permit = undefined;
    return permit;
  }
}
