/** What the service answers, as far as the page shows it. */

export type State = "active" | "suspect" | "lapsed" | "revoking" | "revoked";

export const states: readonly State[] = ["active", "suspect", "lapsed", "revoking", "revoked"];

export interface Me {
  readonly session_id: string;
  readonly role: "operator" | "reader";
  readonly ends_at: string;
  readonly now: string;
  readonly providers: readonly { readonly name: string; readonly title: string; readonly client_id: string }[];
  /** What each reason is called, and who has to act first. */
  readonly reasons: Readonly<Record<string, ReasonTitle>>;
}

export interface ReasonTitle {
  readonly title: string;
  readonly who: string;
}

/** One of the things to do about a grant, in their order. */
export interface Step {
  readonly by: string;
  readonly what: string;
  readonly is_sign_in?: boolean;
  readonly is_done_by_link?: boolean;
}

/** How far the service has read the grants. */
export interface Reading {
  readonly known: number;
  readonly done: boolean;
  readonly full: boolean;
}

export interface Cause {
  readonly provider: string;
  readonly state: State;
  readonly reason: string;
  readonly depends_on?: string;
  readonly means?: string;
  readonly fix?: string;
  readonly grants: number;
  readonly first_at: string;
  readonly last_at: string;
}

/** Why nothing is refreshed by itself, for all grants, and what an operator runs. */
export interface Standstill {
  readonly means: string;
  readonly fix: string;
  readonly commands: readonly string[];
}

export interface Bar {
  readonly at: string;
  readonly outcomes: Readonly<Record<string, number>>;
}

export interface Overview {
  readonly grants: number;
  readonly states: Readonly<Partial<Record<State, number>>>;
  /** Absent: the store goes on. */
  readonly standing_still?: Standstill;
  readonly attention: readonly Cause[];
  readonly reading: Reading;
  readonly refreshes: { readonly hours: number; readonly bar_seconds: number; readonly bars: readonly Bar[] };
}

export interface Grant {
  readonly grant_id: string;
  readonly provider: string;
  readonly issuer?: string;
  readonly client_id?: string;
  readonly subject?: string;
  readonly email?: string;
  readonly external_ids: readonly { readonly external_id: string; readonly account: string }[];
  readonly scope?: string;
  readonly missing_scopes?: readonly string[];
  readonly state: State;
  readonly since: string;
  readonly reason?: string;
  /** What the reason means. */
  readonly means?: string;
  readonly certainty?: string;
  readonly evidence?: readonly { readonly at: string; readonly what: string }[];
  readonly depends_on?: string;
  readonly fix?: string;
  readonly steps?: readonly Step[];
  /** What it may be, where the provider did not say. */
  readonly causes?: readonly { readonly reason: string; readonly certainty: string; readonly tell_by: string }[];
  /** What else is weak. */
  readonly also?: readonly { readonly reason: string; readonly fix: string }[];
  readonly offline?: boolean;
  readonly generation?: number;
  readonly created_at?: string;
  readonly last_refresh_at?: string;
  readonly access_expires_at?: string;
  readonly access_token_end_known?: boolean;
  readonly reauthorize_before?: string;
  readonly last_error?: { readonly error: string; readonly at: string };
}

export interface GrantPage {
  readonly grants: readonly Grant[];
  readonly total: number;
  readonly counts: Readonly<Record<State, number>>;
  readonly reading: Reading;
  readonly next?: number;
}

/** A row of the audit log. */
export interface AuditRow {
  readonly seq: number;
  readonly at: string;
  readonly caller: string;
  readonly action: string;
  readonly outcome: string;
  readonly detail?: string;
  readonly generation?: number;
  readonly session_id?: string;
}

export interface WholeGrant {
  readonly grant: Grant;
  readonly requested_scope?: string;
  readonly is_configured: boolean;
  readonly ends_with_it: readonly Grant[];
  /** How its person can be sent to connect again, or what is missing for that. */
  readonly reconnect: {
    readonly return_urls: readonly { readonly url: string; readonly is_prefix: boolean }[];
    /** Whether the link asks for access while the person is away. */
    readonly asks_offline?: boolean;
    readonly lacks?: string;
    readonly fix?: string;
  };
  readonly life: readonly LifeEvent[];
  readonly records: readonly AuditRow[];
  readonly records_are_cut: boolean;
}

