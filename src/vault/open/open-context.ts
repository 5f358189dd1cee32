/**
 * open/ makes an open vault's context of its options: it reads the clients, opens the store and its keyring, and says
 * which process we are. It meets no token: what is done with grants does not belong here.
 */
import { setTimeout } from "node:timers/promises";
import { systemChance } from "../../core/chance.ts";
import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../core/clock.ts";
import type { KeyClass, Keyring } from "../../crypto/keyring.ts";
import type { MasterKeySource } from "../../crypto/master-key.ts";
import { defined } from "../../core/defined.ts";
import type { HandedDownKeys } from "../../core/handed-down-keys.ts";
import { configurationInvalid, configurationProblems, isOnbehalfError } from "../../core/errors.ts";
import type { OnbehalfError } from "../../core/errors.ts";
import type { Telemetry } from "../../core/spans/opentelemetry.ts";
import type { Spans } from "../../core/spans/spans.ts";
import type { Liveness, Owner } from "../../core/take-over.ts";
import { HttpProtocol } from "../../oauth/protocol.ts";
import { boundedFetchDefaults } from "../../oauth/bounded-fetch.ts";
import { withFittingHeaders } from "../../outbound/content-coding.ts";
import { outboundSender } from "../../outbound/outbound-fetch.ts";
import type { Provider } from "../../providers/provider.ts";
import { exchangeLimitMs } from "../../core/timing.ts";
import type { Store } from "../../store/store.ts";
import { optionProblems } from "./option-problems.ts";
import { loadClient } from "./registered-client.ts";
import { listeners, recorder, warn } from "../context.ts";
import type { OnFault, VaultContext } from "../context.ts";
import type { OnEvent } from "../events.ts";
import { newOwner, livenessOf, ownerGone } from "./process-liveness.ts";
import { useDpopKeys } from "./dpop-keys.ts";
import { openerOf, openerWith } from "./key-opener.ts";
import { KeyWatch } from "./key-watch.ts";
import { openStoreKeys } from "./open-keyring.ts";
import { sendersFor } from "./sender.ts";
import type { Senders } from "./sender.ts";
import { spannedSenders } from "./spanned-senders.ts";
import { vaultSpans } from "./vault-spans.ts";
import { useServerClients } from "./server-clients.ts";

/** The options of a vault, and of a keeper in a process of its own. */
export interface CommonOptions {
  /** The provider. Needed where there are no {@link providers}. */
  readonly provider?: Provider;
  /** Several providers, each with another name. */
  readonly providers?: readonly Provider[];
  /** Where grants are kept, such as `sqlite(path)`. The vault or keeper opens it, and closes it when it is closed. */
  readonly store: Store;
  /**
   * Where the master keys come from, such as `keyringFromEnv(name)`. May be left out by a vault whose keeper hands down
   * the keys that reading needs (`readingKeys`): it holds no master key then.
   */
  readonly keyring?: MasterKeySource;
  /** Told of what happens to grants and clients, for logs and metrics. Must not throw. Default: nobody is told. */
  readonly onEvent?: OnEvent;
  /**
   * Told of unexpected errors in work that no caller waits for, such as the keeper's upkeep. They are bugs, and must
   * not end your process; the work is tried again. Must not throw. Default: a warning of the process.
   */
  readonly onFault?: OnFault;
  /**
   * Whose tokens have a record in the audit log before they are handed out. `callers`: those that callers get by
   * `forCaller` and through a service. `all`: those that this program gets itself, too, which makes each first use of a
   * token a write to the store. `none`: nobody's. Changes of grants, callers and keys are always recorded. Default:
   * `callers`.
   */
  readonly audit?: "callers" | "all" | "none";
  /**
   * By which name the audit log knows what this program does of its own accord: `@` and up to 32 letters, digits, and
   * `. _ -`. Default: `@library`.
   */
  readonly auditName?: string;
  /** Whether to bring the store's schema up to date when it is opened. Default: true. */
  readonly migrate?: boolean;
  /** Where to read the time. Default: the machine's own; tests give one that they can move. */
  readonly clock?: Clock;
  /**
   * What sends requests to providers and APIs. Default: a sender that adds no headers of its own but `user-agent`, and
   * goes through the proxy that `HTTPS_PROXY` names, if any. The global `fetch` does neither.
   */
  readonly fetch?: typeof fetch;
  /** Random numbers in [0, 1), for jitter alone. Default: `Math.random`. */
  readonly random?: () => number;
  /** How long one exchange with a provider may take in all, milliseconds: 1 to 30,000. Default: 30,000. */
  readonly exchangeTimeoutMs?: number;
  /**
   * The module `@opentelemetry/api`, where spans shall be made of what the vault does: `import * as telemetry from
   * "@opentelemetry/api"`. They go where the program's SDK sends them. Default: no spans.
   */
  readonly telemetry?: Telemetry;
}

