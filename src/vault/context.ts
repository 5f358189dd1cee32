/**
 * What the parts of an open vault share. Here belongs what every folder of the vault needs; not what only the keeper
 * may have (keeper/context.ts).
 */
import type { Clock } from "../core/clock.ts";
import type { Liveness, Owner } from "../core/take-over.ts";
import type { Sealer } from "../crypto/keyring.ts";
import type { Protocol } from "../oauth/protocol.ts";
import type { Store } from "../store/store.ts";
import { clientNotConfigured } from "./errors/client-misconfigured.ts";
import type { OnEvent } from "./events.ts";

/** Told of an error that nobody expected. `during` names the work in which it happened. */
export type OnFault = (error: unknown, during: string) => void;

/** Time, chance, sleep and the provider are seams. */
export interface VaultContext {
  readonly store: Store;
  readonly keyring: Sealer;
  readonly clock: Clock;
  /** In [0, 1); for jitter alone, never for secrets. */
  readonly random: () => number;
  /**
   * @param ms milliseconds
   * @param options.ref false where a process that has nothing else to do need not wait for it
   */
  readonly sleep: (ms: number, value?: undefined, options?: { readonly ref?: boolean }) => Promise<void>;
  readonly fetch: typeof fetch;
  /** By the provider's name. */
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly owner: Owner;
  /** What is known of another owner. */
  readonly livenessOf: (owner: Owner) => Promise<Liveness>;
  readonly emit: OnEvent;
  /** For work that nobody waits for: an unexpected error there must neither end the host's process nor be lost. */
  readonly onFault: OnFault;
}

/**
 * The protocol of a grant's provider and client.
 *
 * @throws {OnbehalfError} `client_misconfigured`: the grant belongs to a client that is not configured here
 */
export function protocolOf(
  { protocols }: Pick<VaultContext, "protocols">,
  grant: { readonly provider: string; readonly clientId: string; readonly issuer: string },
): Protocol {
  const protocol = protocols.get(grant.provider);
  if (protocol !== undefined && protocol.client.clientId === grant.clientId) return protocol;
  throw clientNotConfigured(grant);
}
