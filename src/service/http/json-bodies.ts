import type { Diagnosis } from "../../core/diagnosis/diagnosis.ts";
import type {
  AccessToken,
  AuditLogRow,
  Caller,
  Grant,
  GrantPage,
  Handle,
  KeyStatus,
  Probe,
  Session,
} from "../../index.ts";
import { invalidRequest } from "../../core/errors.ts";
import { askAgainAt } from "../../core/token-life.ts";
import { safeHeaders } from "./answer-headers.ts";

/** A page of grants as JSON. */
export function pageBody({ grants, unreadable = [], cursor }: GrantPage): Record<string, unknown> {
  const closed = unreadable.map(({ grantId, provider, state, values, keyIds }) => {
    return { grant_id: grantId, provider, state, values, data_keys: keyIds };
  });
  return { grants: grants.map(grantBody), ...(closed.length === 0 ? {} : { unreadable: closed }), cursor };
}

/** A grant as JSON: OAuth's spelling, times in ISO 8601, and no token. */
export function grantBody(grant: Grant): Record<string, unknown> {
  return {
    grant_id: grant.grantId,
    provider: grant.provider,
    issuer: grant.issuer,
    client_id: grant.clientId,
    subject: grant.subject,
    external_id: grant.externalId,
    account: grant.account,
    external_ids: grant.externalIds.map(({ externalId, account }) => ({ external_id: externalId, account })),
    profile: grant.profile,
    scope: grant.scopes.join(" "),
    missing_scopes: grant.missingScopes,
    state: grant.state,
    ...diagnosisBody(grant),
    since: grant.since,
    offline: grant.offline,
    generation: grant.generation,
    created_at: grant.createdAt,
    updated_at: grant.updatedAt,
    last_refresh_at: grant.lastRefreshAt,
    access_expires_at: grant.accessExpiresAt,
    access_token_end_known: grant.accessTokenEndKnown,
    reauthorize_before: grant.reauthorizeBefore,
    last_error: grant.lastError,
    hint: grant.hint,
  };
}

/** Why a grant is not well, as JSON; nothing where it is. */
function diagnosisBody({
  reason,
  certainty,
  evidence,
  dependsOn,
  fix,
  steps,
  causes,
  also,
}: Partial<Diagnosis>): Record<string, unknown> {
  return {
    reason,
    certainty,
    evidence,
    depends_on: dependsOn,
    fix,
    steps: steps?.map(({ by, what, isSignIn, isDoneByLink }) => {
      return { by, what, is_sign_in: isSignIn, is_done_by_link: isDoneByLink };
    }),
    causes: causes?.map((cause) => ({ reason: cause.reason, certainty: cause.certainty, tell_by: cause.tellBy })),
    also: also?.map((other) => ({ reason: other.reason, depends_on: other.dependsOn, fix: other.fix })),
  };
}

/** What a look at the provider has found, as JSON. */
export function probeBody(probe: Probe): Record<string, unknown> {
  return {
    result: probe.result,
    reason: probe.reason,
    not_asked: probe.notAsked,
    evidence: probe.evidence,
    depends_on: probe.dependsOn,
    fix: probe.fix,
    checked_at: probe.checkedAt,
    expires_at: probe.expiresAt,
    offline: probe.offline,
    missing_scopes: probe.missingScopes,
  };
}

/** A handle as JSON, without its secret. */
export function handleBody(handle: Handle): Record<string, unknown> {
  return {
    handle_id: handle.handleId,
    name: handle.name,
    grant_id: handle.grantId,
    provider: handle.provider,
    for_caller: handle.forCaller,
    caller_id: handle.callerId,
    scopes: handle.scopes,
    created_at: handle.createdAt,
    expires_at: handle.expiresAt,
    revoked_at: handle.revokedAt,
    last_used_at: handle.lastUsedAt,
  };
}

/** A caller as JSON, without its key. */
export function callerBody(caller: Caller): Record<string, unknown> {
  return {
    caller_id: caller.callerId,
    name: caller.name,
    allow: caller.allow,
    grants: caller.grants,
    providers: caller.providers,
    created_at: caller.createdAt,
    expires_at: caller.expiresAt,
    previous_key_until: caller.previousKeyUntil,
    revoked_at: caller.revokedAt,
    last_used_at: caller.lastUsedAt,
  };
}

/** A session as JSON, without its key. */
export function sessionBody(session: Session): Record<string, unknown> {
  return {
    session_id: session.sessionId,
    allow: session.allow,
    grants: session.grants,
    providers: session.providers,
    scopes: session.scopes,
    created_at: session.createdAt,
    expires_at: session.expiresAt,
  };
}

/** The keys of a store as JSON. Nothing in it is secret. */
export function keyStatusBody({ instance, masterKeys, dataKeys, rotation }: KeyStatus): object {
  return {
    instance,
    master_keys: masterKeys.map(({ masterKeyId, given, wraps }) => ({ key_id: masterKeyId, given, wraps })),
    data_keys: dataKeys.map(({ keyId, keyClass, masterKeyId, opens, state, since }) => ({
      key_id: keyId,
      key_class: keyClass,
      master_key_id: masterKeyId,
      opens,
      state,
      ...(since === undefined ? {} : { since }),
    })),
    ...(rotation === undefined
      ? {}
      : {
          rotation: {
            waits_for: rotation.waitsFor,
            resealed: rotation.resealed,
            unreadable: rotation.unreadable,
            round: rotation.round,
            fraction: rotation.fraction,
          },
        }),
  };
}

