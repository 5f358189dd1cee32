/**
 * The vault as one caller sees it: the verbs of a service's routes, each about grants that are in the caller's reach and
 * belong to a client that is configured here. What a caller may do is decided before; what it may see, here.
 */
import { assertFits } from "../../core/argument-checks.ts";
import { defined } from "../../core/defined.ts";
import { OnbehalfError, invalidRequest, isOnbehalfError } from "../../core/errors.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { Grant, GrantRef } from "../../core/grant.ts";
import type { Probe } from "../../core/probe.ts";
import type { Maker } from "../../core/maker.ts";
import { Reach } from "../../core/reach.ts";
import type { CreateTicketOptions, Ticket } from "../../core/ticket.ts";
import type { Provider } from "../../providers/provider.ts";
import type { AuditPrincipal } from "../../store/audit-store.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import { eventSight } from "../app-events/event-reader.ts";
import type { EventPage, EventsOptions } from "../app-events/event-reader.ts";
import type { AuditLogQuery, AuditLogRow } from "../audit/audit-log.ts";
import type { CountRefusal } from "../audit/refusals.ts";
import { actingAs, currentPrincipal } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { noPermission, seesNotEveryGrant } from "../errors/no-permission.ts";
import { withoutUnseen } from "../errors/unseen-names.ts";
import { askedBy, isOurs } from "../grants/find-grant.ts";
import { listVisibleGrants, needsProvider } from "../grants/list-grants.ts";
import type { GrantPage, GrantQuery } from "../grants/list-grants.ts";
import { Sight } from "../grants/visible-grants.ts";
import type { BeginConnectOptions, BegunConnect } from "../http/connect/begin-connect.ts";
import type { ConnectLinks } from "../http/connect/connect-links.ts";
import type { ConnectState, FinishConnectOptions } from "../http/connect/finish-connect.ts";
import type { ConnectSite } from "../http/connect/site.ts";
import { CallerHandles } from "../http/handles.ts";
import type { HandleBook } from "../http/handle-book.ts";
import type { Caller } from "../http/caller.ts";
import type { Sessions } from "../http/sessions.ts";
import type { ExchangeCodeOptions } from "../keeper/codes/code-request.ts";
import type { DepositOptions } from "../keeper/deposits/deposit-request.ts";
import { aCaller, withoutOtherClients } from "./caller-view-parts.ts";
import type { TicketMaker, Verbs } from "./caller-view-parts.ts";
import { directReference } from "./direct-reference.ts";
import { withoutToken } from "./hidden-token.ts";
import { OwnSessions } from "./own-sessions.ts";
import { StoredReads } from "./recorded-tokens.ts";
import type { RecordedTokens } from "./recorded-tokens.ts";
import { PreparedAnswers } from "./prepared-answers.ts";
import { ScopeGuard } from "./scope-guard.ts";
import type { AccessToken, TokenCache } from "./token-cache.ts";
import { assertGetAccessTokenOptions } from "./token-options.ts";
import type { GetAccessTokenOptions } from "./token-options.ts";

/** A vault, narrowed to what one caller may see. Each verb throws what the vault's verb of this name throws. */
export class CallerView {
  /** Handles of the grants that the caller sees, and those that it uses itself. */
  readonly handles: CallerHandles;
  /** The caller's own sessions. */
  readonly sessions: OwnSessions;
  /** For servers that answer with the same tokens again and again. @internal */
  readonly answers: PreparedAnswers;
  /** Tokens of the store, for those servers. @internal */
  readonly stored: StoredReads;
  readonly #vault: Verbs;
  readonly #tokens: RecordedTokens;
  readonly #context: VaultContext;
  readonly #cache: TokenCache;
  readonly #connects: ConnectLinks;
  readonly #caller: Caller;
  readonly #who: AuditPrincipal;
  /** What of the caller is kept with tickets and links, which end with it. */
  readonly #maker: Maker;
  readonly #countRefusal: CountRefusal;
  readonly #reach: Reach;
  readonly #sight: Sight;
  readonly #tickets: TicketMaker;
  readonly #guard: ScopeGuard | undefined;

