import type { CanonicalScopes } from "../core/scopes.ts";
import { defined } from "../core/defined.ts";
import type { Defined } from "../core/defined.ts";
import type { AuthorizationRequestHabits, Provider, SignalSource } from "./provider.ts";

/** What any provider may do its own way, as `oidc()`, `oauth2()` and `mcpServer()` take it. */
export interface HabitOptions {
  /**
   * Scopes that the issuer answers under another name, by the name that the app asks with. A `*` at the end of a name
   * stands for any rest: `{"https://graph.microsoft.com/*": "*"}`. Default: none.
   */
  readonly canonicalScopes?: CanonicalScopes;
  /** Hosts that a token may be sent to; a leading `*.` stands for any subdomain. Default: none. */
  readonly apiHosts?: readonly string[];
  /**
   * Hosts among {@link apiHosts} that a token may not be sent to all the same, because they give out or end tokens and
   * keys: `sts.*.example.com`, `www.example.com/oauth2/*`. Default: none.
   */
  readonly tokenHosts?: readonly string[];
  /** Whether {@link apiHosts} may be reached at private, loopback and link-local addresses. Default: no. */
  readonly privateApis?: boolean;
  /** How long access tokens live, seconds, where the issuer's answers do not say it. Default: their end is not known. */
  readonly accessTokenTtlSeconds?: number;
  /** Further members of answers that announce the end of a refresh token (`moves`) or of a consent (`fixed`). */
  readonly announcedEnds?: Readonly<Record<string, "moves" | "fixed">>;
  /** How long a refresh token may be unused, days. Default: 30. */
  readonly keepAliveDays?: number;
  /**
   * Request headers of the provider's APIs that the service's proxy passes on, beside those of HTTP itself; a `*` at the
   * end stands for anything. Default: none.
   */
  readonly forwardHeaders?: readonly string[];
  /** What the issuer's error codes mean where that differs from RFC 6749. */
  readonly refusals?: Provider["refusals"];
  /**
   * Answers by which the issuer's APIs refuse a token, besides 401, such as `{ status: 403, word: "INVALID_SESSION_ID" }`.
   * Default: none.
   */
  readonly tokenRefusals?: Provider["tokenRefusals"];
  /** The page where a person can remove an app, for a hint where a revocation was not confirmed. Default: none. */
  readonly connectionsPage?: string;
  /** What people call the provider, for pages that they read. Default: its short name. */
  readonly displayName?: string;
  /** What the request of a connect link says besides the usual. Default: what {@link AuthorizationRequestHabits} says. */
  readonly authorizationRequest?: AuthorizationRequestHabits;
  /** Who sends security events about the issuer's people. Default: nobody, and such messages are refused. */
  readonly signals?: SignalSource;
  /**
   * What an authorization request must say to get a refresh token, as a hint for developers, such as `ask for the scope
   * offline_access, with prompt=consent`. Default: to look into the issuer's documentation, as not every issuer knows
   * that scope, and some refuse a request that names it.
   */
  readonly offlineHint?: string;
}

/** Every option of a provider's habits. */
export const habitOptions: Readonly<Record<keyof HabitOptions, true>> = {
  canonicalScopes: true,
  apiHosts: true,
  tokenHosts: true,
  privateApis: true,
  accessTokenTtlSeconds: true,
  announcedEnds: true,
  keepAliveDays: true,
  forwardHeaders: true,
  refusals: true,
  tokenRefusals: true,
  connectionsPage: true,
  displayName: true,
  authorizationRequest: true,
  signals: true,
  offlineHint: true,
};

type Habits = Pick<Provider, keyof HabitOptions>;

/**
 * The same members of a record. Those that a record must have get what is safe where nothing is known.
 *
 * @param offlineHint where the options have none
 */
export function habitsOf(options: HabitOptions, offlineHint: string): Defined<Habits> {
  const given = Object.fromEntries(
    Object.keys(habitOptions).map((name) => [name, options[name as keyof HabitOptions]]),
  );
  return { canonicalScopes: {}, apiHosts: [], offlineHint, ...defined(given) };
}
