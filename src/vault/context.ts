/**
 * What the parts of an open vault share. What every folder of the vault needs belongs here; what only the keeper may
 * have does not (keeper/context.ts).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import { systemClock } from "../core/clock.ts";
import type { Clock } from "../core/clock.ts";
import { loggedError } from "../core/logged-error.ts";
import { invalidRequest } from "../core/errors.ts";
import type { Spans } from "../core/spans/spans.ts";
import type { Liveness, Owner } from "../core/take-over.ts";
import { auditMac } from "../crypto/keyring.ts";
import type { Keyring, Sealer } from "../crypto/keyring.ts";
import type { Protocol } from "../oauth/protocol.ts";
import type { AuditPrincipal, AuditStore, RecordOf } from "../store/audit-store.ts";
import type { StoredKeys } from "../store/key-store.ts";
import type { Store } from "../store/store.ts";
import { clientNotConfigured } from "./errors/client-misconfigured.ts";
import type { AboutWork, OnEvent } from "./events.ts";

/** The store's data keys, as this process has them. */
export interface DataKeys {
  readonly keyring: Keyring;
  readonly stored: StoredKeys;
  /** Whether keys are being replaced, as far as this process knows. */
  readonly isChanging: boolean;
  /** Reads them again. Never rejects. */
  look(): Promise<void>;
  /** Ends the looking. */
  close(): Promise<void>;
}

/** Told of an unexpected error. `during` names the work in which it happened. Must not throw. */
export type OnFault = (error: unknown, during: string, about?: AboutWork) => void;