/** A row of the audit log as JSON. */
export function auditBody(row: AuditLogRow): Record<string, unknown> {
  return {
    seq: row.seq,
    at: row.at,
    caller: row.caller,
    action: row.action,
    grant_id: row.grantId,
    generation: row.generation,
    outcome: row.outcome,
    detail: row.detail,
    request_id: row.requestId,
    session_id: row.sessionId,
    hash: row.hash,
  };
}

/** Lists of scopes as JSON. Thousands of tokens have the same list. */
const knownScopes = new WeakMap<readonly string[], string>();

/** The starts of the token endpoint's answers. The end, `expires_in`, changes with every second. */
const oauthStarts = new WeakMap<AccessToken, string>();

/**
 * A token as JSON, with `expires_at` (seconds since the epoch) what somebody needs who keeps a copy of it, and the members of OAuth. Put
 * together by hand: this is the one answer that is given thousands of times a second. Where nobody knows when the token ends,
 * `expires_in` and `expires_at` are left out.
 *
 * @param now milliseconds since the epoch, for `expires_in`
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5.1 | RFC 6749 section 5.1}
 */
export function tokenBody(token: AccessToken, now: number): string {
  return withLife(tokenStart(token), token.expiresAt?.getTime(), now);
}

/** What {@link tokenBody} begins with, to be made once: {@link withLife} makes it whole. */
export function tokenStart(token: AccessToken): string {
  const { issuedAt, provider, generation } = token.issue;
  // Where a damaged row leaves no such time: null.
  const refreshAt = JSON.stringify(new Date(askAgainAt(issuedAt, token.expiresAt?.getTime())).toJSON());
  const whose = `"grant_id":${JSON.stringify(token.grantId)},"provider":${JSON.stringify(provider)}`;
  return startOf(token, `,"refresh_at":${refreshAt},${whose},"generation":${generation}`);
}

/** {@link tokenBody} of the token endpoint: what OAuth has in it, and `expires_at`. */
export function oauthTokenBody(token: AccessToken, now: number): string {
  return withLife(startOf(token, ""), token.expiresAt?.getTime(), now);
}

/** {@link oauthTokenBody} in characters of one byte each, for an answer that is given again and again. */
export function oauthTokenBytes(token: AccessToken, now: number): string {
  let start = oauthStarts.get(token);
  if (start === undefined) oauthStarts.set(token, (start = asBytes(startOf(token, ""))));
  return withLife(start, token.expiresAt?.getTime(), now);
}

/**
 * Makes the start of a token's answer whole.
 *
 * @param endsAt when the token ends, milliseconds since the epoch; undefined where nobody knows: the start is whole then
 */
export function withLife(start: string, endsAt: number | undefined, now: number): string {
  return endsAt === undefined ? start : `${start}${Math.max(0, Math.floor((endsAt - now) / 1000))}}`;
}

/** @param more members, each after a comma */
function startOf({ token, expiresAt, scopes }: AccessToken, more: string): string {
  const first = `{"access_token":${JSON.stringify(token)},"token_type":"Bearer","scope":${scopeOf(scopes)}`;
  if (expiresAt === undefined) return `${first}${more}}`;
  return `${first},"expires_at":${Math.floor(expiresAt.getTime() / 1000)}${more},"expires_in":`;
}

function scopeOf(scopes: readonly string[]): string {
  let scope = knownScopes.get(scopes);
  if (scope === undefined) knownScopes.set(scopes, (scope = JSON.stringify(scopes.join(" "))));
  return scope;
}

/** A text whose characters are the bytes of this one in UTF-8: it is written without being looked through. */
export function asBytes(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString("latin1");
}

/** The longest life of a token that may be asked for, seconds. */
export const longestTtlSeconds = 86_400;

/**
 * The headers of a token answer.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5.1 | RFC 6749 section 5.1}
 */
export const tokenHeaders: Readonly<Record<string, string>> = {
  "content-type": "application/json",
  "cache-control": "no-store",
  ...safeHeaders,
};

/** The headers of a token answer of the token endpoint. */
export const oauthTokenHeaders: Readonly<Record<string, string>> = { ...tokenHeaders, pragma: "no-cache" };

/**
 * Reads a whole number out of a parameter.
 *
 * @param name of the parameter, for the message
 * @returns undefined where the parameter is absent
 * @throws {OnbehalfError} `invalid_request`: not digits alone, or outside `from` to `to`
 */
export function wholeNumber(name: string, text: string | undefined, from: number, to: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= from && value <= to) return value;
  throw invalidRequest(
    `${name} must be a whole number from ${from} to ${to}`,
    `send ${name} as plain digits, or leave it out`,
    name,
  );
}
