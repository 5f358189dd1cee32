import { assertFits, required, text } from "../../core/argument-checks.ts";
import { invalidRequest } from "../../core/errors.ts";
import type { StandstillReason } from "../../core/epoch.ts";
import { readingClasses } from "../../crypto/keyring.ts";
import { masterKeysOf } from "../../crypto/master-key.ts";
import type { MasterKeySource } from "../../crypto/master-key.ts";
import { openKeyring } from "../../crypto/wrapped-keys.ts";
import type { Store } from "../../store/store.ts";
import { recordAsOperator } from "../context.ts";

/** Whether a store is the one that it was. */
export interface StoreStanding {
  /** How often it was found to be a backup or a copy; 0 for never. */
  readonly epoch: number;
  /** Absent: it does not stand still. */
  readonly standstill?: Standstill;
  /** The last time that it was restored, by an operator's word. Absent: never. */
  readonly restored?: { readonly at: Date; readonly backupAt: Date | null };
}

/** Why a store stands still. */
export interface Standstill {
  /** `told`: an operator has said that it was restored. */
  readonly why: StandstillReason;
  readonly since: Date;
  /** When the store was last known to be itself. Null: nobody knows. */
  readonly backupAt: Date | null;
}

/** What an operator's word has set going. */
export interface StoreSettled {
  /** How many grants are looked at: their providers are asked, one after the other. */
  readonly grants: number;
  /** How many sessions were ended. */
  readonly sessions: number;
}

/**
 * Says whether a store stands still, because it is a restored backup or a copy as far as is known.
 *
 * @param store a store that is open
 * @throws {OnbehalfError} `store_unavailable`
 */
async function standing(store: Pick<Store, "epochs">): Promise<StoreStanding> {
  const rows = await store.epochs(100);
  const [last] = rows;
  const [restored] = rows.flatMap(({ outcome, settledAt, backupAt }) =>
    outcome === "restored" && settledAt !== null ? [{ at: new Date(settledAt), backupAt: dateOf(backupAt) }] : [],
  );
  return {
    epoch: last?.epoch ?? 0,
    ...(last === undefined || last.settledAt !== null
      ? {}
      : { standstill: { why: last.why, since: new Date(last.noticedAt), backupAt: dateOf(last.backupAt) } }),
    ...(restored === undefined ? {} : { restored }),
  };
}

/**
 * Says that a store was restored from a backup, before anything is started on it: it stands still from now on.
 *
 * @param store a store that is open, and has keys
 * @param source gives the master keys, newest first
 * @param backupAt when the backup was made. Default: when the store was last marked
 * @returns true: it stands still now; false: it did so already
 * @throws {OnbehalfError} `key_invalid`, `store_unusable`, `store_unavailable`
 */
async function markRestored(store: Store, source: MasterKeySource, backupAt?: Date): Promise<boolean> {
  await recordBy(store, source);
  const marked = backupAt?.getTime() ?? (await store.epochState(0)).lastMark?.at ?? null;
  return store.beginStandstill({ why: "told", noticedAt: await store.now(), backupAt: marked });
}

/**
 * Says what a store is, as only an operator can, so that it goes on. `restored`: nobody else uses the grants any more. Each of them
 * is then looked at, one after the other: the provider is asked once, and what it refuses lapses. `moved`: it is the store that it
 * was, in another place, and nothing has changed since; nothing else is done.
 *
 * @param store a store that is open, and has keys
 * @param source gives the master keys, newest first
 * @param options.endSessions whether the sessions of all callers are ended. Default: those whose time is not over work again
 * @throws {OnbehalfError} `invalid_request`: it is said to be moved, and does not stand still
 * @throws {OnbehalfError} `key_invalid`, `store_unusable`, `store_unavailable`
 */
async function settle(
  store: Store,
  source: MasterKeySource,
  outcome: "restored" | "moved",
  { endSessions = false }: { readonly endSessions?: boolean } = {},
): Promise<StoreSettled> {
  assertFits("outcome", outcome, required(text));
  const { standstill } = await standing(store);
  if (standstill === undefined) {
    if (outcome === "moved") throw notStandingStill();
    await markRestored(store, source);
  } else await recordBy(store, source);
  const at = await store.now();
  // First: if this is interrupted, the store stands still, and the same is said again.
  const grants = outcome === "restored" ? await lookAtAll(store, at) : 0;
  const sessions = endSessions ? await endAllSessions(store) : 0;
  await store.endStandstill({ outcome, at });
  return { grants, sessions };
}

const pageSize = 100;

async function lookAtAll(store: Store, at: number): Promise<number> {
  let grants = 0;
  for (const state of ["active", "suspect"] as const) {
    for (let after = ""; ;) {
      const rows = await store.listGrants({ state, after, limit: pageSize });
      const held = rows.filter(({ refreshSealed }) => refreshSealed !== null).map(({ grantId }) => grantId);
      if (held.length > 0) await store.lookAt(held, at);
      grants += held.length;
      if (rows.length < pageSize) break;
      after = rows.at(-1)?.grantId ?? after;
    }
  }
  return grants;
}

async function endAllSessions(store: Store): Promise<number> {
  let sessions = 0;
  for (const { callerId } of await store.listCallers()) sessions += await store.endSessionsOf(callerId);
  return sessions;
}

/** The log's rows must be signed: it would count as changed otherwise. */
async function recordBy(store: Store, source: MasterKeySource): Promise<void> {
  const masters = await masterKeysOf(source);
  const stored = await store.readKeys();
  if (stored === undefined)
    throw invalidRequest("the store is new: it holds nothing", "name the store that was restored");
  recordAsOperator(store, openKeyring(stored.instance, stored.keys, masters, readingClasses));
}

function notStandingStill(): ReturnType<typeof invalidRequest> {
  return invalidRequest("the store does not stand still", "look with: onbehalf store status");
}

function dateOf(at: number | null): Date | null {
  return at === null ? null : new Date(at);
}

/** What an operator asks and says of a store that was restored, or seems to be. Each takes an open store. */
export const storeEpoch: {
  readonly standing: typeof standing;
  readonly markRestored: typeof markRestored;
  readonly settle: typeof settle;
} = { standing, markRestored, settle };
