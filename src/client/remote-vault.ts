/** The remote vault: each verb here only says what is asked of the service, and what of an answer is returned. */
import { abortSignal, assertGrantRef, assertOptions, assertFits, required, text } from "../core/argument-checks.ts";
import { isOnbehalfError } from "../core/errors.ts";
import type { Grant, GrantRef } from "../core/grant.ts";
import { Secret } from "../core/secret.ts";
import type { CreateTicketOptions, Ticket } from "../core/ticket.ts";
import type {
  AccessToken,
  BeginConnectOptions,
  BegunConnect,
  ConnectState,
  EventPage,
  EventsOptions,
  FinishConnectOptions,
  GetAccessTokenOptions,
  GrantPage,
  GrantQuery,
  Probe,
  VaultVerbs,
} from "../index.ts";
import { assertGetAccessTokenOptions } from "../vault/tokens/token-options.ts";
import { begunConnectIn, connectStateIn, eventPageIn, grantIn, pageIn, probeIn, ticketIn } from "./answers.ts";
import type { ApiCalls } from "./api-calls.ts";
import type { ServiceRequest } from "./exchange.ts";
import type { Answered } from "./members.ts";
import { grantPath, grantQuery } from "./paths.ts";
import { RemoteHandles } from "./remote-handles.ts";
import { RemoteSessions } from "./remote-sessions.ts";
import type { RemoteTokens } from "./remote-tokens.ts";
import { membersOf, queryOf } from "./sent-options.ts";
import type { RemoteDepositOptions, RemoteExchangeCodeOptions } from "./sent-options.ts";
import type { Sending, ServiceLine } from "./service-line.ts";

/** What verbs take besides what they are about. */
interface Abortable {
  /** Ends the wait: the verb then throws the signal's reason. What the service has begun goes on. */
  readonly signal?: AbortSignal;
}

/** What a remote vault is made of. */
export interface RemoteVaultParts {
  readonly line: ServiceLine;
  readonly tokens: RemoteTokens;
  readonly calls: ApiCalls;
  /** For requests that only read. */
  readonly reading: Sending;
  /** For requests at which the service may have to wait for the provider. */
  readonly writing: Sending;
}

/**
 * A vault whose grants a service keeps. `openRemoteVault` makes one.
 *
 * Each verb throws what the same verb of an embedded vault throws, and besides:
 *
 * - `service_unavailable`: the service did not answer for as long as was waited; after {@link close}, at once;
 * - `unauthorized`, `forbidden`: the key does not work, or may not do this;
 * - `configuration_invalid`: the key cannot be read.
 *
 * Errors that came in an answer have a `requestId`, by which the service's audit log names the request. A code that this version
 * does not know keeps its name and status.
 */
export class RemoteVault implements VaultVerbs {
  /** Handles of grants; see `Vault.handles`. */
  readonly handles: RemoteHandles;
  /** Sessions of the caller whose key it is; see `Vault.sessions`. */
  readonly sessions: RemoteSessions;
  readonly #parts: RemoteVaultParts;

  /** @internal Use `openRemoteVault`. */
  constructor(parts: RemoteVaultParts) {
    this.#parts = parts;
    this.handles = new RemoteHandles(parts.line, parts.reading);
    this.sessions = new RemoteSessions(parts.line, parts.reading);
  }

