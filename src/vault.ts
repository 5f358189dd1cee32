/**
 * The vault: what the library does, verb by verb. Each verb here only calls the part that does it; how that part works
 * does not belong here.
 */
import { abortSignal, assertGrantRef, assertOptions } from "./core/argument-checks.ts";
import type { Clock } from "./core/clock.ts";
import type { Probe } from "./core/probe.ts";
import { defined } from "./core/defined.ts";
import { isGrantId } from "./core/grant.ts";
import type { Grant, GrantRef } from "./core/grant.ts";
import { waitFor } from "./core/single-flight.ts";
import type { Spans } from "./core/spans/spans.ts";
import type { CreateTicketOptions, Ticket } from "./core/ticket.ts";
import type { TrustedIssuer } from "./core/trusted-issuer.ts";
import type { Provider } from "./providers/provider.ts";
import { AuditLog } from "./vault/audit/audit-log.ts";
import { Refusals } from "./vault/audit/refusals.ts";
import { Releases } from "./vault/audit/releases.ts";
import { EventReader } from "./vault/app-events/event-reader.ts";
import type { EventPage, EventsOptions } from "./vault/app-events/event-reader.ts";
import { tellError } from "./vault/background-errors.ts";
import { protocolNamed } from "./vault/context.ts";
import type { VaultContext } from "./vault/context.ts";
import { VaultFigures } from "./vault/figures/vault-figures.ts";
import { eventsAbout, seenGrant } from "./vault/grants/diagnosed.ts";
import { askedBy, findGrant, signalOf } from "./vault/grants/find-grant.ts";
import { assertGrantQuery, listGrants, needsProvider } from "./vault/grants/list-grants.ts";
import type { GrantPage, GrantQuery } from "./vault/grants/list-grants.ts";
import { openPerson } from "./vault/grants/sealed-grant.ts";
import { siblingsOf } from "./vault/grants/siblings-of.ts";
import { authCodeHandler } from "./vault/http/authcode-handler.ts";
import { withMissing } from "./vault/http/consent-body.ts";
import type { AuthCodeHandler, AuthCodeHandlerOptions } from "./vault/http/authcode-handler.ts";
import type { ConnectContext } from "./vault/http/connect/parts.ts";
import { ConnectLinks } from "./vault/http/connect/connect-links.ts";
import type { BeginConnectOptions, BegunConnect } from "./vault/http/connect/begin-connect.ts";
import type { ConnectHandler } from "./vault/http/connect/connect-handler.ts";
import type { ConnectState, FinishConnectOptions } from "./vault/http/connect/finish-connect.ts";
import { ownSignIns } from "./vault/http/connect/own-sign-ins.ts";
import type { SignIns } from "./vault/http/connect/own-sign-ins.ts";
import type { ConnectOptions, ConnectSite, SiteFor } from "./vault/http/connect/site.ts";
import { AppUsers } from "./vault/http/app-users.ts";
import { CallerView } from "./vault/tokens/caller-view.ts";
import type { Caller } from "./vault/http/caller.ts";
import { Callers } from "./vault/http/callers.ts";
import { HandleBook } from "./vault/http/handle-book.ts";
import { Handles } from "./vault/http/handles.ts";
import { mayStillConnect } from "./vault/http/maker.ts";
import { Operators } from "./vault/http/operators.ts";
import { GrantDirectory } from "./vault/grants/grant-directory.ts";
import { RefreshHistory } from "./vault/grants/refresh-history.ts";
import { Sessions } from "./vault/http/sessions.ts";
import { Tickets } from "./vault/http/tickets.ts";
import { assertionOf } from "./vault/http/one-assertion.ts";
import { Assertions } from "./vault/http/sign-in-assertion.ts";
import { signalHandler } from "./vault/http/signal-handler.ts";
import type { SignalHandler } from "./vault/http/signal-handler.ts";
import { assertDepositOptions } from "./vault/keeper/deposits/deposit-request.ts";
import type { DepositOptions } from "./vault/keeper/deposits/deposit-request.ts";
import { assertExchangeCodeOptions } from "./vault/keeper/codes/code-request.ts";
import type { ExchangeCodeOptions } from "./vault/keeper/codes/code-request.ts";
import type { Keeper } from "./vault/keeper/keeper.ts";
import { storeEpoch } from "./vault/open/store-standing.ts";
import type { StoreStanding } from "./vault/open/store-standing.ts";
import { storeStatus } from "./vault/open/store-status.ts";
import type { StoreStatus } from "./vault/open/store-status.ts";
import { clientDocument } from "./vault/open/client-document.ts";
import { closeContext } from "./vault/open/open-context.ts";
import { Periodic } from "./vault/periodic.ts";
import type { AccessToken } from "./vault/tokens/token-cache.ts";
import { paced } from "./vault/paced.ts";
import { changePoll, changePollMs, hintPaceMs, restingPollMs } from "./vault/tokens/change-poll.ts";
import { deposit, exchangeCode, revoke, grantMade } from "./vault/tokens/keeper-calls.ts";
import { Signals } from "./vault/signals/signals.ts";
import { Probes } from "./vault/tokens/probes.ts";
import { RecordedTokens } from "./vault/tokens/recorded-tokens.ts";
import { TokenCache, defaultMemoryMb } from "./vault/tokens/token-cache.ts";
import { assertGetAccessTokenOptions } from "./vault/tokens/token-options.ts";
import type { GetAccessTokenOptions } from "./vault/tokens/token-options.ts";
import { TokenSource } from "./vault/tokens/token-source.ts";

