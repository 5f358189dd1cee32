import type { Clock } from "../clock.ts";
import type { Keyring } from "../crypto/keyring.ts";
import { OnbehalfError } from "../errors.ts";
import type { Owner } from "../lease.ts";
import type { Protocol } from "../oauth/protocol.ts";
import type { Store } from "../store/store.ts";
import type { OnEvent } from "./events.ts";

/** What the parts of a vault share. */
export interface VaultContext {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly clock: Clock;
  /** In [0, 1); for jitter alone, never for secrets. */
  readonly random: () => number;
  readonly fetch: typeof fetch;
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly owner: Owner;
  readonly emit: OnEvent;
  /** Ids of the attempts and intakes that this vault is working on. */
  readonly running: Set<string>;
}

/**
 * The protocol of a grant's provider and client.
 *
 * @throws {OnbehalfError} `client_misconfigured`: the grant belongs to a client that is not configured here
 */
export function protocolOf(
  { protocols }: VaultContext,
  grant: { readonly provider: string; readonly clientId: string; readonly issuer: string },
): Protocol {
  const protocol = protocols.get(grant.provider);
  if (protocol !== undefined && protocol.client.clientId === grant.clientId) return protocol;
  throw new OnbehalfError(
    "client_misconfigured",
    `the grant belongs to client ${grant.clientId} of ${grant.provider}, which is not configured`,
    {
      hint: "configure that client again; a refresh token works with the client it was issued to, and no other",
      details: { issuer: grant.issuer, clientId: grant.clientId, providerError: "unknown_client" },
    },
  );
}
