import type { Rotation } from "./refresh.ts";
import { arrivalMs, exchangeLimitMs, takeOverLimitMs } from "./timing.ts";

/**
 * The process and vault that made an attempt. It holds enough to prove that they are dead; a new process that has the
 * same pid by chance cannot be mistaken for them where the system tells when a process started.
 */
export interface Owner {
  /** The machine and its boot: after a reboot, all attempts of the boot before are known to be dead. */
  readonly node: string;
  readonly pid: number;
  /** When the process started, in the kernel's own units; empty where the system does not tell. */
  readonly startedAt: string;
  /** One vault within the process. */
  readonly vault: string;
}

/** What is known of the owner of an attempt. `mine`: the owner is the vault that asks. */
export type Liveness = "mine" | "alive" | "dead" | "unknown";

/** The durable record that a refresh was begun, written before the refresh token is sent. */
export interface Attempt {
  readonly attemptId: string;
  readonly grantId: string;
  readonly generation: number;
  readonly owner: Owner;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /**
   * The owner's exchange has ended without a usable answer, and nobody knows whether the provider replaced the token.
   */
  readonly endedUnknown: boolean;
}

/** The limits that decide where nothing is known of an owner, milliseconds. */
export interface TakeOverTimes {
  readonly exchangeLimitMs: number;
  readonly takeOverLimitMs: number;
  readonly arrivalMs: number;
}

/** Those of `timing.ts`. */
export const takeOverTimes: TakeOverTimes = { exchangeLimitMs, takeOverLimitMs, arrivalMs };

/**
 * Whether an attempt may be taken over.
 *
 * - The owner is alive: no. A paused process may be about to send the token, or it may hold the only copy of the new
 *   one. Only a provider that does not rotate makes a second refresh harmless: then the limit of an exchange decides.
 * - The owner is dead, or said that it does not know the outcome: yes.
 * - Nothing is known of the owner: time decides. While the provider certainly still accepts the old token, the limit of
 *   an exchange must have passed; otherwise some minutes. A process that sent the token sooner might send one that is
 *   used up, and the provider might then end every token of an owner that is alive.
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

/**
 * Whether a request that is sent now reaches the provider within the grace period. The provider may have replaced the
 * token as soon as the attempt began, so the period counts from there.
 */
function arrivesInGrace(
  age: number,
  { graceSeconds }: { graceSeconds: number },
  { arrivalMs: arrival }: TakeOverTimes,
): boolean {
  return age + arrival <= graceSeconds * 1000;
}

/** What the store answers to a process that wants to write an attempt. `G` is the grant as the store holds it. */
export type AttemptResult<G> =
  /** The attempt is written: the token may be sent. */
  | { readonly kind: "begun"; readonly grant: G }
  /**
   * Another attempt is there. `now`: by the clock that its `startedAt` was taken from, milliseconds since the epoch.
   */
  | { readonly kind: "held"; readonly attempt: Attempt; readonly now: number }
  /** The last refresh failed a moment ago, and the grant must not be refreshed before its `retryAt`. */
  | { readonly kind: "backing-off"; readonly grant: G }
  /** The grant is at another generation, or it is not usable. */
  | { readonly kind: "moved"; readonly grant: G }
  /** There is no such grant. */
  | { readonly kind: "gone" };

/** What a process does next. */
export type NextStep<G> =
  /** Send the token now. */
  | { readonly do: "exchange"; readonly grant: G }
  /** Ask the gate for a permit. Then send the token where the attempt is begun already; otherwise read again. */
  | { readonly do: "get-permit"; readonly begun: G | undefined }
  /** Replace the attempt that is there. */
  | { readonly do: "take-over"; readonly attemptId: string }
  /** The owner of the attempt may still finish: read again soon. */
  | { readonly do: "wait" }
  /** Come back later. */
  | { readonly do: "back-off"; readonly grant: G }
  /** Another process has stored a newer generation. */
  | { readonly do: "newer" }
  /** The grant cannot be refreshed any more. Its row says why. */
  | { readonly do: "ended" };

/**
 * Decides what a process does next that wants to refresh one generation of a grant.
 *
 * @param situation.result what the store answered when the process wanted to write its attempt
 * @param situation.liveness of the owner of the attempt that is there; `unknown` where there is none
 * @param situation.hasPermit whether the process holds a permit to call the provider
 * @param situation.generation the one that the process wants to refresh
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