/** An open context, with all of its keyring. */
export interface OpenContext extends VaultContext {
  readonly keyring: Keyring;
}

/**
 * Reads the clients, opens the store and opens its keyring. What it throws is that of `openVault`.
 *
 * @param classes the classes of data keys that this process may open
 * @param handedDown gives the data keys that another process has opened for us; then a master key is not needed
 * @param given who makes the spans, in place of `options.telemetry`
 * @throws {OnbehalfError} `configuration_invalid`, `key_invalid`, `store_unavailable`, `store_unusable`
 */
export async function openContext(
  options: CommonOptions,
  classes: readonly KeyClass[],
  handedDown?: () => Promise<HandedDownKeys>,
  given?: Spans,
): Promise<OpenContext> {
  const handed = (options as CommonOptions | undefined)?.keyring === undefined ? handedDown : undefined;
  assertOptions(handed === undefined ? options : { ...options, keyring: noMasterKeys });
  const { store, keyring: source = noMasterKeys, clock = systemClock } = options;
  const senders = options.fetch === undefined ? outboundSender() : { fetch: withFittingHeaders(options.fetch) };
  const spans = vaultSpans(options.telemetry, given);
  const protocols = protocolsFor(options, senders, clock, spans);
  // Read the keys before the store is opened: without a key, or with a damaged one, no file may be made and no schema
  // changed.
  const opener = handed === undefined ? await openerWith(source, classes) : openerOf(handed, classes);
  // Only who exchanges codes and refreshes needs the endpoints.
  if (classes.includes("refresh")) await discoverAll([...protocols.values()], options.onEvent);
  await store.open({ clock, ...defined({ migrate: options.migrate }) });
  const owner = newOwner();
  try {
    const { onEvent = (): void => undefined } = options;
    const { emit, onFault } = listeners({ onEvent, onFault: options.onFault ?? warn });
    // Beside one another: neither needs the other.
    const [opened] = await Promise.all([openStoreKeys(store, opener), store.announceOwner?.(owner)]);
    const { auditName = "@library", audit = "callers" } = options;
    store.recordWith(recorder(opened.keyring, clock, auditName));
    const keys = new KeyWatch({ store, ...opened, opener, owner, emit, onFault });
    await keys.start();
    if (classes.includes("refresh")) {
      await useDpopKeys({ store, keyring: keys.keyring, clock, emit }, protocols.values());
    }
    const isKeeper = classes.includes("refresh");
    const endLooking = await useServerClients(
      { store, clock, emit, sleep: setTimeout, onFault, keyring: isKeeper ? keys.keyring : undefined },
      protocols.values(),
    );
    return {
      store,
      endLooking,
      keyring: keys.keyring,
      keys,
      auditName,
      audit,
      clock,
      random: options.random ?? systemChance,
      sleep: setTimeout,
      fetch: (spans === undefined ? senders : spannedSenders(spans, senders, {})).fetch,
      ...defined({ spans }),
      protocols,
      owner,
      livenessOf: (other) => evidence(store, owner, other),
      emit,
      onFault,
    };
  } catch (error) {
    await closeContext({ store, owner });
    throw error;
  }
}

const noMasterKeys: MasterKeySource = () => [];

