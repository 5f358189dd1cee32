import { everyGrant } from "../../core/reach.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { callerGrantsPlace } from "../../crypto/places.ts";
import type { CallerRow } from "../../store/caller-store.ts";

/**
 * What a caller may do: get access tokens, call APIs through the proxy, and read, create or revoke grants. `grants:move`:
 * take an external id from another grant that is in use, so that it means another account from then on. `connect`: let a
 * person's own device or browser make a grant for an external id that the caller names. `metrics`: read the service's
 * counters, which are about every grant. `audit`: read what happened, which is about every grant, too. `handles`: make,
 * list and end handles of grants. `sessions`: make keys for minutes or hours that may do no more than its own. `events`: read what
 * happened to the grants that it sees.
 */
export type Permission =
  | "token"
  | "proxy"
  | "grants:read"
  | "grants:create"
  | "grants:move"
  | "grants:revoke"
  | "connect"
  | "metrics"
  | "audit"
  | "handles"
  | "sessions"
  | "events";

/** Every {@link Permission}. */
export const permissions: readonly Permission[] = [
  "token",
  "proxy",
  "grants:read",
  "grants:create",
  "grants:move",
  "grants:revoke",
  "connect",
  "metrics",
  "audit",
  "handles",
  "sessions",
  "events",
];

/** A program that uses the service, known by its key. The key itself is not in it. */
export interface Caller {
  /** Part of the key, and no secret. It stays the same when the key is rotated. */
  readonly callerId: string;
  /** Unique among callers whose keys are not revoked. */
  readonly name: string;
  /** What it may do. */
  readonly allow: readonly Permission[];
  /** Which grants it may do that with: `ext:VALUE`, `ext:PREFIX*`, `g_…`, or `*` for every grant. */
  readonly grants: readonly string[];
  /** The providers' short names whose grants it may see. Absent: every provider's. */
  readonly providers?: readonly string[];
  readonly createdAt: Date;
  /** Absent: the key does not expire. */
  readonly expiresAt?: Date;
  /** Until when the key before the last rotation works as well. Absent: there is none. */
  readonly previousKeyUntil?: Date;
  /** Absent: the key is not revoked. */
  readonly revokedAt?: Date;
  /** When the key was used last, to ten minutes. Absent: never. */
  readonly lastUsedAt?: Date;
  /**
   * Where the key is that of a session. What the caller may do and see is then what the session may, of what its maker may
   * now. Absent: the caller's own key.
   */
  readonly session?: CallerSession;
}

/** Of a caller that uses the key of a session. */
export interface CallerSession {
  readonly sessionId: string;
  readonly expiresAt: Date;
  /** What a token may be used for at most that the session gets. Absent: no limit. */
  readonly scopes?: readonly string[];
  /** The selectors of the caller that made it: what they do not fit is out of its reach, too. */
  readonly makerGrants: readonly string[];
}

/** What a new caller may do and see. */
export interface CreateCallerOptions {
  /** What it may do. There is no default: a key that may do more than its program needs is a risk without a use. */
  readonly allow: readonly Permission[];
  /** Which grants it may do that with: `ext:VALUE`, `ext:PREFIX*`, `g_…` or `*`. Default: every grant. */
  readonly grants?: readonly string[];
  /** The providers' short names whose grants it may see. Default: every provider's. */
  readonly providers?: readonly string[];
  /** When the key ends. Default: never. */
  readonly expiresAt?: Date;
}

/** How a key is rotated. */
export interface RotateCallerOptions {
  /** How long the key of before works as well, milliseconds. 0: it, and any key before it, ends at once. */
  readonly overlapMs: number;
  /** When the new key ends. Default: when the one of before does. */
  readonly expiresAt?: Date;
}

/** What a caller keeps of its rights. What is absent stays as it is. */
export interface NarrowCallerOptions {
  /** What it may do, of what it may now. */
  readonly allow?: readonly Permission[];
  /** Which grants it may do that with, each within its selectors of now. A `g_…` must be among these, unless they are `*`. */
  readonly grants?: readonly string[];
  /** The providers' short names whose grants it may see, of those of now. */
  readonly providers?: readonly string[];
  /** When its key ends, no later than it does now. */
  readonly expiresAt?: Date;
}

/**
 * Seals a caller's selectors: they may name the app's own users. Null: every grant.
 *
 * @param selectors as `isSelector` accepts them
 */
export function sealSelectors(keyring: Sealer, callerId: string, selectors: readonly string[]): Buffer | null {
  const isLimited = !selectors.includes(everyGrant);
  return isLimited ? keyring.seal(JSON.stringify([...new Set(selectors)]), callerGrantsPlace(callerId)) : null;
}

/** A row as the rest of the program sees it. Selectors that do not open select nothing. */
export function callerOf(keyring: Sealer, row: CallerRow): Caller {
  const { callerId, grantsSealed, providers, expiresAt, previousUntil, revokedAt, lastUsedAt } = row;
  return {
    callerId,
    name: row.name,
    allow: JSON.parse(row.permissions) as Permission[],
    // A damaged value must not widen what the caller may see.
    grants: grantsSealed === null ? [everyGrant] : opened(keyring.open(grantsSealed, callerGrantsPlace(callerId))),
    createdAt: new Date(row.createdAt),
    ...(providers === null ? {} : { providers: JSON.parse(providers) as string[] }),
    ...(expiresAt === null ? {} : { expiresAt: new Date(expiresAt) }),
    ...(previousUntil === null ? {} : { previousKeyUntil: new Date(previousUntil) }),
    ...(revokedAt === null ? {} : { revokedAt: new Date(revokedAt) }),
    ...(lastUsedAt === null ? {} : { lastUsedAt: new Date(lastUsedAt) }),
  };
}

function opened(text: string | undefined): readonly string[] {
  return text === undefined ? [] : (JSON.parse(text) as string[]);
}
