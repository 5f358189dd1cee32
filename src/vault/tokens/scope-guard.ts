import { scopesBeyond } from "../../core/scope-limit.ts";
import type { VaultContext } from "../context.ts";
import { beyondScopeLimit } from "../errors/beyond-scope-limit.ts";
import type { AccessToken, TokenCache } from "./token-cache.ts";

/** Keeps tokens from leaving that may be used for more than a limit of scopes allows. */
export class ScopeGuard {
  readonly #protocols: VaultContext["protocols"];
  readonly #cache: TokenCache;
  readonly #what: string;
  readonly #limit: readonly string[];
  /** What was decided about tokens that are handed out again and again. */
  readonly #decided = new WeakMap<AccessToken, readonly string[] | "within">();

  /**
   * @param what holds the limit, for messages, such as `session`
   * @param limit scopes, as the app spells them
   */
  constructor(
    { protocols }: Pick<VaultContext, "protocols">,
    cache: TokenCache,
    what: string,
    limit: readonly string[],
  ) {
    this.#protocols = protocols;
    this.#cache = cache;
    this.#what = what;
    this.#limit = limit;
  }

  readonly mayLeave = (token: AccessToken): boolean => this.#beyond(token) === "within";

  /** @throws {OnbehalfError} `forbidden`: it may be used for more, or nobody knows what it may be used for */
  readonly assertMayLeave = (token: AccessToken): void => {
    const beyond = this.#beyond(token);
    if (beyond !== "within") throw beyondScopeLimit(this.#what, beyond);
  };

  #beyond(token: AccessToken): readonly string[] | "within" {
    const decided = this.#decided.get(token);
    if (decided !== undefined) return decided;
    const known = this.#cache.find(token.grantId);
    const protocol = known === undefined ? undefined : this.#protocols.get(known.provider);
    const decision = scopesBeyond(this.#limit, token.scopes, protocol?.provider.canonicalScopes) ?? "within";
    if (known !== undefined) this.#decided.set(token, decision);
    return decision;
  }
}
