import type { Rotation } from "./refresh.ts";

/** Who holds the right to refresh: enough to prove that they are dead, and nothing that a reused pid could fake. */
export interface Owner {
  /** The machine and its boot, so that a reboot ends all its leases. */
  readonly node: string;
  readonly pid: number;
  /** When the process started, in the kernel's own units; empty where the system does not tell. */
  readonly startedAt: string;
  /** One vault within the process. */
  readonly vault: string;
}

/** What is known of the holder of an attempt. */
export type Liveness = "mine" | "alive" | "dead" | "unknown";

/** A refresh that was begun: the durable intent, written before the token was spent. */
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
  /** How long an exchange may take in all, milliseconds. */
  readonly exchangeMs: number;
  /**
   * After this long an attempt is taken over from a holder of whom nothing is known, though its token may be used up,
   * milliseconds.
   */
  readonly hardLimitMs: number;
  /** So long before a grace period may end nobody begins any more: a token takes its time to get there, milliseconds. */
  readonly arrivalMs: number;
}

export const takeOverTimes: TakeOverTimes = { exchangeMs: 30_000, hardLimitMs: 300_000, arrivalMs: 5_000 };

/**
 * Whether an attempt may be taken over.
 *
 * A lease is not stolen from the living: a paused holder may be about to spend the token, or be the only one with the
 * only valid new one. Only a provider that does not rotate makes a steal harmless. Where nothing can be known of the
 * holder, time has to do: after the exchange's own limit while the old token is surely still honoured; else after some
 * minutes. In between, the token may be used up, and to present it may end the whole family of a holder who lives.
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
  if (rotation === "none") return age > times.exchangeMs;
  if (liveness === "alive") return false;
  if (age > times.hardLimitMs) return true;
  return rotation !== "strict" && age > times.exchangeMs && arrivesInGrace(age, rotation, times);
}

/** The provider may have replaced the token as soon as the attempt began: from then on its grace is running. */
function arrivesInGrace(
  age: number,
  { graceSeconds }: { graceSeconds: number },
  { arrivalMs }: TakeOverTimes,
): boolean {
  return age + arrivalMs <= graceSeconds * 1000;
}
