/* Written by tools/embed-errors-page.ts from docs/errors.md: change that, and not this one. */
export const errorsPageText: string = `# Errors

You got an error, and want to know what to do about it. Every error has one of the codes below, wherever it comes from:

- **Library**: an \`OnbehalfError\`; \`error.code\` narrows \`error.details\`. Times are \`Date\`s, names are in camelCase.
- **Service**: \`application/problem+json\` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) with \`error\` (the code),
  \`error_description\`, \`hint\` (what to do next), \`error_uri\` (the section here), and the members that a section names.
- **Command line**: \`onbehalf: … (code)\` and \`onbehalf: hint: …\` on stderr, and exit code 1, or 3 for
  \`reauthorization_required\`. With \`--json\` the same document as the service's, on stdout.

Act on the code, show the hint, and log both. Sentences may change from one version to the next; codes and members do
not. No error carries a token, a code or a secret.

\`onbehalf explain\` says what this page says of a code, of a provider's raw answer, of a line of a log or of a redirect's
address: paste it, or pipe it into \`onbehalf explain -\`. It needs no server and no database, and repeats nothing of what was
pasted but the words that stand here.

\`\`\`sh
onbehalf explain '{"error":"invalid_grant","error_description":"Token has been expired or revoked."}'
\`\`\`

**Who can do something about it?**

- The person: [\`reauthorization_required\`](#reauthorization_required), [\`insufficient_scope\`](#insufficient_scope),
  [\`code_rejected\`](#code_rejected).
- The operator: [\`client_misconfigured\`](#client_misconfigured), and everything with 500.
- Nobody, come back later: everything with 503.
- The developer who calls us: the rest.

## unauthorized

**401.** The caller key is missing, malformed, unknown, expired or revoked. Which of these it is, the answer does not say.

Send \`Authorization: Bearer obk_…\`. \`onbehalf callers create NAME --allow …\` makes a key; \`onbehalf callers list\` shows who has one.

From \`authCodeHandler\` of an app's own server: the app's session names nobody. Sign in to the app, and send the code again: it
was not used and still works.

## forbidden

**403**, \`permission\`: what is missing. The caller is known and may not do this. Also a public \`POST /authcode\` with an
\`external_id\`: only the app's backend may say whose grant it becomes (\`POST /v1/grants\`).

Make a key with that permission: \`onbehalf callers create NAME --allow …\`.

From \`authCodeHandler\` of an app's own server: the app has refused the sign-in. The code was not used and still works.

## csrf_rejected

**403**, \`rule\`: \`requested_with\` or \`origin\`. A page of another site could have made a browser send this. The code was
not used and still works.

\`requested_with\`: send an \`X-Requested-With\` header, any value. \`origin\`: the page's origin is not on the list; add
it to \`ONBEHALF_ALLOWED_ORIGINS\`. At any address: the request's \`Host\` is none of the service's; set \`ONBEHALF_PUBLIC_URL\`,
or add it to \`ONBEHALF_ALLOWED_HOSTS\`.

## grant_not_found

**404.** No such grant.

A grant exists once a code was exchanged. Look at the reference: \`g_…\`, \`sub:{subject}\` or \`ext:{external_id}\`.

## ambiguous_grant

**409**, \`grant_ids\`, \`providers\`. The reference fits several grants: one person at two providers, or through two clients.

Add \`?provider=\`, or name the grant by its id.

## external_id_conflict

**409**, \`grant_id\`, \`held_by\`. A user of the app signed in with another account than the one that is connected. The
user's \`external_id\` goes on meaning the grant \`held_by\`. What the code brought is stored as \`grant_id\`, without that id.
Nothing was revoked.

Ask the user which account it shall be. To stay: \`DELETE /v1/grants/{grant_id}\`, if nobody else uses that grant. To
change: revoke \`held_by\` first, or send a new code with \`move_external_id\` (\`moveExternalId\` in the library). A caller that
may not see one of the two grants is not told its id.

## reauthorization_required

**409**, \`grant_id\`, \`since\`, \`reason\`. The person must consent again; no retry helps. \`reason\` is one of:

| reason                      | what happened                                                                               |
| --------------------------- | ------------------------------------------------------------------------------------------- |
| \`invalid_grant\`             | the person removed the app, or the refresh token expired or was pushed out by newer ones    |
| \`reauthentication_required\` | the provider asks for a new sign-in: session policy, second factor, or a new consent        |
| \`admin_policy_enforced\`     | an administrator restricted one of the scopes                                               |
| \`no_refresh_token\`          | there is no refresh token (\`offline: false\`), and the access token has ended or was refused |
| \`crash_ambiguous_rotation\`  | the provider replaced the refresh token, and the new one was lost in a crash or on its way  |
| \`revoked\`                   | the grant was revoked here                                                                  |
| \`revoked_unconfirmed\`       | the same, and the provider did not confirm it: it cannot revoke, or refused for good        |

Ask the person to sign in again, when they are there. For \`no_refresh_token\` the hint says how to ask for offline access.
When many grants lapse after seven days, the app is in [testing status](google.md).

## code_rejected

**400**, \`provider_error\`: RFC 6749's \`error\`, where the provider gave one. The one-time code was used, has expired (after
minutes), was cut or encoded twice, or belongs to another client or \`redirect_uri\`. \`request_too_large\`: the provider refused
the request for its size, did not use the code, and counts as working.

Start a new sign-in. If it happens each time: is \`source\` right, and is the app's server client id the web client's?
See [mobile.md](mobile.md).

## id_token_invalid

**400**, \`check\`: the check that failed. Who signed in is not proven: nothing was handed out, and what was issued is revoked. It
is not revoked where our own settings are at fault: the token names the provider's server by a name that we were not told,
such as that of a tenant. Nor is it where this machine's clock is wrong: the message says by how many seconds, the answer
is kept, and the sign-in is finished by itself, or when the same code comes again, if the clock is put right within a day.

Start a new sign-in. If it happens again: is this machine's clock right (\`onbehalf doctor\`), is the scope \`openid\` asked
for, is the nonce the one that the sign-in was started with? With \`check: nonce\`, a sign-in that was started with a nonce
must name it: a code without its nonce may be somebody else's. [Google Sign-In for iOS](decisions/0032-a-nonce-that-nobody-names.md)
is excepted with \`source: ios\`. With \`typ\` or \`events\` the provider sent another kind of token, with \`kid\` its key is
unknown, weak or meant for something else, with \`c_hash\` the token is for another code, and with \`form\` it is malformed, or
has a member twice. \`exp\`, \`iat\` and \`nbf\` are whole seconds, and a token lives 90 days at most. \`exp\` is held against the time at which the token came: a
sign-in that waits for the provider's keys, however long, does not fail on it.

## invalid_request

**400**, \`parameter\`: the one that is wrong, where it is one. The request itself is wrong. Nothing was done, and a code was
not used.

The message says what is wrong with the parameter, and the hint what to send instead.

## host_not_allowed

**403**, \`host\`, \`allowed\`. The proxy and \`vault.fetch\` send a grant's token to the API hosts of its provider, and to
no other.

Call other hosts without the token. If it is one of the provider's, add it to \`apiHosts\` in the provider's record. Hosts that
give out tokens or keys, which the record lists in \`tokenHosts\`, are refused though \`apiHosts\` fits them: there, whoever may
call an API could make other tokens of one.

## insufficient_scope

**403**, \`grant_id\`, \`missing_scopes\`, \`granted_scopes\`. The person has not granted what the API asks for; they may have
left a box unticked.

Ask for it in context, with \`include_granted_scopes=true\`. Neither a refresh nor a retry helps.

## request_too_large

**413** (headers: 431), \`limit_bytes\`. The body or the headers are larger than the limit.

Send less at once: \`limit_bytes\` says how much.

## not_found

**404.** There is nothing at this address.

\`/openapi.json\` says what there is.

## method_not_allowed

**405**, \`allow\`, also as a header. The address exists, with other methods.

Use one of those in \`allow\`.

## client_misconfigured

**502**, \`issuer\`, \`client_id\`, \`provider_error\`. The provider refuses _our_ client: its secret was changed, it was deleted or
disabled, or a grant belongs to a client that is not configured here. Never the person's fault; no grant changes.

If you run the service: download \`client_secret.json\` again, or configure the client that the grant belongs to. See
[google.md](google.md). With \`provider_error\` \`dpop_key_lost\` the key is gone that the grant's refresh token is
[bound to](google.md#7-bind-refresh-tokens-to-a-key): restore the table \`client_keys\`. If you call it: tell whoever does.

## provider_unavailable

**503** with \`Retry-After\`, \`issuer\`. The provider did not answer, or its answer was of no use, or we leave it alone for a
while because of that. No grant changed and no code is lost. Tokens that still live are handed out as before.

Come back after \`Retry-After\`. It is in whole seconds, rounded up: what the provider asked for, up to an hour, or what our
own back-off needs, whichever is longer. You may send a code again as it is, while it lives.

The word in brackets is the provider's own error, or one of these:

| word                                                   | what                                                                                                                             |
| ------------------------------------------------------ | -------------------------------------------------------------------------------------------------------------------------------- |
| \`rate_limited\`                                         | the provider said that we ask too often (429, \`slow_down\`): everybody waits                                                      |
| \`provider_down\`                                        | it failed five times in a row: everybody waits, then one request tries                                                           |
| \`backing_off\`                                          | a refresh of this grant failed a moment ago: this grant waits                                                                    |
| \`refresh_under_way_elsewhere\`                          | another process refreshes this grant, lives, and has not finished yet                                                            |
| \`tokens_end_at_once\`                                   | new tokens have expired by the time they arrive: ask the provider why                                                            |
| \`timeout\`, \`connect_timeout\`, \`econnrefused\`, …        | no answer in time, or no way there: if it lasts, look at network, DNS, firewall and \`HTTPS_PROXY\`                                |
| \`proxy_unreachable\`, \`proxy_refused\`, \`proxy_unusable\` | the proxy in \`HTTPS_PROXY\` is away, lets nothing through, or is none: see [operations.md](operations.md#behind-a-companys-proxy) |
| \`not_json\`, \`no_access_token\`, \`body_too_large\`        | no usable answer: a proxy's page, half an answer, or one without a token                                                         |
| \`answer_of_another_grant\`                              | the answer named another person, issuer or client; nothing of it was used, and an alarm tells the operator                       |

With \`no_access_token\`, the answer had no access token that can be sent as a bearer token: look at its \`token_type\`. A
refresh token that stood in it is stored, and the next refresh sends it.

## store_unavailable

**503** with \`Retry-After\`. The database did not answer. Nothing was refreshed, so nothing was lost. Tokens in memory
are handed out while they live.

Come back later. If you run the service: is the disk full, the file locked or read-only, the server away?

## keeper_unavailable

**503** with \`Retry-After\`. The keeper, the process that opens refresh tokens, is being restarted. Tokens that still
live are handed out as before.

Come back later. If it stays away, look at the service's log.

## grant_unreadable

**500**, \`grant_id\`, for who may see that grant. A sealed value of this grant does not open: the row was damaged, or copied
from another store. Other grants are not affected.

Restore the row from a backup, or let the person sign in again. \`onbehalf doctor\` says whether a data key is missing: then
restore the table \`data_keys\`, and the grant opens again.

## configuration_invalid

**500**, \`problems\`: every problem found, not only the first. Settings are wrong; the service does not start.

Correct all of them; \`onbehalf doctor\` looks deeper. The settings are in [operations.md](operations.md).

## key_invalid

**500.** The master key is missing, malformed, or not the one that this store was sealed with. Nothing was touched.

Give the key that the store was made with; \`onbehalf keys status\` says which one. Without it the grants cannot be opened,
and a new key does not help: people would have to sign in again, into a new store.

## store_unusable

**500.** The database cannot be used as it is: damaged, not a database, written by a newer version, or behind
(\`onbehalf migrate\`).

Keep a copy of a damaged file before you restore a backup.

## internal_error

**500.** A fault of ours. The answer tells nothing.

The log of that moment has more: look for \`fault\`, and please report it.

## What a provider says

These are no codes of ours. They stand in a provider's answers and redirects, in \`provider_error\`, in \`last_error\` and in the
log. Onbehalf acts on the word alone: descriptions change, and are here only so that you find yours.

| word                                | says                                              | who       | what it means                                                                                                                                    | what to do                                                                                                            |
| ----------------------------------- | ------------------------------------------------- | --------- | ------------------------------------------------------------------------------------------------------------------------------------------------ | --------------------------------------------------------------------------------------------------------------------- |
| \`invalid_grant\`                     |                                                   | person    | at a refresh: the refresh token is dead. At an exchange: the code was used, is too old, was cut or encoded twice, or is another client's         | at a refresh, ask the person to sign in again; at an exchange, start a new sign-in and send its code once, as it came |
| \`invalid_grant\`                     | Token has been expired or revoked.                | person    | the refresh token is dead: the person removed the app, it was unused for six months or pushed out by newer ones, or the app is in Testing status | ask the person to sign in again; if it is always after seven days, [publish the app](google.md)                       |
| \`invalid_grant\`                     | Bad Request                                       | person    | a refresh token that has been dead for hours, or a code that was used or has expired                                                             | ask the person to sign in again                                                                                       |
| \`invalid_grant\`                     | Malformed auth code.                              | developer | the code is not one: cut, or percent-encoded twice                                                                                               | send it as the app got it; out of an address, decode it once                                                          |
| \`invalid_grant\`                     | Invalid code verifier.                            | developer | \`code_verifier\` is not the one whose challenge began the sign-in                                                                                 | keep the verifier beside the \`state\` of the same sign-in                                                              |
| \`invalid_rapt\`                      |                                                   | person    | Cloud session control: the Workspace asks for a new sign-in from time to time                                                                    | ask the person to sign in again; the administrator can except the app                                                 |
| \`rapt_required\`                     |                                                   | person    | Cloud session control: the Workspace asks for a new sign-in, which has not been made yet                                                         | ask the person to sign in again                                                                                       |
| \`invalid_client\`                    |                                                   | operator  | the provider does not take our client: its id is unknown, its secret wrong, or sent in another way than the client is registered for             | compare id and secret with the console, or download \`client_secret.json\` again; \`onbehalf doctor\` says which          |
| \`invalid_client\`                    | The OAuth client was not found.                   | operator  | no client has this id: it is mistyped, or was deleted                                                                                            | download \`client_secret.json\` again                                                                                   |
| \`invalid_client\`                    | Unauthorized                                      | operator  | the secret is not the client's: it was replaced, or is another client's                                                                          | download \`client_secret.json\` again, or add a new secret in the console                                               |
| \`invalid_client\`                    | The provided client secret is invalid.            | operator  | the secret is not the client's                                                                                                                   | download \`client_secret.json\` again, or add a new secret in the console                                               |
| \`deleted_client\`                    |                                                   | operator  | the client was deleted                                                                                                                           | restore it in the console within 30 days, or make another; grants end with their client                               |
| \`disabled_client\`                   |                                                   | operator  | the client, or its project, is disabled                                                                                                          | look for the provider's mail to the project's owner                                                                   |
| \`unauthorized_client\`               |                                                   | developer | the code or the refresh token belongs to another client, or this client may not use this kind of grant                                           | pass the **web** client's id to the app as server client id                                                           |
| \`redirect_uri_mismatch\`             |                                                   | developer | on the provider's page: the address is not registered exactly. At an exchange: \`source\` does not fit where the code came from                    | register the address character by character; send the right \`source\` ([mobile.md](mobile.md))                         |
| \`origin_mismatch\`                   |                                                   | developer | the origin of the page that opens the popup is not registered                                                                                    | add it in the console: scheme, host and port, no path                                                                 |
| \`invalid_request\`                   |                                                   | developer | a parameter is missing, malformed or there twice; the description names it                                                                       | correct the request; where Onbehalf has made it, report it                                                            |
| \`unsupported_grant_type\`            |                                                   | developer | the token endpoint does not know this kind of request: often a wrong address                                                                     | check the provider's token endpoint                                                                                   |
| \`unsupported_response_type\`         |                                                   | developer | the authorization request asks for something else than \`code\`                                                                                    | send \`response_type=code\`                                                                                             |
| \`invalid_scope\`                     |                                                   | developer | a scope is unknown, mistyped, or more than the person granted before                                                                             | compare the scopes with the provider's list; in a refresh ask for no more than was granted                            |
| \`access_denied\`                     |                                                   | person    | the person, or a rule of their organisation, said no                                                                                             | nothing by itself; say in the app what the access is for, and offer the sign-in again                                 |
| \`access_denied\`                     | has not completed the Google verification process | operator  | the app is in Testing status, and this person is no test user                                                                                    | add them as a test user, or publish the app ([google.md](google.md))                                                  |
| \`admin_policy_enforced\`             |                                                   | person    | an administrator of the person's Workspace restricts the app or the scope                                                                        | their administrator must allow the app; then the person signs in again                                                |
| \`org_internal\`                      |                                                   | operator  | the app is Internal, and the person is from outside of its Workspace                                                                             | make it External, or have people of the Workspace sign in                                                             |
| \`disallowed_useragent\`              |                                                   | developer | the sign-in runs in an embedded web view                                                                                                         | use the platform's library, or the system's browser                                                                   |
| \`interaction_required\`              |                                                   | person    | the provider will not go on without the person                                                                                                   | ask the person to sign in again                                                                                       |
| \`login_required\`                    |                                                   | person    | the person is not signed in at the provider                                                                                                      | ask the person to sign in again                                                                                       |
| \`consent_required\`                  |                                                   | person    | the person has not agreed to what was asked for                                                                                                  | ask the person to sign in again, and to agree                                                                         |
| \`account_selection_required\`        |                                                   | person    | the person must choose an account                                                                                                                | ask the person to sign in again                                                                                       |
| \`mfa_required\`                      |                                                   | person    | the provider asks for a second factor                                                                                                            | ask the person to sign in again                                                                                       |
| \`mfa_enrollment_required\`           |                                                   | person    | the person must set up a second factor                                                                                                           | ask the person to sign in again                                                                                       |
| \`mfa_registration_required\`         |                                                   | person    | the person must set up a second factor                                                                                                           | ask the person to sign in again                                                                                       |
| \`unmet_authentication_requirements\` |                                                   | person    | the sign-in was not strong enough for what was asked                                                                                             | ask the person to sign in again                                                                                       |
| \`insufficient_user_authentication\`  |                                                   | person    | the sign-in is too old, or not strong enough, for what the API does                                                                              | ask the person to sign in again                                                                                       |
| \`invalid_token\`                     |                                                   | person    | at an API: the access token is expired, revoked or cut. At a token endpoint: the refresh token is dead. At a revocation: already dead            | at an API, get another token with \`?refused=\` of the refused one; \`vault.fetch\` and the proxy do so by themselves     |
| \`insufficient_scope\`                |                                                   | person    | the API wants a scope that the token does not have                                                                                               | ask for it in context                                                                                                 |
| \`insufficientPermissions\`           |                                                   | person    | Google: the API wants a scope that the token does not have                                                                                       | ask for the scope in context                                                                                          |
| \`ACCESS_TOKEN_SCOPE_INSUFFICIENT\`   |                                                   | person    | Google: the API wants a scope that the token does not have                                                                                       | ask for the scope in context                                                                                          |
| \`accessNotConfigured\`               |                                                   | operator  | the API is not enabled in the project of the web client                                                                                          | enable it in the console, and wait some minutes                                                                       |
| \`SERVICE_DISABLED\`                  |                                                   | operator  | the API is not enabled in the project of the web client                                                                                          | enable the API in the console, and wait some minutes                                                                  |
| \`rateLimitExceeded\`                 |                                                   | developer | a quota of the API, for all of the project                                                                                                       | come back later, with growing pauses; ask for more quota                                                              |
| \`userRateLimitExceeded\`             |                                                   | developer | a quota of the API, for one person                                                                                                               | come back later, with growing pauses                                                                                  |
| \`slow_down\`                         |                                                   | provider  | the provider says that we ask too often                                                                                                          | nothing: Onbehalf waits by itself                                                                                     |
| \`rate_limit_exceeded\`               |                                                   | provider  | the provider says that we ask too often                                                                                                          | nothing: Onbehalf waits by itself                                                                                     |
| \`temporarily_unavailable\`           |                                                   | provider  | the provider is overloaded or under maintenance                                                                                                  | nothing: Onbehalf tries again by itself                                                                               |
| \`server_error\`                      |                                                   | provider  | the provider failed                                                                                                                              | nothing: Onbehalf tries again by itself                                                                               |
| \`invalid_dpop_proof\`                |                                                   | operator  | the proof of the key that the refresh token is [bound to](google.md#7-bind-refresh-tokens-to-a-key) does not hold: most often a wrong clock      | set this machine's clock; \`onbehalf doctor\` compares it                                                               |
| \`dpop_key_lost\`                     |                                                   | operator  | no word of the provider's: the key is gone that the refresh token is [bound to](google.md#7-bind-refresh-tokens-to-a-key)                        | restore the table \`client_keys\`                                                                                       |
| \`use_dpop_nonce\`                    |                                                   | provider  | the provider wants its newest nonce in the proof                                                                                                 | nothing: Onbehalf sends the request again with it                                                                     |
| \`DEVELOPER_ERROR\`                   |                                                   | developer | Android: no client fits package name and signing key, or the server client id is not a web client's                                              | make an Android client for each signing key; pass the web client's id ([google.md](google.md))                        |
| \`bad_verification_code\`             |                                                   | developer | GitHub: the code was used or has expired                                                                                                         | start a new sign-in; send each code once                                                                              |
| \`bad_refresh_token\`                 |                                                   | person    | GitHub: the refresh token is dead                                                                                                                | ask the person to sign in again                                                                                       |
| \`incorrect_client_credentials\`      |                                                   | operator  | GitHub: client id or secret is wrong                                                                                                             | make a new client secret in the app's settings                                                                        |
| \`AADSTS50011\`                       |                                                   | developer | Entra: the redirect URI is not registered                                                                                                        | register it in the app registration, character by character                                                           |
| \`AADSTS50034\`                       |                                                   | person    | Entra: no such account in this tenant                                                                                                            | sign in with another account, or use the right tenant in the issuer                                                   |
| \`AADSTS50057\`                       |                                                   | person    | Entra: the account is disabled                                                                                                                   | the person's administrator must enable it                                                                             |
| \`AADSTS50076\`                       |                                                   | person    | Entra: a second factor is wanted                                                                                                                 | ask the person to sign in again                                                                                       |
| \`AADSTS50078\`                       |                                                   | person    | Entra: the second factor has expired                                                                                                             | ask the person to sign in again                                                                                       |
| \`AADSTS50079\`                       |                                                   | person    | Entra: the person must set up a second factor                                                                                                    | ask the person to sign in again                                                                                       |
| \`AADSTS50105\`                       |                                                   | operator  | Entra: the person is not assigned to the app                                                                                                     | an administrator assigns them under Enterprise applications                                                           |
| \`AADSTS50173\`                       |                                                   | person    | Entra: the grant ended, because the password was changed or sessions were revoked                                                                | ask the person to sign in again                                                                                       |
| \`AADSTS53003\`                       |                                                   | person    | Entra: a Conditional Access policy blocks it                                                                                                     | the person's administrator must look at the policy; then sign in again                                                |
| \`AADSTS54005\`                       |                                                   | developer | Entra: the code was used already                                                                                                                 | start a new sign-in; send each code once                                                                              |
| \`AADSTS65001\`                       |                                                   | person    | Entra: nobody has agreed to these scopes                                                                                                         | ask the person to sign in again and to agree, or an administrator to agree for all                                    |
| \`AADSTS65004\`                       |                                                   | person    | Entra: the person said no                                                                                                                        | offer the sign-in again                                                                                               |
| \`AADSTS70000\`                       |                                                   | person    | Entra: the code or the refresh token is not good                                                                                                 | ask the person to sign in again                                                                                       |
| \`AADSTS70008\`                       |                                                   | person    | Entra: the code or the refresh token has expired                                                                                                 | ask the person to sign in again                                                                                       |
| \`AADSTS70043\`                       |                                                   | person    | Entra: a rule on the frequency of sign-ins ended the refresh token                                                                               | ask the person to sign in again                                                                                       |
| \`AADSTS90094\`                       |                                                   | person    | Entra: an administrator must agree                                                                                                               | the person's administrator agrees for the app                                                                         |
| \`AADSTS700016\`                      |                                                   | operator  | Entra: the tenant has no app of this id                                                                                                          | check client id and tenant                                                                                            |
| \`AADSTS700082\`                      |                                                   | person    | Entra: the refresh token was not used for 90 days                                                                                                | ask the person to sign in again                                                                                       |
| \`AADSTS700084\`                      |                                                   | person    | Entra: the refresh token was issued to a single-page app, and ends after 24 hours                                                                | register the redirect URI as _Web_, then ask the person to sign in again                                              |
| \`AADSTS7000215\`                     |                                                   | operator  | Entra: the client secret is wrong; often its id was copied in place of its value                                                                 | copy the secret's _Value_, not its _Secret ID_                                                                        |
| \`AADSTS7000222\`                     |                                                   | operator  | Entra: the client secret has expired                                                                                                             | make a new one in the app registration                                                                                |
`;
