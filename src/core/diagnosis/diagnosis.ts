/**
 * core/diagnosis/ says of a grant that is not well why, what speaks for it, whom it depends on, and what to do: decisions
 * over plain data, and the one table of their words. What reads a store or asks a provider does not belong here.
 */
import type { DependsOn, Reason, Step } from "./reasons.ts";

/** Something that speaks for a result. */
export interface Evidence {
  readonly at: Date;
  /** A sentence for people. It holds no token. */
  readonly what: string;
}

/**
 * How far a reason can be trusted. `certain`: the provider said so, or it happened here. `likely`: what happened to this
 * client's grants speaks for it. `possible`: nothing speaks against it.
 */
export type Certainty = "certain" | "likely" | "possible";

/** One reason that may be behind what the provider did not explain. */
export interface Cause {
  readonly reason: Reason;
  readonly certainty: Exclude<Certainty, "certain">;
  /** What would show whether it is this one. */
  readonly tellBy: string;
}

/** Another weakness of the same grant. */
export interface FurtherReason {
  readonly reason: Reason;
  readonly dependsOn: DependsOn;
  readonly fix: string;
}

/** Why a grant is lapsed, suspect or weak. A grant that is well has none. */
export interface Diagnosis {
  /** The first cause, as far as it is known. */
  readonly reason: Reason;
  readonly certainty: Certainty;
  /** What speaks for it, in the order of time. No text of it holds a token, a code or a secret. */
  readonly evidence: readonly Evidence[];
  readonly dependsOn: DependsOn;
  /** What to do, one sentence, lower case. */
  readonly fix: string;
  /** The same, step by step: what must be done first comes first. */
  readonly steps?: readonly Step[];
  /** Where the provider did not say why: what it may be, the likeliest first. Absent: the reason is known. */
  readonly causes?: readonly Cause[];
  /** What else is weak about the grant. Absent: nothing. */
  readonly also?: readonly FurtherReason[];
}