/** What an open vault works with. Tests replace the clock, the random numbers, the sleep, `fetch` and the protocols. */
export interface VaultContext {
  readonly store: Store;
  readonly keyring: Sealer;
  /** Absent where nobody looks after the keyring, as in tests that make one by hand. */
  readonly keys?: DataKeys;
  /** Ends the looking for clients that other processes register. Absent: nobody looks. */
  readonly endLooking?: () => void;
  readonly clock: Clock;
  /** In [0, 1); for jitter alone, never for secrets. */
  readonly random: () => number;
  /**
   * @param ms milliseconds
   * @param options.ref false: a process that has nothing else to do may end before the time is over
   */
  readonly sleep: (ms: number, value?: undefined, options?: { readonly ref?: boolean }) => Promise<void>;
  readonly fetch: typeof fetch;
  /** By the provider's name. */
  readonly protocols: ReadonlyMap<string, Protocol>;
  /** This vault, as its attempts and intakes name it. */
  readonly owner: Owner;
  /** What is known of the owner of an attempt or intake. */
  readonly livenessOf: (owner: Owner) => Promise<Liveness>;
  readonly emit: OnEvent;
  /** Who makes spans of the work. Absent: nobody watches. */
  readonly spans?: Spans;
  /** By which name the audit log knows what this program does of its own accord. */
  readonly auditName: string;
  /** Whose tokens are recorded before they are handed out. */
  readonly audit: "callers" | "all" | "none";
  /** For work that no caller waits for: an unexpected error there must neither end the host's process nor be lost. */
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

/**
 * Reads again which client is used with a provider, where a grant belongs to another: another process may have registered
 * it a moment ago.
 */
export async function learnClient(
  { protocols }: Pick<VaultContext, "protocols">,
  { provider, clientId }: { readonly provider: string; readonly clientId: string },
): Promise<void> {
  const protocol = protocols.get(provider);
  if (protocol?.provider.server === undefined || protocol.client.clientId === clientId) return;
  await protocol.look?.();
}

/** {@link learnClient} for every provider whose client is not known here yet: a list must not leave its grants out. */
export async function learnClients({ protocols }: Pick<VaultContext, "protocols">): Promise<void> {
  for (const protocol of protocols.values()) if (protocol.client.clientId === "") await protocol.look?.();
}

/** Whether a client was registered by us at its first use. */
export function isRegistered({ provider: { client }, client: { clientId } }: Protocol): boolean {
  return client !== "none" && "register" in client && client.register.documentUrl !== clientId;
}

const acting = new AsyncLocalStorage<AuditPrincipal>();

/** Who sends a code without a key. */
export const somebody: AuditPrincipal = { caller: "@public", requestId: null };

/** What is told of the work that is under way beside an event. */
function aboutWork(): AboutWork | undefined {
  const requestId = acting.getStore()?.requestId;
  return typeof requestId === "string" ? { requestId } : undefined;
}

/** The listeners of a vault's program: they hear for which request something was, and what they throw does no harm. */
export function listeners({ onEvent, onFault }: { readonly onEvent: OnEvent; readonly onFault: OnFault }): {
  readonly emit: OnEvent;
  readonly onFault: OnFault;
} {
  const tellEvent = unthrowing(onEvent, "onEvent");
  const tellFault = unthrowing(onFault, "onFault");
  return {
    emit: (event) => tellEvent(event, aboutWork()),
    onFault: (error, during) => tellFault(error, during, aboutWork()),
  };
}

const keysOfSessions = new WeakMap<AuditPrincipal, string>();

/** One text for each caller and each of its sessions: what one was given, another was not. No caller's name has a slash. */
export function principalKey(principal: AuditPrincipal): string {
  const { caller, sessionId } = principal;
  if (sessionId === undefined) return caller;
  // Kept, since a view names its caller by the same object thousands of times a second.
  let key = keysOfSessions.get(principal);
  if (key === undefined) keysOfSessions.set(principal, (key = `${caller}/${sessionId}`));
  return key;
}

/** Runs work for somebody: the audit log says that what it changes, they changed. */
export function actingAs<T>(principal: AuditPrincipal | undefined, work: () => T): T {
  return principal === undefined ? work() : acting.run(principal, work);
}

/** Whom the work that is under way is for; undefined where it is nobody's in particular. */
export function currentPrincipal(): AuditPrincipal | undefined {
  return acting.getStore();
}

/**
 * Makes the rows of the audit log.
 *
 * @param name who does what is nobody's in particular, such as `@keeper`
 */
export function recorder(keyring: Sealer, clock: Clock, name: string): RecordOf {
  return (entry, { seq: anchor, link }, principal = acting.getStore() ?? { caller: name, requestId: null }) => {
    // Anybody may send codes that are none, as fast as they like. Nobody would find anything in a log full of those.
    const isNothing = entry.action === "code.rejected" && entry.outcome === "refused" && principal.caller === "@public";
    if (isNothing) return undefined;
    const sessionId = principal.sessionId ?? null;
    const content = { ...entry, ...principal, sessionId, recordId: randomUUID(), at: clock.now(), anchor };
    return { ...content, mac: auditMac(keyring, content, link) };
  };
}

/**
 * Lets a store record what is done to it, where no vault is open over it: an unsigned row is one that anybody could have
 * written, and the log would count as changed for ever.
 */
export function recordAsOperator(store: Pick<AuditStore, "recordWith">, keyring: Sealer): void {
  store.recordWith(recorder(keyring, systemClock, "@operator"), true);
}

/**
 * The protocol of a provider that a caller names.
 *
 * @param name the provider's short name; may be left out where there is only one provider
 * @throws {OnbehalfError} `invalid_request`: no provider has this name, or there are several and no name was given
 */
export function protocolNamed({ protocols }: Pick<VaultContext, "protocols">, name?: string): Protocol {
  const [only] = protocols.values();
  const protocol = name === undefined && protocols.size === 1 ? only : protocols.get(name ?? "");
  if (protocol !== undefined) return protocol;
  throw invalidRequest(
    name === undefined
      ? "provider must be given, because there are several"
      : "provider must be the name of one that is configured",
    `use one of ${[...protocols.keys()].join(", ")}`,
    "provider",
  );
}

/**
 * The host's listener, such that what it throws does no harm: it is called in the midst of work, such as the storing of
 * an answer, and in work that nobody waits for.
 */
export function unthrowing<A extends unknown[]>(listener: (...args: A) => void, name: string): (...args: A) => void {
  return (...args) => {
    try {
      listener(...args);
    } catch (error) {
      warn(error, name);
    }
  };
}

/** Where nobody is told of faults, a warning shows a bug and lets the process go on. */
export function warn(error: unknown, during: string): void {
  // Not its message, which may repeat what somebody sent.
  const { name, code, message, stack } = loggedError(error);
  const what = [name, ...(code === undefined ? [] : [`(${code})`]), ...(message === undefined ? [] : [message])];
  process.emitWarning(`unexpected error during ${during}: ${what.join(" ")}`, {
    type: "OnbehalfFault",
    detail: stack ?? "",
  });
}