  /** @internal Use `Vault.forCaller`. */
  constructor(
    vault: Verbs,
    tokens: RecordedTokens,
    context: VaultContext,
    cache: TokenCache,
    connects: ConnectLinks,
    caller: Caller,
    countRefusal: CountRefusal,
    tickets: TicketMaker,
    handles: HandleBook,
    sessions: Sessions,
  ) {
    assertFits("caller", caller, aCaller);
    this.#vault = vault;
    this.#tokens = tokens;
    this.#context = context;
    this.#cache = cache;
    this.#connects = connects;
    this.#caller = caller;
    const { name, session, callerId } = caller;
    const ofSession = defined({ sessionId: session?.sessionId });
    this.#who = { caller: name, requestId: null, ...ofSession };
    this.#maker = { callerId, ...ofSession };
    this.#countRefusal = countRefusal;
    this.#tickets = tickets;
    this.sessions = new OwnSessions(sessions, caller, (work) => actingAs(this.#principal, work));
    const scopes = session?.scopes;
    this.#guard = scopes && new ScopeGuard(context, cache, "session", scopes);
    this.#reach = new Reach(caller);
    this.#sight = new Sight(context, this.#reach);
    const find = async (ref: GrantRef): Promise<GrantRow> => (await this.#sight.find(ref)).row;
    this.answers = new PreparedAnswers(context, cache, {
      hold: (ref, minTtlSeconds) => {
        const direct = this.#known(ref);
        if (direct === undefined) return undefined;
        const held = tokens.hold(direct, minTtlSeconds, this.#who, this.#guard?.mayLeave);
        return held === undefined ? undefined : { ...held, reference: cache.reference(direct) };
      },
      reads: tokens.reads,
      noteRead: (grantId) => tokens.noteRead(name, grantId),
    });
    this.stored = new StoredReads(tokens, this.#reach, this.#who, this.#guard?.mayLeave);
    this.handles = new CallerHandles(handles, { find, principal: () => this.#principal }, caller);
  }

  /** The records of the providers whose grants the caller may see. */
  get providers(): readonly Provider[] {
    return [...this.#context.protocols.values()]
      .map(({ provider }) => provider)
      .filter(({ name }) => this.#reach.hasProvider(name));
  }

  /**
   * The record of a provider. One that the caller may not use is not there.
   *
   * @param name may be left out where there is only one
   * @throws {OnbehalfError} `invalid_request`
   */
  providerOf(name?: string): Provider {
    const { providers } = this;
    const [only] = providers;
    const provider = name === undefined && providers.length === 1 ? only : providers.find((each) => each.name === name);
    if (provider !== undefined) return provider;
    throw invalidRequest(
      name === undefined
        ? "provider must be given, because there are several"
        : "provider must be the name of one that is configured",
      `use one of ${providers.map((each) => each.name).join(", ")}`,
      "provider",
    );
  }

  /**
   * Refuses what the caller has no permission for. The audit log says how often.
   *
   * @throws {OnbehalfError} `forbidden`: `details.permission` is what it needs
   */
  assertAllowed(permission: string): void {
    const { name, allow, session } = this.#caller;
    if (allow.some((each) => each === permission)) return;
    this.#countRefusal(this.#who, "request.denied", `no_permission_${permission}`);
    throw noPermission(name, permission, session !== undefined);
  }

  /**
   * Runs work for one request of the caller: what it does and gets is in the audit log under this id, and how often it was
   * denied what it may not see or do.
   *
   * @param requestId 1 to 64 letters, digits, and . _ -
   */
  async during<T>(requestId: string, work: () => Promise<T> | T): Promise<T> {
    try {
      return await actingAs({ ...this.#who, requestId }, work);
    } catch (error) {
      if (isOnbehalfError(error) && this.#isDenial(error.code)) {
        this.#countRefusal(this.#who, "request.denied", error.code);
      }
      throw error;
    }
  }

  /** What is out of reach does not exist. To whoever sees everything, it does not exist indeed. */
  #isDenial(code: ErrorCode): boolean {
    const isNarrowed = !this.#reach.isAll || this.#reach.providers !== undefined;
    return code === "forbidden" || code === "host_not_allowed" || (code === "grant_not_found" && isNarrowed);
  }

  async grant(ref: GrantRef): Promise<Grant> {
    return this.#sight.shown(await this.#sight.found(ref), askedBy(ref));
  }

  async grants(query: GrantQuery): Promise<GrantPage> {
    const provider = needsProvider(query) ? this.providerOf(query.provider) : undefined;
    return listVisibleGrants(this.#context, this.#sight, query, provider);
  }

  /**
   * A page of the audit log: rows about grants that the caller sees, and about none. `next` is what to pass as `after` for
   * the page that follows; rows of other clients' grants are left out of a page.
   *
   * @param query.ref which grant the rows are about; any, by default
   * @throws {OnbehalfError} `forbidden`: the caller does not see every grant. The numbers of the rows would tell it how much
   *   the others do
   * @throws {OnbehalfError} `invalid_request`, `grant_not_found`, `ambiguous_grant`, `store_unavailable`
   */
  async audit({ ref, ...query }: Omit<AuditLogQuery, "grantId"> & { readonly ref?: GrantRef } = {}): Promise<{
    readonly rows: readonly AuditLogRow[];
    readonly next: number;
  }> {
    if (!this.#reach.isUnlimited) throw seesNotEveryGrant(this.#caller.name);
    const of = ref === undefined ? {} : { grantId: (await this.#sight.find(ref)).row.grantId };
    const page = await this.#vault.audit.list({ ...query, ...of });
    const rows = await withoutOtherClients(this.#context, page);
    return { rows, next: page.at(-1)?.seq ?? query.after ?? 0 };
  }

  /** Events of grants that the caller sees now, and those about providers in its reach; see `Vault.events`. */
  async events(options: EventsOptions = {}): Promise<EventPage> {
    return this.#vault.eventReader.read(options, eventSight(this.#context, this.#reach, this.#sight));
  }

  async probe(ref: GrantRef): Promise<Probe> {
    const direct = await this.#within(ref);
    return actingAs(this.#principal, () => this.#vault.probe(direct));
  }

  async revoke(ref: GrantRef): Promise<Grant> {
    const visible = await this.#sight.find(ref);
    const { grantId } = visible.row;
    const { hint } = await actingAs(this.#principal, () => this.#vault.revoke({ grantId }));
    const { row } = await this.#sight.find({ grantId: visible.row.grantId }).catch(() => visible);
    const grant = this.#sight.shown({ ...visible, row }, askedBy(ref));
    return hint === undefined ? grant : { ...grant, hint };
  }

  /** The token that {@link getAccessToken} would give from memory. It waits for nothing and throws nothing. */
  peekAccessToken(ref: GrantRef, minTtlSeconds?: number): AccessToken | undefined {
    const direct = this.#known(ref);
    if (direct === undefined) return undefined;
    return this.#tokens.peek(direct, minTtlSeconds, this.#who, this.#guard?.mayLeave);
  }

  async getAccessToken(ref: GrantRef, options: GetAccessTokenOptions = {}): Promise<AccessToken> {
    const principal = this.#principal;
    assertGetAccessTokenOptions(options);
    const { refused, minTtlSeconds } = options;
    options.signal?.throwIfAborted();
    const ofRequest = (): string | null => principal.requestId;
    const stored = refused === undefined ? await this.stored.get(ref, minTtlSeconds, ofRequest) : undefined;
    if (stored !== undefined) return stored;
    const direct = await this.#within(ref);
    return actingAs(principal, () => this.#tokens.get(direct, options, principal, this.#guard?.assertMayLeave));
  }

  /**
   * Calls an API. A caller without the permission `token` never sees the token, also where the API repeats it; so the
   * answer is asked for in a form that can be looked through.
   */
  async fetch(ref: GrantRef, input: string | URL, init: RequestInit = {}): Promise<Response> {
    const principal = this.#principal;
    const direct = await this.#within(ref);
    const call = (what: RequestInit): Promise<Response> =>
      actingAs(principal, () => this.#tokens.fetch(direct, input, what, principal, this.#guard?.assertMayLeave));
    if (this.#caller.allow.includes("token")) return call(init);
    const headers = new Headers(init.headers);
    headers.delete("accept-encoding");
    return withoutToken(await call({ ...init, headers }));
  }

  /**
   * Exchanges a code. A caller that may not see every grant names whose grant it becomes, and only somebody in its reach:
   * otherwise a key for one user's grants could make another user's id mean an account of its own.
   *
   * @throws {OnbehalfError} `forbidden`: the external id is out of reach or missing, or may not be moved
   */
  async exchangeCode(options: ExchangeCodeOptions): Promise<Grant> {
    this.#assertMayCreate(options.externalId);
    if (options.moveExternalId === true && !this.#caller.allow.includes("grants:move")) {
      throw new OnbehalfError(
        "forbidden",
        `the caller ${this.#caller.name} needs the permission grants:move for this`,
        {
          hint: "leave move_external_id out, or create a key that may: onbehalf callers create NAME --allow grants:create,grants:move",
          details: { permission: "grants:move" },
        },
      );
    }
    const { name: provider } = this.providerOf(options.provider);
    return this.#created(() => this.#vault.exchangeCode({ ...options, provider }));
  }

  /** Deposits a refresh token for somebody in the caller's reach. @throws {OnbehalfError} `forbidden`: out of reach */
  async deposit(options: DepositOptions): Promise<Grant> {
    this.#assertMayCreate(options.externalId);
    const { name: provider } = this.providerOf(options.provider);
    return this.#created(() => this.#vault.deposit({ ...options, provider }));
  }

  /**
   * Makes a connect link for somebody in the caller's reach.
   *
   * @param site where the link leads; what the vault was told, by default
   * @throws {OnbehalfError} `forbidden`: out of reach
   */
  async beginConnect(options: BeginConnectOptions, site?: ConnectSite): Promise<BegunConnect> {
    this.#assertMayCreate(options.externalId);
    const provider = (name?: string): Provider => this.providerOf(name);
    return actingAs(this.#principal, () => this.#connects.begin(provider, options, site, this.#maker));
  }

  /** Finishes a connect link of somebody in the caller's reach. Any other is `connect_not_found`. */
  async finishConnect(connectId: string, options: FinishConnectOptions = {}): Promise<Grant> {
    return this.#created(() => this.#connects.finish(connectId, options, (link) => this.#seesLink(link)));
  }

  /** How a connect link of somebody in the caller's reach stands. Any other is `connect_not_found`. */
  async connectStatus(connectId: string): Promise<ConnectState> {
    return this.#connects.status(connectId, (link) => this.#seesLink(link));
  }

  #seesLink({ externalId, provider }: { readonly externalId: string; readonly provider: string }): boolean {
    return (this.#reach.isAll || this.#reach.hasExternalId(externalId)) && this.#reach.hasProvider(provider);
  }

  #assertMayCreate(externalId: string | undefined): void {
    if (this.#reach.isAll || (externalId !== undefined && this.#reach.hasExternalId(externalId))) return;
    throw new OnbehalfError(
      "forbidden",
      `the caller ${this.#caller.name} may not create a grant for this external id`,
      {
        hint: "send an external_id that one of the caller's selectors fits; onbehalf callers list shows them",
        details: {},
      },
    );
  }

  /** The grant that work of the caller has made, with what of it and of its errors the caller may see. */
  async #created(work: () => Promise<Grant>): Promise<Grant> {
    const grant = await actingAs(this.#principal, work).catch(async (error: unknown) => {
      throw await withoutUnseen(error, (grantId) => this.sees(grantId).catch(() => false));
    });
    if (this.#reach.isAll) return grant;
    const ids = grant.externalIds.filter((each) => this.#reach.hasExternalId(each.externalId));
    return { ...grant, externalIds: ids };
  }

  /**
   * Makes a ticket; see `Vault.createTicket`. It is good while the caller is, and while its user is in the caller's reach.
   *
   * @throws {OnbehalfError} `forbidden`: the external id is out of reach
   */
  async createTicket(options: CreateTicketOptions): Promise<Ticket> {
    this.#assertMayCreate(options.externalId);
    const asked = { ...options, provider: this.providerOf(options.provider).name };
    return actingAs(this.#principal, () => this.#tickets.create(asked, this.#maker));
  }

  /**
   * Whether a grant is in reach.
   *
   * @throws {OnbehalfError} `store_unavailable`
   */
  async sees(grantId: string): Promise<boolean> {
    const found = await this.#sight.find({ grantId }).catch((error: unknown) => {
      if (isOnbehalfError(error, "store_unavailable")) throw error;
    });
    return found !== undefined;
  }

  get #principal(): AuditPrincipal {
    const current = currentPrincipal();
    const isOwn = current?.caller === this.#who.caller && current.sessionId === this.#who.sessionId;
    return isOwn ? current : this.#who;
  }

  /** The reference by which a verb of the vault gets at a grant in reach, and at no other. */
  async #within(ref: GrantRef): Promise<GrantRef> {
    const known = this.#known(ref);
    if (known !== undefined) return known;
    const { row } = await this.#sight.find(ref);
    return directReference(this.#reach, ref) ?? { grantId: row.grantId };
  }

  /** The direct reference to a grant that the cache knows, where the caller may see it. */
  #known(ref: GrantRef): GrantRef | undefined {
    const direct = directReference(this.#reach, ref);
    const known = direct === undefined ? undefined : this.#cache.find(direct);
    if (known === undefined || !this.#reach.hasProvider(known.provider)) return undefined;
    return isOurs(this.#context, known) ? direct : undefined;
  }
}
