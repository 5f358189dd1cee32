/**
 * What verbs are given, as the service takes it. Each option is looked at here: a name that was mistyped would be left out, and
 * something else be done than was meant.
 */
import { abortSignal, assertOptions, date, required, secretText, text, texts, truth } from "../core/argument-checks.ts";
import type { Rule } from "../core/argument-checks.ts";
import { Secret } from "../core/secret.ts";
import type { CreateTicketOptions } from "../core/ticket.ts";
import type {
  BeginConnectOptions,
  CreateHandleOptions,
  CreateSessionOptions,
  DepositOptions,
  EventsOptions,
  ExchangeCodeOptions,
  FinishConnectOptions,
  GrantQuery,
  SessionQuery,
} from "../index.ts";

/**
 * What `exchangeCode` of a remote vault takes. A code that comes with a ticket is the phone's to send, to `POST /authcode`.
 */
export type RemoteExchangeCodeOptions = Omit<ExchangeCodeOptions, "ticket" | "isPublic">;

/** What `deposit` of a remote vault takes. */
export type RemoteDepositOptions = Omit<DepositOptions, "isOneOfMany">;

/** By which name an option is sent, and what it must be. No name: it is not sent. */
type Sent<T> = { readonly [K in keyof Required<T>]: readonly [name: string | undefined, rule: Rule] };

const number: Rule = { fits: (value) => typeof value === "number", must: "a number" };

const ofCode: Sent<RemoteExchangeCodeOptions> = {
  code: ["code", required(secretText)],
  source: ["source", text],
  redirectUri: ["redirect_uri", text],
  codeVerifier: ["code_verifier", secretText],
  nonce: ["nonce", text],
  idempotencyKey: [undefined, secretText],
  externalId: ["external_id", text],
  account: ["account", text],
  moveExternalId: ["move_external_id", truth],
  scopes: ["scopes", texts],
  provider: ["provider", text],
  signal: [undefined, abortSignal],
};

const ofDeposit: Sent<RemoteDepositOptions> = {
  refreshToken: ["refresh_token", required(secretText)],
  externalId: ["external_id", required(text)],
  account: ["account", text],
  provider: ["provider", text],
  accessToken: [undefined, secretText],
  expiresAt: [undefined, date],
  scope: ["scope", text],
  sendAgain: ["send_again", truth],
  signal: [undefined, abortSignal],
};

const ofTicket: Sent<CreateTicketOptions> = {
  externalId: ["external_id", required(text)],
  provider: ["provider", text],
  scopes: ["scopes", texts],
  account: ["account", text],
  nonceRequired: ["nonce_required", truth],
};

const ofConnect: Sent<BeginConnectOptions> = {
  provider: ["provider", text],
  externalId: ["external_id", required(text)],
  account: ["account", text],
  grantId: ["grant_id", text],
  scopes: ["scopes", texts],
  returnUrl: ["return_url", required(text)],
  codeChallenge: ["code_challenge", text],
  codeChallengeMethod: ["code_challenge_method", text],
  returnCodeRequired: ["return_code_required", truth],
  loginHint: ["login_hint", text],
  forceConsent: ["force_consent", truth],
  userLabel: ["user_label", text],
  signal: [undefined, abortSignal],
};

const ofFinish: Sent<FinishConnectOptions> = {
  codeVerifier: ["code_verifier", secretText],
  returnCode: ["return_code", secretText],
  signal: [undefined, abortSignal],
};

const ofHandle: Sent<CreateHandleOptions> = {
  name: ["name", required(text)],
  forCaller: ["for_caller", text],
  scopes: ["scopes", texts],
  expiresInSeconds: ["expires_in", number],
};

const ofSession: Sent<CreateSessionOptions> = {
  allow: ["allow", required(texts)],
  grants: ["grants", required(texts)],
  providers: ["providers", texts],
  scopes: ["scopes", texts],
  expiresInSeconds: ["expires_in", number],
};

const ofSessions: Sent<SessionQuery> = { cursor: ["cursor", text], limit: ["limit", number] };

const ofQuery: Sent<GrantQuery> = {
  state: ["state", text],
  provider: ["provider", text],
  subject: ["subject", text],
  externalId: ["external_id", text],
  account: ["account", text],
  limit: ["limit", number],
  cursor: ["cursor", text],
};

const ofEvents: Sent<EventsOptions> = {
  grant: [undefined, { fits: () => true, must: "a reference" }],
  after: ["after", number],
  waitSeconds: ["wait_seconds", number],
  limit: ["limit", number],
  signal: [undefined, abortSignal],
};

type Verb =
  | "exchangeCode"
  | "deposit"
  | "createTicket"
  | "beginConnect"
  | "finishConnect"
  | "grants"
  | "events"
  | "handles.create"
  | "sessions.create"
  | "sessions.list";

const verbs: Readonly<Record<Verb, Readonly<Record<string, readonly [string | undefined, Rule]>>>> = {
  exchangeCode: ofCode,
  deposit: ofDeposit,
  createTicket: ofTicket,
  beginConnect: ofConnect,
  finishConnect: ofFinish,
  grants: ofQuery,
  events: ofEvents,
  "handles.create": ofHandle,
  "sessions.create": ofSession,
  "sessions.list": ofSessions,
};

/**
 * What of a verb's options is sent.
 *
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names the option
 */
export function membersOf(verb: Verb, options: object): Record<string, unknown> {
  const sent = Object.entries(verbs[verb]);
  assertOptions(verb, options, Object.fromEntries(sent.map(([name, [, rule]]) => [name, rule])));
  const given = options as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    sent.flatMap(([name, [wire]]) =>
      wire === undefined || given[name] === undefined ? [] : [[wire, exposed(given[name])] as const],
    ),
  );
}

/** What a verb's options are as a query. */
export function queryOf(verb: Verb, options: object, more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(more);
  for (const [name, value] of Object.entries(membersOf(verb, options))) query.set(name, String(value));
  return query.size === 0 ? "" : `?${query.toString()}`;
}

function exposed(value: unknown): unknown {
  return value instanceof Secret ? value.expose() : value;
}
