import type { ProviderFailure } from "../../../core/breaker.ts";

/** Permission to call the provider once. Its holder must say how the call went, or that nothing was sent. */
export interface Permit {
  /** The provider works: it gave tokens, or an error in the form of RFC 6749 that does not refuse our client. */
  success(): void;
  /**
   * There was no useful answer. Returns how long every request is rejected now, milliseconds; 0: none is.
   *
   * @param failure.blocked whose request it was, where something may have blocked that one request alone: the grant's
   *   id, or one name for all codes, because strangers choose what stands in a code
   */
  failure(failure: Omit<ProviderFailure, "repeated"> & { readonly blocked?: string | undefined }): number;
  /**
   * The provider refused our client. Returns true where that was not known before, so that an event must tell of it.
   */
  clientRefused(error: string): boolean;
  /**
   * The provider works and says that our request is wrong. Returns true where that must be told by an event: once an
   * hour for each error, not once for each grant.
   */
  requestRefused(error: string): boolean;
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
