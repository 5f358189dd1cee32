import type { ProviderFailure } from "../../../core/breaker.ts";

/** Leave to call the provider once. Whoever holds it says how that went, or that nothing was sent after all. */
export interface Permit {
  /** The provider answered sensibly, whatever it said about a grant. */
  success(): void;
  /** No useful answer. Returns how long nobody is admitted now, milliseconds; 0: others may go on. */
  failure(failure: ProviderFailure): number;
  /** The provider refused our client. Returns whether this is news, to be said aloud. */
  clientRefused(error: string): boolean;
  /** Nothing was sent, or not yet: somebody else may find out how the provider is. No effect after the others. */
  release(): void;
}

export interface Admitted {
  readonly kind: "admitted";
  readonly permit: Permit;
}

/** Nobody is admitted just now. */
export interface Rejected {
  readonly kind: "rejected";
  /** How long nobody is, milliseconds. */
  readonly waitMs: number;
  readonly error: string;
  /** Whether it is our client that the provider refuses, so that waiting does not help. */
  readonly isClientRefused: boolean;
}
