import { deepStrictEqual } from "node:assert/strict";
import type { AttemptResult, Owner } from "../../core/take-over.ts";
import { newGrant } from "../new-grant.ts";
import type { FoundTokenRow, GrantRow, TokenColumns, TokenRow } from "../grant-row.ts";
import type { HashedTie, Store } from "../store.ts";
import type { IntakeRow } from "../intake-store.ts";
import type { TicketRow } from "../ticket-store.ts";
import { suiteTime } from "./suite-stores.ts";

let made = 0;

/** A name that no other row of this run has. */
export function unique(prefix: string): string {
  made += 1;
  return `${prefix}${made.toString(36).padStart(6, "0")}`;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function owner(name: string): Owner {
  return { node: "host/boot/ns", pid: 4711, startedAt: "99", vault: name };
}

/** Makes a grant as a first consent leaves it, with every column filled that it fills. */
export function grant(changes: Partial<GrantRow> = {}): GrantRow {
  const grantId = changes.grantId ?? unique("g_");
  return {
    grantId,
    provider: "google",
    issuer: "https://accounts.google.com",
    clientId: "client-1",
    subjectHash: bytes(`subject of ${grantId}`),
    identityMac: bytes(`identity of ${grantId}`),
    profileSealed: bytes("profile"),
    ...newGrant,
    consentedAt: suiteTime,
    withheldScope: "withheld",
    stateSince: suiteTime,
    createdAt: suiteTime,
    updatedAt: suiteTime,
    ...tokens("1"),
    ...changes,
  };
}

/** Makes what an exchange brings; `name` tells one answer from another. */
export function tokens(name: string): TokenColumns {
  return {
    refreshSealed: bytes(`refresh ${name}`),
    refreshExpiresAt: null,
    consentExpiresAt: null,
    announceEndAt: null,
    refreshPrefixHash: bytes(`prefix ${name}`),
    refreshDigestHash: bytes(`digest ${name}`),
    accessSealed: bytes(`access ${name}`),
    accessIssuedAt: suiteTime,
    accessExpiresAt: suiteTime + 3_600_000,
    scope: "openid email",
    lostScope: `lost ${name}`,
  };
}

/** Makes a grant and stores it as a code would bring it. */
export async function save(store: Store, changes: Partial<GrantRow> = {}): Promise<GrantRow> {
  const row = grant(changes);
  if (!(await store.saveFromIntake(row, null, bytes(unique("code "))))) throw new Error(`${row.grantId} was not saved`);
  return row;
}

/** One of the app's own user ids, with the label of an account of that user. */
export function tie(externalId: string, account = "only"): HashedTie {
  return { externalHash: bytes(externalId), accountHash: bytes(account) };
}

/** Makes a grant that is known by one of the app's own user ids, and stores it. */
export async function saveKnownBy(
  store: Store,
  externalId: string,
  changes: Partial<GrantRow> = {},
  account?: string,
): Promise<GrantRow> {
  const row = grant(changes);
  const saved = await store.saveFromIntake(row, null, bytes(unique("code ")), { add: tie(externalId, account) });
  if (!saved) throw new Error(`${row.grantId} was not saved`);
  return row;
}

/** What of a grant an answer with its access token needs. */
export function tokenRowOf(row: GrantRow): TokenRow {
  const { grantId, provider, issuer, clientId, state, generation, scope } = row;
  const { accessSealed, accessIssuedAt, accessExpiresAt, refreshSealed } = row;
  const held = { grantId, provider, issuer, clientId, state, generation, scope };
  return { ...held, accessSealed, accessIssuedAt, accessExpiresAt, isRefreshable: refreshSealed !== null };
}

/** The same where it is found by a hash. */
export function foundTokenRowOf(row: GrantRow): FoundTokenRow {
  const { subjectHash, profileSealed } = row;
  return { ...tokenRowOf(row), subjectHash, profileSealed };
}

/** Makes and stores a grant, and brings it into a state by the calls that lead there. */
export async function saveIn(store: Store, state: GrantRow["state"]): Promise<GrantRow> {
  const { grantId } = await save(store, state === "suspect" ? { state } : {});
  if (state === "lapsed") await store.lapse(grantId, 1, "invalid_grant", "invalid_grant", suiteTime + 1);
  if (state === "revoking" || state === "revoked") await store.beginRevocation(grantId, suiteTime + 1);
  if (state === "revoked") await store.endRevocation(grantId, 1, suiteTime + 2);
  return read(store, grantId);
}

/** Begins an attempt under an owner of the same name; on the first generation, unless another is given. */
export function begin(
  store: Store,
  grantId: string,
  attemptId: string,
  {
    replaces,
    generation = 1,
    at = suiteTime,
  }: { readonly replaces?: string; readonly generation?: number; readonly at?: number } = {},
): Promise<AttemptResult<GrantRow>> {
  return store.beginAttempt({ attemptId, grantId, generation, owner: owner(attemptId), at }, replaces);
}

export async function read(store: Store, grantId: string): Promise<GrantRow> {
  const row = await store.grantById(grantId);
  if (row === undefined) throw new Error(`${grantId} is not in the store`);
  return row;
}

export function intake(
  changes: Partial<IntakeRow> = {},
): Pick<IntakeRow, "codeHash" | "clientId" | "owner" | "contextSealed"> {
  return {
    codeHash: bytes(unique("code ")),
    clientId: "client-1",
    owner: owner("first"),
    contextSealed: bytes("context"),
    ...changes,
  };
}

export function ticket(changes: Partial<TicketRow> = {}): Pick<TicketRow, "ticketHash" | "contextSealed" | "issuedAt"> {
  return {
    ticketHash: bytes(unique("ticket ")),
    contextSealed: bytes("ticket context"),
    issuedAt: suiteTime,
    ...changes,
  };
}

/** Compares rows; bytes by their content, whichever class they come in. */
export function same(actual: unknown, expected: unknown): void {
  deepStrictEqual(plain(actual), plain(expected));
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}