  /**
   * Exchanges a one-time authorization code at the service; see `Vault.exchangeCode`. The same request has the same result for
   * a minute, so it is sent again where the answer is lost.
   */
  async exchangeCode(options: RemoteExchangeCodeOptions): Promise<Grant> {
    const body = membersOf("exchangeCode", options);
    const { idempotencyKey, signal } = options;
    const headers: Record<string, string> =
      idempotencyKey === undefined ? {} : { "idempotency-key": Secret.of(idempotencyKey).expose() };
    return this.#write(
      { method: "POST", path: "/v1/grants", body, headers },
      (answer) => grantIn(answer.body["grant"]),
      signal,
    );
  }

  /**
   * Takes in a refresh token that the app got elsewhere; see `Vault.deposit`. The service sends a token once, whatever comes
   * again, so the request is sent again where the answer is lost.
   */
  async deposit(options: RemoteDepositOptions): Promise<Grant> {
    const body = membersOf("deposit", options);
    return this.#write(
      { method: "POST", path: "/v1/grants/deposit", body },
      ({ body }) => grantIn(body),
      options.signal,
    );
  }

  /** Makes a ticket for one sign-in of one of the app's users; see `Vault.createTicket`. One whose answer was lost is of no use, and ends by itself. */
  async createTicket(options: CreateTicketOptions): Promise<Ticket> {
    const body = membersOf("createTicket", options);
    return this.#read({ method: "POST", path: "/v1/tickets", body }, (answer) => ticketIn(answer.body));
  }

  /** Makes a connect link; see `Vault.beginConnect`. It leads to the service's own pages. */
  async beginConnect(options: BeginConnectOptions): Promise<BegunConnect> {
    const body = membersOf("beginConnect", options);
    return this.#read(
      { method: "POST", path: "/v1/connect", body },
      (answer) => begunConnectIn(answer.body),
      options.signal,
    );
  }

  /** Finishes a connect link once its person is back; see `Vault.finishConnect`. */
  async finishConnect(connectId: string, options: FinishConnectOptions = {}): Promise<Grant> {
    assertFits("connectId", connectId, required(text));
    const body = membersOf("finishConnect", options);
    const path = `/v1/connect/${encodeURIComponent(connectId)}/finish`;
    return this.#write({ method: "POST", path, body }, (answer) => grantIn(answer.body), options.signal);
  }

  /** How a connect link stands; see `Vault.connectStatus`. */
  async connectStatus(connectId: string): Promise<ConnectState> {
    assertFits("connectId", connectId, required(text));
    const path = `/v1/connect/${encodeURIComponent(connectId)}`;
    return this.#read({ method: "GET", path }, (answer) => connectStateIn(answer.body));
  }

  /**
   * A valid access token: from memory where one lives long enough, otherwise from the service. Callers who ask for the same share
   * one request. While the service does not answer, or says that the provider, its store or its keeper fails, a token
   * that lives for a shorter time than asked is returned; an error comes only where none lives.
   *
   * @returns a token that lives `minTtlSeconds` or, where there is none that long, the newest one. `expiresAt` is by the clock of
   *   this machine
   */
  async getAccessToken(ref: GrantRef, options: GetAccessTokenOptions = {}): Promise<AccessToken> {
    assertGrantRef(ref);
    assertGetAccessTokenOptions(options);
    this.#parts.line.assertOpen();
    return this.#parts.tokens.get(ref, options);
  }

  /**
   * The token that {@link getAccessToken} would give from memory; undefined where the service would have to be asked. It waits
   * for nothing and throws nothing.
   *
   * @param minTtlSeconds how long the token must still live, seconds; 60 by default
   */
  peekAccessToken(ref: GrantRef, minTtlSeconds?: number): AccessToken | undefined {
    if (typeof ref !== "string" && (typeof ref !== "object" || (ref as unknown) === null)) return undefined;
    return this.#parts.tokens.peek(ref, minTtlSeconds);
  }

  /**
   * Calls an API on the person's behalf: `fetch`, with the access token added. A key with the permission `token` calls the API from
   * here, with one other token and one repeat where it answers 401; a key without it calls through the service's proxy.
   *
   * @param input an https URL at one of the provider's API hosts, as the service names them
   * @throws {OnbehalfError} `host_not_allowed`, `insufficient_scope` (through the proxy), and what {@link getAccessToken} throws
   * @throws what `fetch` throws where the API does not answer
   */
  async fetch(ref: GrantRef, input: string | URL, init?: RequestInit): Promise<Response> {
    assertGrantRef(ref);
    this.#parts.line.assertOpen();
    return this.#parts.calls.fetch(ref, input, init);
  }

  /**
   * Revokes a grant at the provider and ends it; see `Vault.revoke`. From the first moment on, this remote vault hands out no token of
   * it. Another one does until it asks the service again.
   */
  async revoke(ref: GrantRef | Grant, options: Abortable = {}): Promise<Grant> {
    const named = typeof ref === "object" && "grantId" in ref ? { grantId: ref.grantId } : ref;
    const path = grantPath(named);
    assertOptions("revoke", options, { signal: abortSignal });
    const { tokens } = this.#parts;
    tokens.forget(named);
    try {
      const grant = await this.#write({ method: "DELETE", path }, ({ body }) => grantIn(body, named), options.signal);
      tokens.forgetGrant(grant.grantId);
      return grant;
    } catch (error) {
      tokens.forget(named);
      // The service may have begun to end it, and which grant that is stands in no error: its token may be kept by another name.
      const isBegun = isOnbehalfError(error) && error.status >= 500 && error.code !== "service_unavailable";
      if (isBegun && !(typeof named === "object" && "grantId" in named)) tokens.forgetAll();
      throw error;
    }
  }

  /** Whether the person's consent still stands, as one look at the provider shows; see `Vault.probe`. */
  async probe(ref: GrantRef, options: Abortable = {}): Promise<Probe> {
    const path = grantPath(ref, "/probe");
    assertOptions("probe", options, { signal: abortSignal });
    return this.#write({ method: "POST", path }, ({ body }) => probeIn(body), options.signal);
  }

  /** One grant as it stands; see `Vault.grant`. */
  async grant(ref: GrantRef, options: Abortable = {}): Promise<Grant> {
    const path = grantPath(ref);
    assertOptions("grant", options, { signal: abortSignal });
    return this.#read({ method: "GET", path }, ({ body }) => grantIn(body, ref), options.signal);
  }

  /** A page of the grants that the key may see; see `Vault.grants`. */
  async grants(query: GrantQuery = {}, options: Abortable = {}): Promise<GrantPage> {
    const path = `/v1/grants${queryOf("grants", query)}`;
    assertOptions("grants", options, { signal: abortSignal });
    return this.#read({ method: "GET", path }, ({ body }) => pageIn(body), options.signal);
  }

  /** Events of the grants that the key may see, and a wait for more; see `Vault.events`. */
  async events(options: EventsOptions = {}): Promise<EventPage> {
    const { grant, waitSeconds = 0, signal } = options;
    const path = `/v1/events${queryOf("events", options, grant === undefined ? {} : grantQuery(grant))}`;
    const { timeoutMs } = this.#parts.reading;
    const sending = { ...this.#parts.reading, timeoutMs: timeoutMs + waitSeconds * 1_000, signal };
    return this.#parts.line.ask({ method: "GET", path }, ({ body }) => eventPageIn(body), sending);
  }

  /**
   * Resolves once the service and its store have answered. It is asked once.
   *
   * @throws {OnbehalfError} `store_unavailable`, `keeper_unavailable`, `service_unavailable`
   */
  async ping(): Promise<void> {
    const { timeoutMs } = this.#parts.reading;
    await this.#parts.line.ask({ method: "GET", path: "/readyz" }, () => undefined, { timeoutMs, patienceMs: 0 });
  }

  /** Waits for what is under way, and ends what is only waited for. May be called again. */
  async close(): Promise<void> {
    await this.#parts.line.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #read<T>(request: ServiceRequest, read: (answer: Answered) => T, signal?: AbortSignal): Promise<T> {
    return this.#parts.line.ask(request, read, { ...this.#parts.reading, signal });
  }

  #write<T>(request: ServiceRequest, read: (answer: Answered) => T, signal?: AbortSignal): Promise<T> {
    return this.#parts.line.ask(request, read, { ...this.#parts.writing, signal });
  }
}
