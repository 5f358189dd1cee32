import type { ProviderFailure } from "../../../core/breaker.ts";
import type { RefreshOutcome } from "../keeper.ts";

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

/** Why a refresh sends nothing, or nothing just now. */
export type Deferred = Exclude<RefreshOutcome, { kind: "refreshed" }>;

/** How a refresh ends that was not admitted. */
export function deferredBy({ waitMs, error, isClientRefused }: Omit<Rejected, "kind">): Deferred {
  return isClientRefused ? { kind: "misconfigured", error } : { kind: "unavailable", error, retryAfterMs: waitMs };
}

/** A permit that is got, released while there is nothing to send, and got again. */
export class PermitHolder {
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
    const admission = await this.#admit();
    if (admission.kind === "rejected") return deferredBy(admission);
    this.#permit = admission.permit;
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
