import type { Reason, ReasonWords, Step } from "./reason.ts";

const dying = "google.md#5-when-refresh-tokens-die";
const here = "errors.md#why-a-grant-is-not-well";
const mistakes = "google.md#6-the-usual-mistakes";
const signIn: Step = { by: "person", what: "ask the person to sign in again", isSignIn: true };

/** What is told of each reason. */
export const told: Readonly<Record<Reason, Omit<ReasonWords, "dependsOn" | "fix">>> = {
  invalid_grant: {
    title: "The refresh token does not work any more",
    means: "the provider says that the refresh token is dead, and does not say why",
    steps: [{ by: "person", what: "ask the person to sign in again, when they are there", isSignIn: true }],
    page: here,
  },
  testing_status: {
    title: "The app is in Testing status, where access ends after seven days",
    means: "the app is in Testing status, in which refresh tokens end after seven days",
    steps: [
      {
        by: "developer",
        what: "have the app's developer publish the app (Google Auth Platform, Audience, Publish app)",
      },
      signIn,
    ],
    tellBy: "the console shows the publishing status: Google Auth Platform, Audience",
    page: "google.md#1-project-api-consent-screen",
  },
  consent_ends: {
    title: "The consent ends on a known day",
    means: "the provider has announced a day on which the consent ends, whatever is done",
    steps: [{ by: "person", what: "ask the person to sign in again before that day", isSignIn: true }],
    page: here,
  },
  consent_ended: {
    title: "The consent has ended on the day that was announced",
    means: "the consent has ended on the day that the provider had announced",
    steps: [
      {
        by: "person",
        what: "ask the person to sign in again; ask for access without an end, if they may give it",
        isSignIn: true,
      },
    ],
    tellBy: "reauthorize_before named the day beforehand",
    page: dying,
  },
  refresh_token_unused: {
    title: "It was not used for too long",
    means: "the refresh token was not used for so long that the provider ended it",
    steps: [
      {
        by: "person",
        what: "ask the person to sign in again; Onbehalf uses each token in time as long as it runs",
        isSignIn: true,
      },
    ],
    tellBy:
      "last_refresh_at is as long ago as the provider lets a token rest: six months at Google, 90 days at Microsoft",
    page: dying,
  },
  refresh_token_expired: {
    title: "Its refresh token has come to the end of its life",
    means: "the refresh token has come to the end of its life",
    steps: [signIn],
    tellBy: "all grants of this client end at the same age",
    page: here,
  },
  too_many_refresh_tokens: {
    title: "Newer sign-ins of the same person pushed it out",
    means: "newer refresh tokens of the same person and client pushed this one out: Google keeps 100",
    steps: [{ by: "developer", what: "have the app's developer stop forcing consent at each sign-in" }, signIn],
    tellBy: "the app asks with prompt=consent at each start, or a person uses it on very many devices",
    page: "mobile.md#ask-once-not-at-every-start",
  },
  password_changed: {
    title: "The person changed their password",
    means: "the person changed their password, which ends tokens",
    steps: [{ by: "person", what: "ask the person to sign in again with their new password", isSignIn: true }],
    tellBy: "the person knows; at Google it ends tokens with Gmail scopes alone",
    page: dying,
  },
  removed_by_person: {
    title: "The app was removed at the provider",
    means: "the person, or their administrator, removed the app at the provider",
    steps: [
      { by: "person", what: "ask the person whether they want to go on, and if so to sign in again", isSignIn: true },
    ],
    tellBy: "the person's account page at the provider does not list the app any more",
    page: dying,
  },
  ended_by_provider: {
    title: "The provider told us that it has ended",
    means: "the provider has told us, in a signed event, that the consent or the account has ended",
    steps: [
      { by: "person", what: "ask the person whether they want to go on, and if so to sign in again", isSignIn: true },
    ],
    tellBy:
      "last_error names the event: tokens-revoked and token-revoked where the app was removed, account-purged where the account is gone",
    page: "signals.md#what-each-event-does",
  },
  signalled: {
    title: "The provider told us that something happened to the account",
    means:
      "the provider has told us, in a signed event, that something happened to the account, and is asked whether the consent stands",
    steps: [
      {
        by: "provider",
        what: "nothing: the next use asks the provider, and so does Onbehalf by itself within a minute",
      },
    ],
    page: "signals.md#what-each-event-does",
  },
  session_control: {
    title: "The person's organisation asks for a new sign-in from time to time",
    means: "a session rule of the person's organisation asks for a new sign-in from time to time",
    steps: [
      {
        by: "person",
        what: "ask the person to sign in again; their administrator can except the app from the rule",
        isSignIn: true,
      },
    ],
    page: dying,
  },
  reauthentication_required: {
    title: "The provider asks for the person",
    means: "the provider asks for the person, which no refresh can answer",
    steps: [signIn],
    page: here,
  },
  consent_required: {
    title: "The provider asks for a consent that is not there",
    means: "the person, or their administrator, has not agreed to what the app asks for, or not any more",
    steps: [
      {
        by: "person",
        what: "ask the person to sign in again, and to agree; where only an administrator may agree, ask that one",
        isSignIn: true,
      },
    ],
    page: here,
  },
  second_factor_required: {
    title: "The provider asks for a second factor",
    means: "the provider asks for a second factor",
    steps: [{ by: "person", what: "ask the person to sign in again, with their second factor", isSignIn: true }],
    page: here,
  },
  admin_policy_enforced: {
    title: "The person's organisation does not allow the app",
    means: "an administrator, or a policy of the person's organisation, does not allow the app or what it asks for",
    steps: [
      { by: "administrator", what: "have the person's administrator (at Google: of Google Workspace) allow the app" },
      signIn,
    ],
    page: dying,
  },
  org_internal: {
    title: "The app is for people of its own organisation alone",
    means: "the app is Internal, and the person is from outside of its organisation",
    steps: [
      { by: "developer", what: "have the app's developer make the app External in the console" },
      {
        by: "person",
        what: "ask the person to sign in again; without that, people of the organisation can",
        isSignIn: true,
      },
    ],
    page: mistakes,
  },
  account_disabled: {
    title: "The person's account is disabled or gone",
    means: "the person's account, or its organisation, is disabled or gone at the provider",
    steps: [
      {
        by: "administrator",
        what: "have the person's administrator, or the person themselves, bring the account back",
      },
      signIn,
    ],
    page: here,
  },
  refresh_token_reused: {
    title: "A refresh token that was replaced was used again",
    means: "a refresh token that was replaced was sent again, so the provider ended all that came from it",
    steps: [
      { by: "operator", what: "have the operator find what else uses this client's refresh tokens and end it" },
      signIn,
    ],
    tellBy: "the provider rotates, and another program, or a restored backup, holds tokens of the same client",
    page: here,
  },
  crash_ambiguous_rotation: {
    title: "Its new refresh token was lost in a crash",
    means: "the provider replaced the refresh token, and the new one was lost in a crash or on its way",
    steps: [
      {
        by: "person",
        what: "ask the person to sign in again; if it happens often, look why the service was killed",
        isSignIn: true,
      },
    ],
    page: here,
  },
  restored_from_backup: {
    title: "Its refresh token came back with a backup, and is over",
    means:
      "the provider refuses the refresh token that came back with a restored backup: it was replaced, revoked or removed after the backup was made",
    steps: [
      {
        by: "person",
        what: "ask the person to sign in again, unless they had ended it: the rows of the audit log that you kept elsewhere say so",
        isSignIn: true,
      },
    ],
    page: "operations.md#back-up-and-restore",
  },
  no_refresh_token: {
    title: "No refresh token ever came",
    means: "there is no refresh token, so access ends with the access token",
    steps: [
      {
        by: "developer",
        what: "have the app's developer ask for offline access and force the consent page once, so that it does not happen to others",
        isDoneByLink: true,
      },
      {
        by: "person",
        what: "ask the person to sign in again by a reconnect link, which asks for offline access by itself",
        isSignIn: true,
      },
    ],
    page: mistakes,
  },
  scopes_unticked: {
    title: "The person left boxes unticked",
    means: "the person has not granted all that was asked for: they left boxes unticked",
    steps: [
      {
        by: "person",
        what: "ask for the missing scopes where the person needs them, and say what for",
        isSignIn: true,
      },
    ],
    page: here,
  },
  scopes_lost: {
    title: "It covers less than it did before",
    means: "the grant covers less than it did before",
    steps: [
      {
        by: "person",
        what: "ask the person for the missing scopes again, together with those that are held",
        isSignIn: true,
      },
    ],
    page: here,
  },
  wrong_client_secret: {
    title: "Our client's id or secret is wrong",
    means: "the provider does not take our client's id and secret; the person's consent is well",
    steps: [
      {
        by: "operator",
        what: "have the operator put the client's own id and secret in the settings: download client_secret.json again, or make a new secret",
      },
    ],
    page: mistakes,
  },
  deleted_client: {
    title: "Our client was deleted at the provider",
    means: "our client was deleted at the provider; the person's consent is well while the client can be restored",
    steps: [
      {
        by: "operator",
        what: "have the operator restore the client in the provider's console (within 30 days at Google); with another client, people must sign in again",
      },
    ],
    page: mistakes,
  },
  disabled_client: {
    title: "Our client is disabled at the provider",
    means: "our client, or its project, is disabled at the provider; the person's consent is well",
    steps: [
      {
        by: "operator",
        what: "have the operator look for the provider's mail to the project's owner, and get the client enabled again",
      },
    ],
    page: mistakes,
  },
  wrong_client: {
    title: "Its refresh token belongs to another client",
    means: "the refresh token belongs to another client, or this client may not refresh",
    steps: [{ by: "operator", what: "have the operator configure the client that the person signed in with" }],
    page: mistakes,
  },
  request_refused: {
    title: "The provider refuses what we send",
    means: "the provider refuses what we send, and says nothing of the person's consent",
    steps: [
      {
        by: "operator",
        what: "have the operator look up the provider's word with onbehalf explain, and correct the provider's settings",
      },
    ],
    page: "errors.md#what-a-provider-says",
  },
  unknown_refusal: {
    title: "The provider refuses it in a word that we do not know",
    means: "the provider refuses this grant in a word that we do not know",
    steps: [
      {
        by: "operator",
        what: "have the operator look the word up in the provider's documentation, and say in refusals what it means; Onbehalf tries again by itself",
      },
    ],
    page: "providers.md",
  },
  refused_once: {
    title: "Refused once, and not given up yet",
    means: "the provider has refused the refresh token once; it is asked again before the grant counts as lapsed",
    steps: [{ by: "provider", what: "nothing: Onbehalf asks again by itself" }],
    page: here,
  },
  outcome_unknown: {
    title: "A refresh was sent, and nobody knows how it ended",
    means: "a refresh was sent and its answer never came, so nobody knows which token counts",
    steps: [{ by: "provider", what: "nothing: the next refresh finds out; grants probe does so at once" }],
    page: here,
  },
  ended_with_another: {
    title: "It may have ended together with another grant",
    means: "another grant of the same person was ended, which may have ended this one as well",
    steps: [{ by: "person", what: "probe the grant; if it has ended, ask the person to sign in again" }],
    page: here,
  },
  provider_unavailable: {
    title: "The provider does not answer",
    means: "the provider does not answer, or its answers are of no use; the person's consent is as it was",
    steps: [{ by: "provider", what: "nothing: Onbehalf tries again by itself" }],
    page: "errors.md#provider_unavailable",
  },
  revoked: {
    title: "It was disconnected here",
    means: "the grant was ended here",
    steps: [
      { by: "person", what: "nothing, unless the person wants to connect again: then they sign in", isSignIn: true },
    ],
    page: here,
  },
  revoked_unconfirmed: {
    title: "It was disconnected here, and the provider did not confirm",
    means: "the grant was ended here, and the provider did not confirm it",
    steps: [{ by: "person", what: "the person can remove the app on their account page at the provider" }],
    page: here,
  },
};