/** Closes the store, once nothing of the vault runs any more. */
export async function closeContext({
  store,
  owner,
  keys,
  endLooking,
}: Pick<VaultContext, "store" | "owner" | "keys" | "endLooking">): Promise<void> {
  endLooking?.();
  await keys?.close();
  ownerGone(owner);
  await store.close();
}

/** @throws {OnbehalfError} `configuration_invalid`: `details.problems` lists everything that is wrong */
function assertOptions(options: CommonOptions): void {
  const problems = optionProblems(options);
  const [first] = problems;
  if (first !== undefined) {
    throw configurationProblems(
      problems.map(({ problem }) => problem),
      first.hint,
    );
  }
}

function protocolsFor(
  options: CommonOptions,
  senders: Senders,
  clock: Clock,
  spans: Spans | undefined,
): Map<string, HttpProtocol> {
  const { exchangeTimeoutMs: timeoutMs = boundedFetchDefaults.timeoutMs } = options;
  // After exchangeLimitMs other processes believe that an exchange is over, and begin another one. A longer exchange
  // would run beside it.
  if (!(timeoutMs >= 1 && timeoutMs <= exchangeLimitMs)) {
    throw configurationInvalid(
      `exchangeTimeoutMs must be 1 to ${exchangeLimitMs}, and is ${timeoutMs}`,
      `give milliseconds in this range, or leave it out`,
    );
  }
  const http = { ...boundedFetchDefaults, timeoutMs };
  const protocols = new Map<string, HttpProtocol>();
  const wrong: OnbehalfError<"configuration_invalid">[] = [];
  for (const provider of [
    ...(options.provider === undefined ? [] : [options.provider]),
    ...(options.providers ?? []),
  ]) {
    try {
      const client = loadClient(provider);
      if (protocols.has(provider.name))
        throw configurationInvalid(
          `each provider must have a name of its own, and two are named ${provider.name}`,
          oneOfAName,
        );
      const own = sendersFor(provider, senders);
      const watched = spans === undefined ? own : spannedSenders(spans, own, { provider: provider.name });
      const sender = { ...http, ...watched };
      protocols.set(provider.name, new HttpProtocol(provider, client, sender, clock));
    } catch (error) {
      if (!isOnbehalfError(error, "configuration_invalid")) throw error;
      wrong.push(error);
    }
  }
  const [first] = wrong;
  if (first !== undefined) {
    throw configurationProblems(
      wrong.flatMap(({ details }) => details.problems),
      first.hint,
    );
  }
  if (protocols.size === 0) throw configurationInvalid("a provider must be given", oneOfAName);
  return protocols;
}

/**
 * Reads every discovery document before anything is done with it: a wrong issuer, or a way to authenticate that we do
 * not have, is found now and not with somebody's code. A document that cannot be read is no reason not to open: grants
 * are served from memory and store, and the next use reads it.
 *
 * @throws {OnbehalfError} `configuration_invalid`: a document was read, and does not fit the configuration
 */
async function discoverAll(protocols: readonly HttpProtocol[], emit: OnEvent = () => undefined): Promise<void> {
  await Promise.all(
    protocols.map(async (protocol) => {
      const { client, name, server } = protocol.provider;
      // What an MCP server says of itself is read when it is needed: it must not keep others from being served.
      if (client === "none" || server !== undefined) return;
      try {
        await protocol.metadata();
      } catch (error) {
        if (!isOnbehalfError(error, "provider_unavailable")) throw error;
        emit({ type: "discovery_failed", provider: name, message: error.message });
      }
    }),
  );
}

/**
 * What is known of an owner. This machine's process table tells of its own processes; only a shared database can tell
 * of the processes of other machines.
 */
async function evidence(store: Store, self: Owner, other: Owner): Promise<Liveness> {
  const here = livenessOf(other, self);
  return here === "unknown" ? ((await store.ownerLiveness?.(other)) ?? "unknown") : here;
}

const oneOfAName = "give one provider, such as google({ clientSecretFile }), or several with different names";