/** How often the cache is searched for tokens that should be refreshed before they expire, milliseconds. */
const refreshAheadEveryMs = 1_000;
/** How often it is looked for counts of reads and refusals that are to be written, milliseconds. */
const countsLookedAtEveryMs = 60_000;

/** What verbs take besides what they are about. */
interface Abortable {
  /** Ends the wait: the verb then throws the signal's reason. Work that other callers depend on goes on. */
  readonly signal?: AbortSignal;
}

/** Options of a vault that concern neither its store nor its keeper. */
interface VaultParts {
  readonly connect?: ConnectOptions;
  readonly trustedIssuers?: readonly TrustedIssuer[];
  readonly tokenMemoryMb?: number;
}

/**
 * Exchanges one-time codes, keeps what people granted, and hands out valid access tokens for it. `openVault`
 * makes one.
 *
 * A verb that takes a `signal` throws the signal's reason where it aborts. After {@link close}, a verb that needs the
 * store throws `store_unavailable`. Two errors come only from a keeper in another process: `keeper_unavailable`, after
 * which the same call may be made again, and `internal_error`, where the keeper itself failed.
 */
export class Vault {
  /** The programs that may use a service over this vault. */
  readonly callers: Callers;
  /** What callers send to the token endpoint in the place of refresh tokens. */
  readonly handles: Handles;
  /** Keys for minutes or hours that callers make. */
  readonly sessions: Sessions;
  /** Who may use a dashboard of this vault. */
  readonly operators: Operators;
  /** Every grant by what people call it, for a dashboard. @internal */
  readonly directory: GrantDirectory;
  /** How refreshes have ended, for a dashboard. @internal */
  readonly refreshHistory: RefreshHistory;
  /** What is watched of the vault, for counters. @internal */
  readonly figures: VaultFigures;
  /** Who makes spans of what is done; undefined: nobody watches. @internal */
  readonly spans: Spans | undefined;
  /** Who the app's own users are, by the JWTs of the issuers that it trusts. */
  readonly appUsers: AppUsers;
  /** What happened to grants, callers and keys, and which tokens left. */
  readonly audit: AuditLog;
  /** @internal Reads events for this vault and for its callers. */
  readonly eventReader: EventReader;
  /** Where the vault reads the time. A server over the vault must read it from the same clock. */
  readonly clock: Clock;
  /** For programs that send people to a provider themselves, and come with the code. */
  readonly signIns: SignIns;
  /** What providers say of people's accounts. */
  readonly signals: Signals;
  readonly #context: VaultContext;
  readonly #keeper: Keeper;
  readonly #closeKeeper: () => Promise<void>;
  readonly #cache: TokenCache;
  readonly #tokens: TokenSource;
  readonly #probes: Probes;
  readonly #assertions: Assertions;
  readonly #tickets: Tickets;
  readonly #handles: HandleBook;
  readonly #periodic: Periodic;
  readonly #endHints: () => void;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #views = new WeakMap<Caller, CallerView>();
  readonly #releases: Releases;
  readonly #refusals: Refusals;
  readonly #connects: ConnectLinks;
  readonly #own: RecordedTokens;
  readonly #forCallers: RecordedTokens;
  #closing: Promise<void> | undefined;