/** What happened to a grant, as its app is told. */
export interface LifeEvent {
  readonly id: string;
  readonly at: string;
  readonly type: string;
  readonly was?: State;
  readonly reason?: string;
  readonly depends_on?: string;
  readonly fix?: string;
  readonly error?: string;
  readonly gained?: readonly string[];
  readonly lost?: readonly string[];
  readonly reauthorize_before?: string;
}

export interface Probe {
  readonly result: "valid" | "invalid" | "unknown";
  readonly reason?: string;
  readonly not_asked?: string;
  readonly evidence: readonly { readonly at: string; readonly what: string }[];
  readonly fix?: string;
  readonly checked_at: string;
  readonly again_at: string;
}

export interface BegunConnect {
  readonly connect_id: string;
  readonly url: string;
  readonly expires_at: string;
  readonly external_id: string;
}

/** How a reconnect link stands. */
export interface LinkState {
  readonly status: "waiting" | "pending" | "finished" | "failed" | "expired";
  readonly error?: string;
}

/** What ends where a grant is ended. */
export interface Ends {
  readonly external_ids: Grant["external_ids"];
  readonly grants: readonly Grant[];
  readonly ends_all_of_person: boolean;
  readonly is_configured: boolean;
  readonly handles: readonly { readonly handle_id: string; readonly name: string; readonly for_caller: string }[];
  readonly sessions: readonly { readonly session_id: string; readonly caller: string }[];
}

/** A program that uses the service. */
export interface Caller {
  readonly caller_id: string;
  readonly name: string;
  readonly allow: readonly string[];
  readonly grants: readonly string[];
  readonly providers?: readonly string[];
  readonly created_at: string;
  readonly expires_at?: string;
  readonly previous_key_until?: string;
  readonly revoked_at?: string;
  readonly last_used_at?: string;
}

export interface CallerList {
  readonly callers: readonly Caller[];
  /** All that a caller may be allowed. */
  readonly permissions: readonly string[];
}

/** A key for minutes or hours, within those of its caller. */
export interface Session {
  readonly session_id: string;
  readonly caller: string;
  readonly allow: readonly string[];
  readonly grants: readonly string[];
  readonly providers?: readonly string[];
  readonly scopes?: readonly string[];
  readonly expires_at: string;
}

export interface SessionPage {
  readonly sessions: readonly Session[];
  readonly cursor?: string;
}

/** Somebody who is signed in. */
export interface Operator {
  readonly session_id: string;
  readonly role: Me["role"];
  readonly signed_in_at: string;
  readonly last_used_at: string;
  readonly ends_at: string;
  readonly is_you: boolean;
}

/** What one check found. */
export interface Finding {
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  readonly hint?: string;
}

/** How the service is set up. */
export interface SetUp {
  readonly version: string;
  readonly node: string;
  readonly store: { readonly kind: string; readonly location: string; readonly schema?: string };
  readonly public_url?: string;
  readonly return_urls: readonly string[];
  readonly providers: readonly {
    readonly name: string;
    readonly issuer: string;
    readonly client_id: string;
    readonly client_authentication: string;
    readonly scopes?: readonly string[];
    readonly redirect_uri?: string;
  }[];
  readonly keys: {
    readonly master_keys: readonly { readonly key_id: string; readonly wraps: number }[];
    readonly data_keys: readonly {
      readonly key_id: number;
      readonly key_class: string;
      readonly state: string;
      readonly since?: string;
    }[];
    readonly rotation?: {
      readonly waits_for: readonly { readonly host: string; readonly pid: number }[];
      readonly resealed: number;
      readonly fraction: number;
    };
  };
  readonly webhooks: {
    readonly url?: string;
    readonly waiting: number;
    readonly waiting_since?: string;
    readonly dead: number;
  };
}
