import type { ReadCounts } from "../../core/figures.ts";
import type { GrantRef } from "../../core/grant.ts";
import type { Reach } from "../../core/reach.ts";
import type { AuditPrincipal } from "../../store/audit-store.ts";
import type { MaybePromise } from "../../core/maybe-promise.ts";
import type { Releases } from "../audit/releases.ts";
import { currentPrincipal } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { assertGrantRef } from "../../core/argument-checks.ts";
import { callApi } from "./api-call.ts";
import { DistinctReads } from "./distinct-reads.ts";
import type { HeldToken } from "./prepared-answers.ts";
import type { AccessToken } from "./token-cache.ts";
import { assertGetAccessTokenOptions } from "./token-options.ts";
import type { GetAccessTokenOptions } from "./token-options.ts";
import { directReference } from "./direct-reference.ts";
import type { SeesGrant } from "../grants/find-token.ts";
import type { TokenSource } from "./token-source.ts";

/** Who is given a token of the store. */
interface Taker {
  readonly principal: AuditPrincipal;
  /** Leaves out grants as if they were not there. */
  readonly sees: SeesGrant;
  /** Decides about the token; any may be had where this is absent. */
  readonly mayHave: ((token: AccessToken) => boolean) | undefined;
}

/**
 * Tokens, each handed out with its record in the audit log and not before. Every road by which a token leaves the vault for
 * a caller leads through here.
 */
export class RecordedTokens {
  readonly #context: VaultContext;
  readonly #tokens: TokenSource;
  readonly #releases: Releases | undefined;
  readonly #during: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #reads: DistinctReads;

  /**
   * @param releases none: nothing is recorded
   * @param during runs work that is waited for when the vault is closed
   */
  constructor(
    context: VaultContext,
    tokens: TokenSource,
    releases: Releases | undefined,
    during: <T>(work: () => Promise<T>) => Promise<T>,
  ) {
    this.#context = context;
    this.#tokens = tokens;
    this.#releases = releases;
    this.#during = during;
    this.#reads = new DistinctReads(context);
  }

  /** How tokens were read. */
  get reads(): ReadCounts {
    return this.#tokens.reads;
  }

  /**
   * The token for a reference, where it lies in memory and was given to this caller before.
   *
   * @param mayHave decides about the token; any may be had by default
   */
  peek(
    ref: GrantRef,
    minTtlSeconds = 60,
    principal: AuditPrincipal = this.#self,
    mayHave?: (token: AccessToken) => boolean,
  ): AccessToken | undefined {
    const held = this.hold(ref, minTtlSeconds, principal, mayHave);
    if (held === undefined) return undefined;
    this.reads.memory += 1;
    if (held.release !== undefined) held.release.reads += 1;
    this.noteRead(principal.caller, held.token.grantId);
    return this.#tokens.cache.tokenOf(held.token);
  }

  /** What {@link peek} gives, and the record of it, to be handed out more than once: whoever does so counts the reads. */
  hold(
    ref: GrantRef,
    minTtlSeconds: number,
    principal: AuditPrincipal,
    mayHave?: (token: AccessToken) => boolean,
  ): HeldToken | undefined {
    const token = this.#tokens.held(ref, minTtlSeconds * 1000);
    if (token === undefined || mayHave?.(token.token) === false) return undefined;
    const { grantId, generation, life } = token;
    const release = this.#releases?.find(principal, grantId, generation, life.issuedAt);
    return this.#releases !== undefined && release === undefined ? undefined : { token, release };
  }

  /** The token for a reference that memory does not hold, where the store alone gives it; see {@link StoredTokens}. */
  stored(
    ref: GrantRef,
    minTtlSeconds: number | undefined,
    taker: Taker,
    named: () => AuditPrincipal,
  ): MaybePromise<AccessToken | undefined> {
    const found = this.#tokens.stored.find(ref, (minTtlSeconds ?? 60) * 1000, taker.sees);
    return found instanceof Promise
      ? this.#during(async () => this.#given(await found, taker, named))
      : this.#given(found, taker, named);
  }

  #given(
    token: AccessToken | undefined,
    { principal, mayHave }: Taker,
    named: () => AuditPrincipal,
  ): MaybePromise<AccessToken | undefined> {
    if (token === undefined || mayHave?.(token) === false) return undefined;
    const releases = this.#releases;
    if (releases?.wasGiven(principal, token) === false) {
      return this.#during(async () => {
        await releases.give(named(), token);
        this.noteRead(principal.caller, token.grantId);
        return token;
      });
    }
    this.noteRead(principal.caller, token.grantId);
    return token;
  }

  async get(
    ref: GrantRef,
    options?: GetAccessTokenOptions,
    principal: AuditPrincipal = this.#self,
    assertMayHave?: (token: AccessToken) => void,
  ): Promise<AccessToken> {
    assertGrantRef(ref);
    if (options !== undefined) assertGetAccessTokenOptions(options);
    return this.#during(async () => {
      const token = await this.#tokens.get(ref, options);
      // Before the record that it was handed out.
      assertMayHave?.(token);
      if (this.#releases?.wasGiven(principal, token) === false) await this.#releases.give(principal, token);
      this.noteRead(principal.caller, token.grantId);
      return token;
    });
  }

  async fetch(
    ref: GrantRef,
    input: string | URL,
    init?: RequestInit,
    principal: AuditPrincipal = this.#self,
    assertMayHave?: (token: AccessToken) => void,
  ): Promise<Response> {
    assertGrantRef(ref);
    const releases = this.#releases;
    return this.#during(() =>
      callApi(this.#context, this.#tokens, ref, input, init, async (token, method, host) => {
        assertMayHave?.(token);
        await releases?.use(principal, token, method, host);
        this.reads.proxied += 1;
        this.noteRead(principal.caller, token.grantId);
      }),
    );
  }

  /** What this program reads of its own accord is nobody's key, so it cannot be stolen. */
  noteRead(caller: string, grantId: string): void {
    if (caller !== this.#context.auditName) this.#reads.note(caller, grantId);
  }

  /** Whom the work that is under way is for; this program, where it is nobody's in particular. */
  get #self(): AuditPrincipal {
    return currentPrincipal() ?? { caller: this.#context.auditName, requestId: null };
  }
}

/** Tokens that one caller is given of the store. */
export class StoredReads {
  readonly #tokens: RecordedTokens;
  readonly #reach: Reach;
  readonly #taker: Taker;

  /** @param mayHave decides about a token; any may be had by default */
  constructor(tokens: RecordedTokens, reach: Reach, principal: AuditPrincipal, mayHave: Taker["mayHave"]) {
    this.#tokens = tokens;
    this.#reach = reach;
    this.#taker = { principal, sees: ({ provider }) => reach.hasProvider(provider), mayHave };
  }

  /**
   * The token that `getAccessToken` would give after one look at the store; undefined where it must decide.
   *
   * @param requestId the name of the request; called where the token's release is to be recorded
   * @throws {OnbehalfError} `store_unavailable`
   */
  get(
    ref: GrantRef,
    minTtlSeconds: number | undefined,
    requestId: () => string | null,
  ): MaybePromise<AccessToken | undefined> {
    const direct = directReference(this.#reach, ref);
    if (direct === undefined) return undefined;
    const named = (): AuditPrincipal => ({ ...this.#taker.principal, requestId: requestId() });
    return this.#tokens.stored(direct, minTtlSeconds, this.#taker, named);
  }
}
