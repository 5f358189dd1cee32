import { setTimeout } from "node:timers/promises";
import { systemChance } from "../../core/chance.ts";
import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../core/clock.ts";
import type { KeyClass } from "../../crypto/keyring.ts";
import { masterKeysOf } from "../../crypto/master-key.ts";
import type { MasterKeySource } from "../../crypto/master-key.ts";
import { defined } from "../../core/defined.ts";
import { configurationInvalid } from "../../core/errors.ts";
import type { Liveness, Owner } from "../../core/take-over.ts";
import { HttpProtocol } from "../../oauth/protocol.ts";
import type { Protocol } from "../../oauth/protocol.ts";
import { boundedFetchDefaults } from "../../oauth/bounded-fetch.ts";
import type { Provider } from "../../providers/provider.ts";
import { exchangeLimitMs } from "../../core/timing.ts";
import type { Store } from "../../store/store.ts";
import { loadClient } from "./registered-client.ts";
import type { OnFault, VaultContext } from "../context.ts";
import type { OnEvent } from "../events.ts";
import { newOwner, livenessOf, ownerGone } from "./process-liveness.ts";
import { openStoreKeyring } from "./open-keyring.ts";

/** What a vault and a keeper are both made of. */
export interface CommonOptions {
  /** The provider, or several of different names. */
  readonly provider?: Provider;
  readonly providers?: readonly Provider[];
  /** Where grants are kept. Opened and closed with what it is given to. */
  readonly store: Store;
  /** Where the master key comes from. */
  readonly keyring: MasterKeySource;
  /** Told of everything that happens to grants; for logs and metrics. Must not throw. */
  readonly onEvent?: OnEvent;
  /**
   * Told of unexpected errors in work that nobody waits for, such as background rounds: bugs, which must not end your
   * process. The work comes round again. Default: a warning of the process. Must not throw.
   */
  readonly onFault?: OnFault;
  /** Bring the store's schema up to date when opening; true by default. */
  readonly migrate?: boolean;
  readonly clock?: Clock;
  readonly fetch?: typeof fetch;
  /** In [0, 1); for jitter alone. */
  readonly random?: () => number;
  /** For one exchange with the provider in all, milliseconds; 30,000 by default and at most. */
  readonly exchangeTimeoutMs?: number;
}

/**
 * Reads the clients, reaches the store and unlocks the keyring.
 *
 * @param classes the data keys that this process may open
 * @throws {OnbehalfError} `configuration_invalid`, `key_invalid`, `store_unavailable`, `store_unusable`
 */
export async function openContext(options: CommonOptions, classes: readonly KeyClass[]): Promise<VaultContext> {
  const { store, clock = systemClock } = options;
  const send = options.fetch ?? globalThis.fetch;
  const protocols = protocolsFor(options, send, clock);
  // Before the store: with no key, or a damaged one, no file is made and no schema is changed.
  const masters = await masterKeysOf(options.keyring);
  await store.open({ clock, ...defined({ migrate: options.migrate }) });
  const owner = newOwner();
  try {
    await store.announceOwner?.(owner);
    return {
      store,
      keyring: await openStoreKeyring(store, masters, classes),
      clock,
      random: options.random ?? systemChance,
      sleep: setTimeout,
      fetch: send,
      protocols,
      owner,
      livenessOf: (other) => evidence(store, owner, other),
      emit: options.onEvent ?? (() => undefined),
      onFault: options.onFault ?? warn,
    };
  } catch (error) {
    await closeContext({ store, owner });
    throw error;
  }
}

/** Nothing of it runs any more. */
export async function closeContext({ store, owner }: Pick<VaultContext, "store" | "owner">): Promise<void> {
  ownerGone(owner);
  await store.close();
}

function protocolsFor(options: CommonOptions, send: typeof fetch, clock: Clock): Map<string, Protocol> {
  const { exchangeTimeoutMs: timeoutMs = boundedFetchDefaults.timeoutMs } = options;
  // Others take an exchange for over once this time has passed: a longer one would be begun again beside itself.
  if (!(timeoutMs >= 1 && timeoutMs <= exchangeLimitMs)) {
    throw configurationInvalid(
      `exchangeTimeoutMs is ${timeoutMs}`,
      `give milliseconds, from 1 to ${exchangeLimitMs}, or leave it out`,
    );
  }
  const http = { ...boundedFetchDefaults, fetch: send, timeoutMs };
  const protocols = new Map<string, Protocol>();
  for (const provider of [
    ...(options.provider === undefined ? [] : [options.provider]),
    ...(options.providers ?? []),
  ]) {
    if (protocols.has(provider.name))
      throw configurationInvalid(`two providers are named ${provider.name}`, oneOfAName);
    protocols.set(provider.name, new HttpProtocol(provider, loadClient(provider), http, clock));
  }
  if (protocols.size === 0) throw configurationInvalid("no provider was given", oneOfAName);
  return protocols;
}

/** This machine's process table proves most; of other machines' processes, only a shared database can know. */
async function evidence(store: Store, self: Owner, other: Owner): Promise<Liveness> {
  const here = livenessOf(other, self);
  return here === "unknown" ? ((await store.ownerLiveness?.(other)) ?? "unknown") : here;
}

/** A bug is neither hidden nor allowed to end the process. */
function warn(error: unknown, during: string): void {
  process.emitWarning(`unexpected error during ${during}: ${error instanceof Error ? error.message : String(error)}`, {
    type: "OnbehalfFault",
  });
}

const oneOfAName = "give one provider, such as google({ clientSecretFile }), or several with different names";