  /** @internal Use `openVault`. */
  constructor(
    context: VaultContext,
    keeper: Keeper,
    closeKeeper: () => Promise<void>,
    lastChange: number,
    { connect, trustedIssuers = [], tokenMemoryMb = defaultMemoryMb }: VaultParts = {},
  ) {
    const { store, keyring, clock } = context;
    this.#context = context;
    this.#keeper = keeper;
    this.#closeKeeper = closeKeeper;
    this.#cache = new TokenCache(tokenMemoryMb * 2 ** 20, context.random);
    this.#tokens = new TokenSource(context, keeper, this.#cache);
    this.spans = context.spans;
    this.figures = new VaultFigures(context, keeper, this.#tokens.reads);
    this.#probes = new Probes(context, this.#tokens, this.#cache);
    this.audit = new AuditLog(context);
    this.eventReader = new EventReader(context);
    this.#releases = new Releases(context, tokenMemoryMb);
    this.#refusals = new Refusals(context);
    const recorded = (is: boolean): RecordedTokens =>
      new RecordedTokens(context, this.#tokens, is ? this.#releases : undefined, (work) => this.#during(work));
    this.#forCallers = recorded(context.audit !== "none");
    this.#own = recorded(context.audit === "all");
    const stored = (grantId: string, tie: { readonly externalId: string; readonly account?: string }): Promise<Grant> =>
      grantMade(this.#calls, grantId, tie);
    this.appUsers = new AppUsers(trustedIssuers, context.fetch, clock);
    this.#assertions = new Assertions(keyring, clock);
    this.callers = new Callers(store, keyring, clock, this.#refusals.count);
    this.sessions = new Sessions(context, this.callers, (caller, grantId) => this.forCaller(caller).sees(grantId));
    this.operators = new Operators(context);
    this.directory = new GrantDirectory(context);
    this.refreshHistory = new RefreshHistory(context);
    this.#tickets = new Tickets(context, this.callers);
    const mayStill: ConnectContext["mayStillConnect"] = (maker, asked) => mayStillConnect(this.callers, maker, asked);
    const forLinks = { ...context, mayStillConnect: mayStill };
    this.#connects = new ConnectLinks({ context: forLinks, keeper, stored }, connect);
    this.#handles = new HandleBook(context, this.callers, this.#refusals.count);
    this.handles = new Handles(this.#handles, { find: (ref) => findGrant(context, ref), principal: () => undefined });
    this.clock = clock;
    this.signIns = ownSignIns(context, keeper);
    this.signals = new Signals(context, (grantIds) => this.#cache.invalidate(grantIds));
    this.#periodic = new Periodic((error, task) => tellError(context, error, task));
    const { rest } = this.#cache;
    const looks = this.#periodic.every("changes", changePollMs, changePoll(store, this.#cache, lastChange));
    rest.watch({ ...looks, awakeMs: changePollMs, restingMs: restingPollMs });
    // The store's notification only makes the next poll come sooner. It may be lost: the poll keeps the documented
    // bound.
    const hints = paced(looks.begin, hintPaceMs);
    const unsubscribe = store.onChange?.(() => {
      if (!rest.isResting) hints.call();
    });
    this.#endHints = (): void => {
      unsubscribe?.();
      hints.stop();
    };
    this.#periodic.every("audit", countsLookedAtEveryMs, () => this.#releases.writeCounts());
    this.#periodic.every("refusals", countsLookedAtEveryMs, () => this.#refusals.writeCounts());
    this.#periodic.every("refresh ahead", refreshAheadEveryMs, async () => this.#tokens.refreshAhead());
  }

  /**
   * Exchanges a one-time authorization code and keeps the grant. Where the provider sends no refresh token, as usual
   * when a person signs in again, the stored one is kept. The same request within 60 seconds gives the same result.
   *
   * @returns the grant; `offline` is false where no refresh token is held
   * @throws {OnbehalfError} `invalid_request`: an option is malformed, options contradict each other, or no such
   *   provider is configured; the code was not used
   * @throws {OnbehalfError} `ticket_invalid`: the `ticket` does not fit what came with it; the code was not used
   * @throws {OnbehalfError} `code_rejected`: the code was used, has expired, or belongs to another client
   * @throws {OnbehalfError} `id_token_invalid`: who signed in is not proven. Nothing was handed out, and the tokens
   *   that were issued are revoked, unless that might end another grant
   * @throws {OnbehalfError} `external_id_conflict`: the user knows another account by this label; what the code brought
   *   is stored without it
   * @throws {OnbehalfError} `client_misconfigured`: the provider refuses our client, or there is none; the same code
   *   may be sent again while it lives
   * @throws {OnbehalfError} `provider_unavailable`, `store_unavailable`, `keeper_unavailable`: nothing was lost; the
   *   same code may be sent again
   * @throws {OnbehalfError} `configuration_invalid`: the provider's discovery document is wrong
   * @throws {OnbehalfError} `grant_unreadable`: the stored grant of this person is damaged
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
   * @see https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
   */
  async exchangeCode(options: ExchangeCodeOptions): Promise<Grant> {
    assertExchangeCodeOptions(options);
    return this.#during(async () => {
      if (options.ticket === undefined) {
        return exchangeCode(this.#calls, this.providerOf(options.provider), options);
      }
      const asked = await this.#tickets.take(options);
      const provider = this.providerOf(asked.provider);
      return withMissing(await exchangeCode(this.#calls, provider, asked), provider, asked.scopes);
    });
  }

  /**
   * Makes a ticket for one sign-in of one of the app's users: a phone that sends it with its code, to the code handler or to
   * {@link exchangeCode}, gets the grant tied to that user. It is good for five minutes and for one code; another code may
   * follow one that was rejected.
   *
   * @returns the ticket, the nonce to start the sign-in with, and until when it is good
   * @throws {OnbehalfError} `invalid_request`: an option is malformed, or no such provider is configured
   * @throws {OnbehalfError} `client_misconfigured`: the vault was opened without a client of this provider
   * @throws {OnbehalfError} `store_unavailable`
   * @see https://openid.net/specs/openid-connect-core-1_0.html#NonceNotes
   */
  async createTicket(options: CreateTicketOptions): Promise<Ticket> {
    return this.#during(() => this.#tickets.create(options, null));
  }

  /**
   * Takes in a refresh token that the app got elsewhere: proves it by one refresh and keeps what that brings. A token that
   * was deposited before, or that a grant holds, is not sent again: the grant is then known by the external id as well.
   * Where the provider does not say whose token it is, the external id names the person.
   *
   * @returns the grant. One that was deposited before comes as it is now, perhaps revoked
   * @throws {OnbehalfError} `invalid_request`: an option is malformed, or no such provider is configured; the token was
   *   not used
   * @throws {OnbehalfError} `deposit_refused`: the provider refuses the token; nothing is stored
   * @throws {OnbehalfError} `deposit_outcome_unknown`: the token was sent, the answer is lost, and the provider may have
   *   replaced the token; nothing is stored
   * @throws {OnbehalfError} `id_token_invalid`: whose token it is is not proven. What the refresh brought is kept, and
   *   looked at again until it is
   * @throws {OnbehalfError} `external_id_conflict`: the user id means the grant of another account; what the refresh
   *   brought is stored without it
   * @throws {OnbehalfError} `client_misconfigured`: the provider refuses our client, or there is none; the token was not
   *   used
   * @throws {OnbehalfError} `provider_unavailable`, `store_unavailable`, `keeper_unavailable`: nothing was lost; the
   *   same token may be deposited again
   * @throws {OnbehalfError} `configuration_invalid`: the provider's discovery document is wrong
   * @throws {OnbehalfError} `grant_unreadable`: the stored grant of this person is damaged
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
   */
  async deposit(options: DepositOptions): Promise<Grant> {
    assertDepositOptions(options);
    return this.#during(async () => deposit(this.#calls, this.providerOf(options.provider), options));
  }

  /**
   * A valid access token: from memory or the store where one lives long enough, otherwise by a refresh. Callers who
   * wait for the same grant share one refresh.
   *
   * While the provider, the store or the keeper fails, a token that lives for a shorter time than asked is returned
   * instead of an error.
   *
   * @returns a token that lives `minTtlSeconds` or, where the provider gives none that long, the newest one
   * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be; `details.parameter` names it
   * @throws {OnbehalfError} `grant_not_found`: no grant fits the reference
   * @throws {OnbehalfError} `ambiguous_grant`: several grants do
   * @throws {OnbehalfError} `reauthorization_required`: the person must consent again; `details` say why and since when
   * @throws {OnbehalfError} `client_misconfigured`: the provider refuses our client, or the grant belongs to a client
   *   that is not configured here
   * @throws {OnbehalfError} `provider_unavailable`, `store_unavailable`, `keeper_unavailable`: call again later
   * @throws {OnbehalfError} `configuration_invalid`: the provider's discovery document is wrong
   * @throws {OnbehalfError} `grant_unreadable`: a sealed value of the grant is damaged
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
   */
  async getAccessToken(ref: GrantRef, options?: GetAccessTokenOptions): Promise<AccessToken> {
    // What memory holds under it is a reference. So nothing else is looked at, and nobody waits.
    const held = options === undefined ? this.#held(ref, 60) : undefined;
    if (held !== undefined) return held;
    // An id needs no further look, and so no other file on the way of a request.
    if (!isGrantId(ref)) assertGrantRef(ref);
    if (options !== undefined) {
      assertGetAccessTokenOptions(options);
      const found = options.refused === undefined ? this.#held(ref, options.minTtlSeconds ?? 60) : undefined;
      if (found !== undefined) return found;
    }
    if (this.#context.audit === "all") return this.#own.get(ref, options);
    const minTtlMs = (options?.minTtlSeconds ?? 60) * 1_000;
    const mayBeStored = options?.refused === undefined && this.#cache.find(ref) === undefined;
    const stored = mayBeStored ? this.#tokens.stored.findNow(ref, minTtlMs) : undefined;
    return stored ?? this.#during(() => this.#tokens.get(ref, options));
  }

  /**
   * The token that {@link getAccessToken} would give from memory; undefined where it would have to read the store or
   * ask the keeper, and where nobody has asked for some seconds. It waits for nothing and throws nothing.
   *
   * @param minTtlSeconds how long the token must still live, seconds; 60 by default
   */
  peekAccessToken(ref: GrantRef, minTtlSeconds?: number): AccessToken | undefined {
    if (typeof ref !== "string" && (typeof ref !== "object" || (ref as unknown) === null)) return undefined;
    return this.#own.peek(ref, minTtlSeconds);
  }

  /**
   * Calls an API on the person's behalf: `fetch`, with the access token added. Where the API answers 401, the token is
   * refreshed and the request sent once more, unless its body is a stream. Redirects are returned, not followed: they
   * could take the token to another host.
   *
   * @param input an https URL at one of the provider's API hosts
   * @param init what `fetch` takes. Its `signal` ends the wait, but not a refresh that is under way
   * @returns the API's answer as it came
   * @throws {OnbehalfError} `invalid_request`: `input` is no absolute URL, or `init` is nothing that can be sent
   * @throws {OnbehalfError} `host_not_allowed`: the provider's record does not list the host, or the URL is not https
   * @throws {OnbehalfError} `invalid_request`: a header belongs to the connection, such as `host`
   * @throws {OnbehalfError} what {@link getAccessToken} throws
   * @throws what `fetch` throws where the API does not answer
   * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
   */
  async fetch(ref: GrantRef, input: string | URL, init?: RequestInit): Promise<Response> {
    assertGrantRef(ref);
    return this.#own.fetch(ref, input, init);
  }

  /**
   * Revokes a grant at the provider and ends it. From the first moment on, no token of it is handed out. At Google this
   * ends every grant of the same person with any client of the same project; see {@link siblings}.
   *
   * @returns the grant as it is then: `revoked`, unless the person consented again meanwhile
   * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be; `details.parameter` names it
   * @throws {OnbehalfError} `grant_not_found`: no grant fits the reference
   * @throws {OnbehalfError} `ambiguous_grant`: several grants do
   * @throws {OnbehalfError} `provider_unavailable`: the provider has not confirmed it yet. The keeper sends the
   *   revocation again until the provider does
   * @throws {OnbehalfError} `client_misconfigured`: the grant belongs to a client that is not configured here
   * @throws {OnbehalfError} `configuration_invalid`: the provider's discovery document is wrong
   * @throws {OnbehalfError} `grant_unreadable`: a sealed value of the grant is damaged
   * @throws {OnbehalfError} `store_unavailable`, `keeper_unavailable`: call again later
   * @see https://www.rfc-editor.org/rfc/rfc7009
   */
  async revoke(ref: GrantRef | Grant, options: Abortable = {}): Promise<Grant> {
    const signal = signalOf("revoke", ref, options);
    return this.#during(() => revoke(this.#calls, ref, signal));
  }

  /**
   * One grant as it stands, without its tokens.
   *
   * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be; `details.parameter` names it
   * @throws {OnbehalfError} `grant_not_found`: no grant fits the reference
   * @throws {OnbehalfError} `ambiguous_grant`: several grants do
   * @throws {OnbehalfError} `grant_unreadable`: a sealed value of the grant is damaged
   * @throws {OnbehalfError} `store_unavailable`
   */
  async grant(ref: GrantRef, options: Abortable = {}): Promise<Grant> {
    const signal = signalOf("grant", ref, options);
    const row = await waitFor(findGrant(this.#context, ref), signal);
    const events = await waitFor(eventsAbout(this.#context, row), signal);
    return seenGrant(this.#context, row, askedBy(ref), events);
  }

  /**
   * Asks the provider whether the person's consent still stands: by a refresh where there is a refresh token, with a second
   * look where it is refused. Within ten seconds after a look, all processes on the store get what it found.
   *
   * Whatever keeps the provider from saying so, such as an outage or a refusal of our client, is `unknown` and no error.
   * Without a refresh token it is `valid` while the access token lives, then `invalid` with `no_refresh_token`.
   *
   * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be; `details.parameter` names it
   * @throws {OnbehalfError} `grant_not_found`: no grant fits the reference
   * @throws {OnbehalfError} `ambiguous_grant`: several grants do
   * @throws {OnbehalfError} `store_unavailable`: nobody can tell which grant is meant
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
   */
  async probe(ref: GrantRef, options: Abortable = {}): Promise<Probe> {
    const signal = signalOf("probe", ref, options);
    return this.#during(() => waitFor(this.#probes.probe(ref), signal));
  }

  /**
   * A page of grants, without their tokens. A grant that does not open is left out, and an `unreadable` event names it.
   *
   * @param query which grants; all by default
   * @throws {OnbehalfError} `invalid_request`: a member of the query is malformed or unknown; or a subject was given and
   *   the provider is unknown, or was not named while there are several
   * @throws {OnbehalfError} `store_unavailable`
   */
  async grants(query: GrantQuery = {}, options: Abortable = {}): Promise<GrantPage> {
    assertGrantQuery(query);
    assertOptions("grants", options, { signal: abortSignal });
    // A subject names a person at one issuer. At another issuer the same characters name another person.
    const provider = needsProvider(query) ? this.providerOf(query.provider) : undefined;
    return listGrants(this.#context, query, provider, options.signal);
  }

  /**
   * What apps are told of, in order, and kept for thirty days: grants that were made, lapsed or live again, scopes that changed,
   * consents that end soon, providers that refuse our client or are down. With `waitSeconds` it waits for the next one, which
   * comes within a second, whichever process on the store has written it.
   *
   * @returns a page, and the number from which the next one goes on
   * @throws {OnbehalfError} `invalid_request`: an option is not what it must be; `details.parameter` names it
   * @throws {OnbehalfError} `events_missed`: events after `after` are not kept any more; `details` say where to read on
   * @throws {OnbehalfError} `grant_not_found`, `ambiguous_grant`, `grant_unreadable`: about the `grant` that was named
   * @throws {OnbehalfError} `store_unavailable`
   */
  async events(options: EventsOptions = {}): Promise<EventPage> {
    return this.eventReader.read(options);
  }

  /**
   * The other usable grants that {@link revoke} would end as well: at Google, those of the same person with any client
   * of the same project. Nothing is changed.
   *
   * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be; `details.parameter` names it
   * @throws {OnbehalfError} `grant_not_found`: no grant fits the reference
   * @throws {OnbehalfError} `ambiguous_grant`: several grants do
   * @throws {OnbehalfError} `invalid_request`: also where the grant's provider is not configured here
   * @throws {OnbehalfError} `grant_unreadable`: a sealed value of one of the grants is damaged
   * @throws {OnbehalfError} `store_unavailable`
   */
  async siblings(ref: GrantRef, options: Abortable = {}): Promise<Grant[]> {
    const signal = signalOf("siblings", ref, options);
    const row = await waitFor(findGrant(this.#context, ref), signal);
    // A row that says it is somebody else's would give that person's.
    openPerson(this.#context.keyring, row);
    const rows = await siblingsOf(this.#context.store, this.providerOf(row.provider), row);
    return rows.map((sibling) => seenGrant(this.#context, sibling));
  }

  /**
   * The vault as a caller sees it: of its verbs those that a service has routes for, each about grants that the caller's
   * selectors and providers fit, and that belong to a client that is configured here. All others are `grant_not_found`.
   * What the caller may do is not looked at: see its `allow`.
   */
  forCaller(caller: Caller): CallerView {
    const known = this.#views.get(caller);
    if (known !== undefined) return known;
    const { count } = this.#refusals;
    const view = new CallerView(
      this,
      this.#forCallers,
      this.#context,
      this.#cache,
      this.#connects,
      caller,
      count,
      this.#tickets,
      this.#handles,
      this.sessions,
    );
    this.#views.set(caller, view);
    return view;
  }

  /**
   * Makes the `POST /authcode` handler for an app's own server. The handler never throws: it answers every error.
   *
   * @throws {OnbehalfError} `configuration_invalid`: one of `options.allowedOrigins` is no origin
   * @throws {OnbehalfError} `configuration_invalid`: an option is not what it must be
   */
  authCodeHandler(options?: AuthCodeHandlerOptions): AuthCodeHandler {
    return authCodeHandler(this, options, undefined, (error) => this.#context.onFault(error, "the code handler"));
  }

  /**
   * Makes the `POST /risc` handler for an app's own server: providers deliver security events there. It never throws.
   *
   * @param errorsUrl where docs/errors.md is to be found; the page in the repository of this package by default
   * @see https://www.rfc-editor.org/rfc/rfc8935#section-2
   */
  signalHandler(errorsUrl?: string): SignalHandler {
    const onFault = (error: unknown): void => this.#context.onFault(error, "the handler of security events");
    return signalHandler((token) => this.#during(() => this.signals.take(token)), errorsUrl, onFault);
  }

  /**
   * Makes a connect link: an address at which somebody connects an account of theirs with one of the app's users. It lives
   * for fifteen minutes, works once, and belongs to the browser in which it was begun.
   *
   * @param site where the link leads; what the vault was told, by default
   * @throws {OnbehalfError} `invalid_request`: an option is not what it must be; `details.parameter` names it
   * @throws {OnbehalfError} `return_url_not_allowed`: people may not be sent back there
   * @throws {OnbehalfError} `configuration_invalid`: nobody has said where links lead
   * @throws {OnbehalfError} `store_unavailable`
   * @see https://www.rfc-editor.org/rfc/rfc9700#section-4.7
   */
  async beginConnect(options: BeginConnectOptions, site?: ConnectSite): Promise<BegunConnect> {
    return this.#during(() => this.#connects.begin((name) => this.providerOf(name), options, site));
  }

  /**
   * Finishes a connect link once its person is back: stores the grant of one that was made with a challenge. The same call
   * again gives the same grant.
   *
   * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be; `details.parameter` names it
   * @throws {OnbehalfError} `verifier_mismatch`: the verifier is not the one of the challenge; nothing is stored
   * @throws {OnbehalfError} `connect_not_found`, `connect_expired`, `connect_waiting`: there is none, any more, or yet
   * @throws {OnbehalfError} `connect_failed`: it brought no grant; `details.reason` says why
   * @throws {OnbehalfError} `external_id_conflict`: the user id means the grant of another account
   * @throws {OnbehalfError} `provider_unavailable`, `store_unavailable`, `keeper_unavailable`: call again later
   */
  async finishConnect(connectId: string, options: FinishConnectOptions = {}): Promise<Grant> {
    return this.#during(() => this.#connects.finish(connectId, options));
  }

  /**
   * How a connect link stands.
   *
   * @throws {OnbehalfError} `connect_not_found`: there is no such link, or none any more
   * @throws {OnbehalfError} `invalid_request`, `store_unavailable`
   */
  async connectStatus(connectId: string): Promise<ConnectState> {
    return this.#during(() => this.#connects.status(connectId));
  }

  /**
   * Makes the handler of the person's side of connect links: mount it at all that lies beneath `baseUrl`, for GET and POST. It
   * never throws.
   *
   * @param options where it is mounted; what `openVault` was given as `connect`, by default. A function is for servers that
   *   find out at each request where they are reached
   * @throws {OnbehalfError} `configuration_invalid`: an option is not what it must be
   */
  connectHandler(options?: ConnectOptions | SiteFor): ConnectHandler {
    return this.#connects.handler(options);
  }

  /**
   * A JWT that says who signed in. The app's backend verifies it with {@link jwks}; it expires after 300 seconds.
   *
   * @param issuer `iss` and `aud`: the public URL of the server that signs
   * @param nonce the one that the sign-in was started with, so that the backend can compare it
   * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be
   * @see https://www.rfc-editor.org/rfc/rfc7519
   */
  async signInAssertion(grant: Grant, issuer: string, nonce?: string): Promise<string> {
    return this.#assertions.sign(grant, issuer, nonce);
  }

  /**
   * The one {@link signInAssertion} of a code that was just exchanged. Whoever sends the code again gets the same where a
   * `codeVerifier`, `nonce` or `idempotencyKey` proves that it is the same sender, and otherwise none.
   *
   * @returns undefined: it was given to somebody before
   * @throws {OnbehalfError} `invalid_request`, as {@link exchangeCode} and {@link signInAssertion}
   * @throws {OnbehalfError} `store_unavailable`: the same request may be sent again
   */
  async assertionOf(exchange: ExchangeCodeOptions, grant: Grant, issuer: string): Promise<string | undefined> {
    const sign = (): Promise<string> => this.signInAssertion(grant, issuer, exchange.nonce || undefined);
    // Where a ticket said whose it becomes, the request need not.
    const asked = { ...defined({ externalId: grant.externalId }), ...exchange };
    return assertionOf(this.#context, protocolNamed(this.#context, grant.provider), asked, sign);
  }

  /**
   * The public keys of {@link signInAssertion}, for `/.well-known/jwks.json`.
   *
   * @see https://www.rfc-editor.org/rfc/rfc7517
   */
  async jwks(): ReturnType<Assertions["jwks"]> {
    return this.#assertions.jwks();
  }

  /**
   * The record of a provider.
   *
   * @param name its short name; may be left out where there is only one provider
   * @throws {OnbehalfError} `invalid_request`: no provider has this name, or there are several and no name was given
   */
  providerOf(name?: string): Provider {
    return protocolNamed(this.#context, name).provider;
  }

  /** The records of all providers, with the client id that each is used with. */
  get providers(): readonly { readonly provider: Provider; readonly clientId: string }[] {
    return [...this.#context.protocols.values()].map(({ provider, client }) => ({
      provider,
      clientId: client.clientId,
    }));
  }

  /**
   * The document that describes our client to authorization servers that take its address for the client's id: serve it as
   * JSON, without sign-in, at the `clientDocumentUrl` that the provider's record names.
   *
   * @param name the provider's short name; may be left out where there is only one provider
   * @returns undefined where the record names no such address
   * @throws {OnbehalfError} `invalid_request`: no provider has this name, or there are several and no name was given
   * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/
   */
  clientDocument(name?: string): Readonly<Record<string, unknown>> | undefined {
    return clientDocument(this.providerOf(name));
  }

  /**
   * Resolves once the store has answered.
   *
   * @throws {OnbehalfError} `store_unavailable`: the store does not answer, or the vault is closed
   */
  async ping(): Promise<void> {
    await this.#context.store.ping();
  }

  /**
   * Whether the store stands still, because it is a restored backup or a copy as far as is known.
   *
   * @throws {OnbehalfError} `store_unavailable`
   */
  async storeStanding(): Promise<StoreStanding> {
    return storeEpoch.standing(this.#context.store);
  }

  /** What the store says of itself, for a dashboard. @internal */
  readonly storeStatus = (): Promise<StoreStatus> => storeStatus(this.#context.store);

  /** Finishes what is under way, then closes the vault's own keeper and the store. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#endHints();
    this.eventReader.end();
    await this.#periodic.stop();
    await Promise.allSettled(this.#underWay);
    await this.#tokens.settled();
    await this.callers.settled();
    await this.#handles.settled();
    await this.operators.settled();
    await this.directory.close();
    await this.figures.close();
    await this.refreshHistory.write();
    await this.#releases.close().catch((error: unknown) => tellError(this.#context, error, "the counts of reads"));
    await this.#refusals.writeCounts(true).catch((error: unknown) => tellError(this.#context, error, "refusals"));
    await this.#closeKeeper();
    await closeContext(this.#context);
  }

  /** A token in memory that the program itself may have without a record. */
  #held(ref: GrantRef, minTtlSeconds: number): AccessToken | undefined {
    if (this.#context.audit === "all") return undefined;
    // Of another form, or of none, is decided later.
    const isId = typeof ref === "string";
    const isPlain = isId || (typeof ref === "object" && (ref as unknown) !== null && !("account" in ref));
    return isPlain ? this.#tokens.peek(ref, minTtlSeconds * 1_000) : undefined;
  }

  get #calls(): Parameters<typeof exchangeCode>[0] {
    return { context: this.#context, keeper: this.#keeper, cache: this.#cache };
  }

  /** Runs a verb's work, so that closing the vault waits for it. */
  async #during<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }
}
