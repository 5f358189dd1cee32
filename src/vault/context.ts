import type { Clock } from "../core/clock.ts";
import type { Sealer } from "../crypto/keyring.ts";
import { OnbehalfError } from "../core/errors.ts";
import type { Liveness, Owner } from "../core/take-over.ts";
import type { Protocol } from "../oauth/protocol.ts";
import type { Store } from "../store/store.ts";
import type { OnEvent } from "./events.ts";
import type { Gate } from "./keeper/gate/gate.ts";
import type { RescueJournal } from "./keeper/refresh/rescue-journal.ts";

/** What the parts of a vault share. Time, chance, sleep and the provider are seams. */
export interface VaultContext {
  readonly store: Store;
  readonly keyring: Sealer;
  readonly clock: Clock;
  /** In [0, 1); for jitter alone, never for secrets. */
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly fetch: typeof fetch;
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly owner: Owner;
  /** What is known of another owner. */
  readonly livenessOf: (owner: Owner) => Promise<Liveness>;
  readonly emit: OnEvent;
}

/** What the parts share that open refresh tokens: spend them, and commit what comes back. */
export interface KeeperContext extends VaultContext {
  /** Ids of the attempts and intakes that this process is working on. */
  readonly running: Set<string>;
  /** One for each provider. */
  readonly gates: ReadonlyMap<string, Gate>;
  /** Where an answer is kept when the store cannot take it. */
  readonly rescue: RescueJournal;
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
  throw new OnbehalfError(
    "client_misconfigured",
    `the grant belongs to client ${grant.clientId} of ${grant.provider}, which is not configured`,
    {
      hint: "configure that client again; a refresh token works with the client it was issued to, and no other",
      details: { issuer: grant.issuer, clientId: grant.clientId, providerError: "unknown_client" },
    },
  );
}

/** The gate before a provider. Every configured provider has one. */
export function gateOf({ gates }: KeeperContext, provider: string): Gate {
  const gate = gates.get(provider);
  if (gate === undefined) throw new TypeError(`there is no gate for ${provider}`);
  return gate;
}

/** What is known of whoever holds a piece of work. Our own that nobody works on was given up half-way. */
export async function holderOf(
  { livenessOf, running }: KeeperContext,
  owner: Owner,
  workId: string,
): Promise<Liveness> {
  const liveness = await livenessOf(owner);
  return liveness === "mine" && !running.has(workId) ? "dead" : liveness;
}
