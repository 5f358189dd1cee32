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

/** What is known of a reason, whichever grant has it. */
export interface ReasonWords {
  /** One sentence, lower case. */
  readonly means: string;
  readonly dependsOn: DependsOn;
  /** What to do, one sentence, lower case. */
  readonly fix: string;
  /** What would show that it is this one and not another, where no provider says so. */
  readonly tellBy?: string;
  /** A section of our documentation, such as `google.md#5-when-refresh-tokens-die`. */
  readonly page: string;
}

const dying = "google.md#5-when-refresh-tokens-die";
const here = "errors.md#why-a-grant-is-not-well";
const mistakes = "google.md#6-the-usual-mistakes";

/**
 * Every reason for which a grant is not well. The API, the command line, the log, events and pages take their words from
 * here and from nowhere else.
 */
export const reasons: Readonly<Record<Reason, ReasonWords>> = {
  invalid_grant: {
    means: "the provider says that the refresh token is dead, and does not say why",
    dependsOn: "person",
    fix: "ask the person to sign in again, when they are there",
    page: here,
  },
  testing_status: {
    means: "the app is in Testing status, in which refresh tokens end after seven days",
    dependsOn: "developer",
    fix: "publish the app (Google Auth Platform, Audience, Publish app), then ask the person to sign in again",
    tellBy: "the console shows the publishing status: Google Auth Platform, Audience",
    page: "google.md#1-project-api-consent-screen",
  },
  consent_ends: {
    means: "the provider has announced a day on which the consent ends, whatever is done",
    dependsOn: "person",
    fix: "ask the person to sign in again before that day",
    page: here,
  },
  consent_ended: {
    means: "the consent has ended on the day that the provider had announced",
    dependsOn: "person",
    fix: "ask the person to sign in again; ask for access without an end, if they may give it",
    tellBy: "reauthorize_before named the day beforehand",
    page: dying,
  },
  refresh_token_unused: {
    means: "the refresh token was not used for so long that the provider ended it",
    dependsOn: "person",
    fix: "ask the person to sign in again; Onbehalf uses each token in time as long as it runs",
    tellBy:
      "last_refresh_at is as long ago as the provider lets a token rest: six months at Google, 90 days at Microsoft",
    page: dying,
  },
  refresh_token_expired: {
    means: "the refresh token has come to the end of its life",
    dependsOn: "person",
    fix: "ask the person to sign in again",
    tellBy: "all grants of this client end at the same age",
    page: here,
  },
  too_many_refresh_tokens: {
    means: "newer refresh tokens of the same person and client pushed this one out: Google keeps 100",
    dependsOn: "developer",
    fix: "stop forcing consent at each sign-in, then ask the person to sign in again",
    tellBy: "the app asks with prompt=consent at each start, or a person uses it on very many devices",
    page: "mobile.md#ask-once-not-at-every-start",
  },
  password_changed: {
    means: "the person changed their password, which ends tokens",
    dependsOn: "person",
    fix: "ask the person to sign in again with their new password",
    tellBy: "the person knows; at Google it ends tokens with Gmail scopes alone",
    page: dying,
  },
  removed_by_person: {
    means: "the person, or their administrator, removed the app at the provider",
    dependsOn: "person",
    fix: "ask the person whether they want to go on, and if so to sign in again",
    tellBy: "the person's account page at the provider does not list the app any more",
    page: dying,
  },
  ended_by_provider: {
    means: "the provider has told us, in a signed event, that the consent or the account has ended",
    dependsOn: "person",
    fix: "ask the person whether they want to go on, and if so to sign in again",
    tellBy:
      "last_error names the event: tokens-revoked and token-revoked where the app was removed, account-purged where the account is gone",
    page: "signals.md#what-each-event-does",
  },
  signalled: {
    means:
      "the provider has told us, in a signed event, that something happened to the account, and is asked whether the consent stands",
    dependsOn: "provider",
    fix: "nothing: the next use asks the provider, and so does Onbehalf by itself within a minute",
    page: "signals.md#what-each-event-does",
  },
  session_control: {
    means: "a session rule of the person's organisation asks for a new sign-in from time to time",
    dependsOn: "person",
    fix: "ask the person to sign in again; their administrator can except the app from the rule",
    page: dying,
  },
  reauthentication_required: {
    means: "the provider asks for the person, which no refresh can answer",
    dependsOn: "person",
    fix: "ask the person to sign in again",
    page: here,
  },
  consent_required: {
    means: "the person, or their administrator, has not agreed to what the app asks for, or not any more",
    dependsOn: "person",
    fix: "ask the person to sign in again, and to agree; where only an administrator may agree, ask that one",
    page: here,
  },
  second_factor_required: {
    means: "the provider asks for a second factor",
    dependsOn: "person",
    fix: "ask the person to sign in again, with their second factor",
    page: here,
  },
  admin_policy_enforced: {
    means: "an administrator, or a policy of the person's organisation, does not allow the app or what it asks for",
    dependsOn: "person",
    fix: "have the person's administrator allow the app, then ask the person to sign in again",
    page: dying,
  },
  org_internal: {
    means: "the app is Internal, and the person is from outside of its organisation",
    dependsOn: "developer",
    fix: "make the app External in the console, or have people of the organisation sign in",
    page: mistakes,
  },
  account_disabled: {
    means: "the person's account, or its organisation, is disabled or gone at the provider",
    dependsOn: "person",
    fix: "have the person's administrator bring the account back, then ask the person to sign in again",
    page: here,
  },
  refresh_token_reused: {
    means: "a refresh token that was replaced was sent again, so the provider ended all that came from it",
    dependsOn: "operator",
    fix: "find what else uses this client's refresh tokens and end it, then ask the person to sign in again",
    tellBy: "the provider rotates, and another program, or a restored backup, holds tokens of the same client",
    page: here,
  },
  crash_ambiguous_rotation: {
    means: "the provider replaced the refresh token, and the new one was lost in a crash or on its way",
    dependsOn: "person",
    fix: "ask the person to sign in again; if it happens often, look why the service was killed",
    page: here,
  },
  restored_from_backup: {
    means:
      "the provider refuses the refresh token that came back with a restored backup: it was replaced, revoked or removed after the backup was made",
    dependsOn: "person",
    fix: "ask the person to sign in again, unless they had ended it: the rows of the audit log that you kept elsewhere say so",
    page: "operations.md#back-up-and-restore",
  },
  no_refresh_token: {
    means: "there is no refresh token, so access ends with the access token",
    dependsOn: "developer",
    fix: "ask for offline access, and force the consent page once; then ask the person to sign in again",
    page: mistakes,
  },
  scopes_unticked: {
    means: "the person has not granted all that was asked for: they left boxes unticked",
    dependsOn: "person",
    fix: "ask for the missing scopes where the person needs them, and say what for",
    page: here,
  },
  scopes_lost: {
    means: "the grant covers less than it did before",
    dependsOn: "person",
    fix: "ask for the missing scopes again, together with those that are held",
    page: here,
  },
  wrong_client_secret: {
    means: "the provider does not take our client's id and secret; the person's consent is well",
    dependsOn: "operator",
    fix: "put the client's own id and secret in the settings: download client_secret.json again, or make a new secret",
    page: mistakes,
  },
  deleted_client: {
    means: "our client was deleted at the provider; the person's consent is well while the client can be restored",
    dependsOn: "operator",
    fix: "restore the client in the provider's console (within 30 days at Google); with another client, people must sign in again",
    page: mistakes,
  },
  disabled_client: {
    means: "our client, or its project, is disabled at the provider; the person's consent is well",
    dependsOn: "operator",
    fix: "look for the provider's mail to the project's owner, and have the client enabled again",
    page: mistakes,
  },
  wrong_client: {
    means: "the refresh token belongs to another client, or this client may not refresh",
    dependsOn: "operator",
    fix: "configure the client that the person signed in with",
    page: mistakes,
  },
  request_refused: {
    means: "the provider refuses what we send, and says nothing of the person's consent",
    dependsOn: "operator",
    fix: "look up the provider's word with onbehalf explain, and correct the provider's settings",
    page: "errors.md#what-a-provider-says",
  },
  unknown_refusal: {
    means: "the provider refuses this grant in a word that we do not know",
    dependsOn: "operator",
    fix: "look the word up in the provider's documentation, and say in refusals what it means; Onbehalf tries again by itself",
    page: "providers.md",
  },
  refused_once: {
    means: "the provider has refused the refresh token once; it is asked again before the grant counts as lapsed",
    dependsOn: "provider",
    fix: "nothing: Onbehalf asks again by itself",
    page: here,
  },
  outcome_unknown: {
    means: "a refresh was sent and its answer never came, so nobody knows which token counts",
    dependsOn: "provider",
    fix: "nothing: the next refresh finds out; grants probe does so at once",
    page: here,
  },
  ended_with_another: {
    means: "another grant of the same person was ended, which may have ended this one as well",
    dependsOn: "person",
    fix: "probe the grant; if it has ended, ask the person to sign in again",
    page: here,
  },
  provider_unavailable: {
    means: "the provider does not answer, or its answers are of no use; the person's consent is as it was",
    dependsOn: "provider",
    fix: "nothing: Onbehalf tries again by itself",
    page: "errors.md#provider_unavailable",
  },
  revoked: {
    means: "the grant was ended here",
    dependsOn: "person",
    fix: "nothing, unless the person wants to connect again: then they sign in",
    page: here,
  },
  revoked_unconfirmed: {
    means: "the grant was ended here, and the provider did not confirm it",
    dependsOn: "person",
    fix: "the person can remove the app on their account page at the provider",
    page: here,
  },
};

/** Whether a text is the code of a reason. */
export function isReason(text: string): text is Reason {
  return Object.hasOwn(reasons, text);
}
