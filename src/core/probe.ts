import type { Evidence } from "./diagnosis/diagnosis.ts";
import type { DependsOn, Reason } from "./diagnosis/reasons.ts";
import type { ErrorCode } from "./errors.ts";

/** How long a look at the provider stands before another one is made for the same grant, milliseconds. */
export const probeEveryMs = 10_000;

/**
 * Whether a person's consent still stands. `unknown`: somebody else is at fault (the provider, the network, our client, our
 * store), and nothing is known of the consent.
 */
export type ProbeResult = "valid" | "invalid" | "unknown";

/**
 * Why a consent does not stand, or why nobody knows. `probe_under_way`: another process is looking, and takes long.
 */
export type ProbeReason = Reason | ErrorCode | "probe_under_way";

/** What a look at the provider has found; see `Vault.probe`. */
export interface Probe {
  readonly result: ProbeResult;
  /** Absent where the consent stands. */
  readonly reason?: ProbeReason;
  /** Why the provider was not asked, one sentence, lower case. Absent: it was, or a look of a moment ago still stands. */
  readonly notAsked?: string;
  /** What speaks for it, in the order of time. */
  readonly evidence: readonly Evidence[];
  /** Who can do something about it. Absent where the consent stands. */
  readonly dependsOn?: DependsOn;
  /** What to do, one sentence, lower case. Absent where the consent stands. */
  readonly fix?: string;
  /** When that was found out. */
  readonly checkedAt: Date;
  /** When the access token ends that is held now. Absent: none is held, or nobody knows when it ends. */
  readonly expiresAt?: Date;
  /** Whether a refresh token is held. */
  readonly offline: boolean;
  /** What the grant covered once, and has lost. Absent: nothing. */
  readonly missingScopes?: readonly string[];
}

/** The part of a probe that is found by looking. Times are milliseconds since the epoch. */
export interface Finding {
  readonly result: ProbeResult;
  readonly reason?: ProbeReason;
  readonly notAsked?: string;
  readonly evidence: readonly { readonly at: number; readonly what: string }[];
  readonly checkedAt: number;
}

/** A finding as it is kept, for those who ask again. */
export function findingText({ result, reason, notAsked, evidence }: Finding): string {
  return JSON.stringify({ result, reason, notAsked, evidence });
}

/**
 * Reads what {@link findingText} has written.
 *
 * @returns undefined: it is none, because somebody has changed the row by hand; then look again
 */
export function readFinding(text: string, checkedAt: number): Finding | undefined {
  try {
    const kept = JSON.parse(text) as Finding;
    const isOne =
      ["valid", "invalid", "unknown"].includes(kept.result) &&
      (kept.reason === undefined || typeof kept.reason === "string") &&
      (kept.notAsked === undefined || typeof kept.notAsked === "string") &&
      kept.evidence.every(({ at, what }) => Number.isFinite(at) && typeof what === "string");
    return isOne ? { ...kept, checkedAt } : undefined;
  } catch {
    return undefined;
  }
}
