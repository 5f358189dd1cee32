/**
 * Who can do something about it: who signed in (or their administrator), who builds the app, who runs Onbehalf, or nobody but
 * the provider.
 */
export type DependsOn = "person" | "developer" | "operator" | "provider";

/** The code of a reason. New ones may be added: treat one that you do not know by its `dependsOn` and `fix`. */
export type Reason =
  | "invalid_grant"
  | "testing_status"
  | "consent_ends"
  | "consent_ended"
  | "refresh_token_unused"
  | "refresh_token_expired"
  | "too_many_refresh_tokens"
  | "password_changed"
  | "removed_by_person"
  | "ended_by_provider"
  | "signalled"
  | "session_control"
  | "reauthentication_required"
  | "consent_required"
  | "second_factor_required"
  | "admin_policy_enforced"
  | "org_internal"
  | "account_disabled"
  | "refresh_token_reused"
  | "crash_ambiguous_rotation"
  | "restored_from_backup"
  | "no_refresh_token"
  | "scopes_unticked"
  | "scopes_lost"
  | "wrong_client_secret"
  | "deleted_client"
  | "disabled_client"
  | "wrong_client"
  | "request_refused"
  | "unknown_refusal"
  | "refused_once"
  | "outcome_unknown"
  | "ended_with_another"
  | "provider_unavailable"
  | "revoked"
  | "revoked_unconfirmed";

/** Who does a step. An administrator stands for the person's organisation, and counts as the person in `dependsOn`. */
export type Doer = DependsOn | "administrator";

/** One of the things to do, in their order. */
export interface Step {
  readonly by: Doer;
  /** One sentence, lower case. It names who does it. */
  readonly what: string;
  /** The person signs in again, as by a connect link. */
  readonly isSignIn?: true;
  /** A connect link does it by itself, so that nobody has to wait for it. */
  readonly isDoneByLink?: true;
}

/** What is known of a reason, whichever grant has it. */
export interface ReasonWords {
  /** A headline: a few plain words. */
  readonly title: string;
  /** One sentence, lower case. */
  readonly means: string;
  /** Who has to act first. */
  readonly dependsOn: DependsOn;
  /** What to do, one sentence, lower case: all steps. */
  readonly fix: string;
  /** The same, step by step, the first one first. */
  readonly steps: readonly Step[];
  /** What would show that it is this one and not another, where no provider says so. */
  readonly tellBy?: string;
  /** A section of our documentation, such as `google.md#5-when-refresh-tokens-die`. */
  readonly page: string;
}
