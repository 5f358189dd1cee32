import type { Rotation } from "./refresh.ts";
import { arrivalMs, exchangeLimitMs, takeOverLimitMs } from "./timing.ts";

/** The process and vault that made an attempt: enough to prove that they are dead, and nothing that a reused pid could fake. */
export interface Owner {
  /** The machine and its boot, so that a reboot ends all its attempts. */
  readonly node: string;
  readonly pid: number;
  /** When the process started, in the kernel's own units; empty where the system does not tell. */
  readonly startedAt: string;
  /** One vault within the process. */
  readonly vault: string;
}

/** What is known of the owner of an attempt. */
export type Liveness = "mine" | "alive" | "dead" | "unknown";

/** A refresh that was begun: the durable record, written before the token was sent. */
export interface Attempt {
  readonly attemptId: string;
  readonly grantId: string;
  readonly generation: number;
  readonly owner: Owner;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The exchange is over for its owner, and nobody knows what the provider did. */
  readonly endedUnknown: boolean;
}

export interface TakeOverTimes {
  readonly exchangeLimitMs: number;
  readonly takeOverLimitMs: number;
  readonly arrivalMs: number;
}

export const takeOverTimes: TakeOverTimes = { exchangeLimitMs, takeOverLimitMs, arrivalMs };

/**
 * Whether an attempt may be taken over.
 *
 * An attempt is not taken from an owner that lives: a paused process may be about to send the token, or it may hold the
 * only copy of the new one. Only a provider that does not rotate makes a second refresh harmless. Where nothing can be
 * known of the owner, time decides: after the exchange's own limit while the provider surely still accepts the old
 * token, otherwise after some minutes. In between, the token may be used up, and sending it again may make the provider
 * end every token of an owner that lives.
 *
 * @param now milliseconds since the epoch, by the clock that `startedAt` was taken from
 */
export function mayTakeOver(
  attempt: Attempt,
  liveness: Liveness,
  rotation: Rotation,
  now: number,
  times: TakeOverTimes = takeOverTimes,
): boolean {
  if (attempt.endedUnknown || liveness === "dead") return true;
  if (liveness === "mine") return false;
  const age = now - attempt.startedAt;
  if (rotation === "none") return age > times.exchangeLimitMs;
  if (liveness === "alive") return false;
  if (age > times.takeOverLimitMs) return true;
  return rotation !== "strict" && age > times.exchangeLimitMs && arrivesInGrace(age, rotation, times);
}

/** The provider may have replaced the token as soon as the attempt began: from then on its grace period is running. */
function arrivesInGrace(
  age: number,
  { graceSeconds }: { graceSeconds: number },
  { arrivalMs: arrival }: TakeOverTimes,
): boolean {
  return age + arrival <= graceSeconds * 1000;
}

/** What the store answers to a process that wants to write an attempt. `G` is the grant as the store has it. */
export type AttemptResult<G> =
  /** The attempt is durable: the token may be sent. */
  | { readonly kind: "begun"; readonly grant: G }
  /** Another attempt stands. `now` is by the clock that its `startedAt` was taken from. */
  | { readonly kind: "held"; readonly attempt: Attempt; readonly now: number }
  /** The last refresh failed a moment ago, and the grant is to be left alone until `retryAt`. */
  | { readonly kind: "backing-off"; readonly grant: G }
  /** The grant is at another generation, or in no usable state. */
  | { readonly kind: "moved"; readonly grant: G }
  | { readonly kind: "gone" };

/** What a process does next. */
export type NextStep<G> =
  /** Send the token now. */
  | { readonly do: "exchange"; readonly grant: G }
  /** Ask the gate for a permit; then send the token where an attempt is begun already, else look again. */
  | { readonly do: "get-permit"; readonly begun: G | undefined }
  /** Replace the attempt that stands. */
  | { readonly do: "take-over"; readonly attemptId: string }
  /** The owner of the attempt may still finish: look again soon. */
  | { readonly do: "wait" }
  /** Come back later. */
  | { readonly do: "back-off"; readonly grant: G }
  /** Somebody else stored a newer generation. */
  | { readonly do: "newer" }
  /** The grant cannot be refreshed any more; its row says why. */
  | { readonly do: "ended" };

/**
 * What a process does next that wants to refresh one generation of a grant.
 *
 * @param situation.result what the store answered to the attempt
 * @param situation.liveness of the owner whose attempt stands; `unknown` where none does
 * @param situation.hasPermit whether the process holds a permit to call the provider
 * @param situation.generation the one that is to be refreshed
 */
export function nextStep<G extends { readonly generation: number }>({
  result,
  liveness,
  hasPermit,
  rotation,
  generation,
}: {
  readonly result: AttemptResult<G>;
  readonly liveness: Liveness;
  readonly hasPermit: boolean;
  readonly rotation: Rotation;
  readonly generation: number;
}): NextStep<G> {
  switch (result.kind) {
    case "begun":
      return hasPermit ? { do: "exchange", grant: result.grant } : { do: "get-permit", begun: result.grant };
    case "held":
      if (!mayTakeOver(result.attempt, liveness, rotation, result.now)) return { do: "wait" };
      // Get a permit before taking over, so that processes that find the same owner dead do not all call the provider.
      // Waiting for the permit takes time, so the attempt is read again.
      return hasPermit
        ? { do: "take-over", attemptId: result.attempt.attemptId }
        : { do: "get-permit", begun: undefined };
    case "backing-off":
      return { do: "back-off", grant: result.grant };
    case "moved":
      return { do: result.grant.generation === generation ? "ended" : "newer" };
    case "gone":
      return { do: "ended" };
  }
}
