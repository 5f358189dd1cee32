import type { ProviderFailure } from "../../../core/breaker.ts";

/** Permission to call the provider once. Its holder must say how the call went, or that nothing was sent. */
export interface Permit {
  /** The provider works: it gave tokens, or an error that speaks about a grant or a code. */
  success(): void;
  /** There was no useful answer. Returns how long every request is rejected now, milliseconds; 0: none is. */
  failure(failure: ProviderFailure): number;
  /**
   * The provider refused our client. Returns true where that was not known before, so that an event must tell of it.
   */
  clientRefused(error: string): boolean;
  /**
   * Nothing was sent, or nothing yet: another request may become the probe. No effect after one of the other methods.
   */
  release(): void;
}

/** The provider may be called. */
export interface Admitted {
  readonly kind: "admitted";
  readonly permit: Permit;
}

/** The provider must not be called now. */
export interface Rejected {
  readonly kind: "rejected";
  /** When to try again, milliseconds from now. */
  readonly waitMs: number;
  /** Why: the provider's error code, or our own. */
  readonly error: string;
  /** Whether the provider refuses our client. Then waiting does not help. */
  readonly isClientRefused: boolean;
}
