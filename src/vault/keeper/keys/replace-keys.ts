import { nextKeyStep, silentMs } from "../../../core/data-keys.ts";
import type { KeyStep } from "../../../core/data-keys.ts";
import { afterPage, beginReseal, fractionOf, readProgress } from "../../../core/reseal-progress.ts";
import type { ResealProgress } from "../../../core/reseal-progress.ts";
import { sealingClasses } from "../../../crypto/keyring.ts";
import type { KeyReader, StoredKey } from "../../../store/key-store.ts";
import type { DataKeys } from "../../context.ts";
import type { KeeperContext } from "../context.ts";
import { resealPage } from "./reseal-rows.ts";

/** How many rows are sealed anew in one transaction. Others who write wait for no more than that. */
const rowsAtOnce = 100;
/** How many rows are looked at in one page once nothing is expected there. */
const rowsToCheck = 500;
/** How long one round may take, milliseconds. The next one comes a second later. */
const roundMs = 5_000;
/** The longest pause between two pages, milliseconds. It is as long as the page took: callers come before this work. */
const longestPauseMs = 50;
/** How often an event tells of the progress, milliseconds. */
const tellEveryMs = 10_000;

/**
 * Makes the function that takes the replacement of data keys further; while no key is being replaced, it returns at once.
 * All keepers of a store may call it at the same time: what one of them has done, the others do not do again.
 */
export function replaceKeys(context: KeeperContext): (signal: AbortSignal) => Promise<void> {
  const { keys, clock, emit } = context;
  let toldAt = -Infinity;
  const tell = ({ resealed, unreadable, round, ...rest }: ResealProgress): void => {
    const now = clock.now();
    if (Math.abs(now - toldAt) < tellEveryMs && !rest.isEmpty) return;
    toldAt = now;
    emit({
      type: "resealing",
      resealed,
      unreadable,
      round,
      fraction: fractionOf({ ...rest, resealed, unreadable, round }),
    });
  };
  return async (signal) => {
    if (keys?.isChanging !== true) return;
    const until = clock.now() + roundMs;
    do {
      await keys.look();
    } while (await takeStep(context, keys, () => signal.aborted || clock.now() > until, tell));
  };
}

/** @returns whether another step may be due at once */
async function takeStep(
  context: KeeperContext,
  keys: DataKeys,
  isOver: () => boolean,
  tell: (progress: ResealProgress) => void,
): Promise<boolean> {
  const { store, emit } = context;
  const { revision, keys: stored } = keys.stored;
  const now = await store.now();
  const everybodyKnows = await isKnownToAll(context, revision, now);
  const older = stored.filter(({ state, keyClass }) => state === "previous" && sealingClasses.has(keyClass));
  const ids = older.map(({ keyId }) => keyId);
  const progress = progressOf(ids, await store.resealProgress());
  const step = nextKeyStep(stored, sealingClasses, now, everybodyKnows, progress?.isEmpty === true);
  if (step.promote.length > 0 || step.retire.length > 0) {
    if (await store.changeKeys(revision, { states: statesAfter(stored, step, now) })) {
      if (step.promote.length > 0) emit({ type: "data_keys_promoted", keyIds: step.promote });
      if (step.retire.length > 0) emit({ type: "data_keys_retired", keyIds: step.retire });
    }
    return !isOver();
  }
  if (step.empty.length === 0 || progress?.isEmpty === true) return false;
  return reseal(context, keys, ids, everybodyKnows, isOver, tell);
}

/** Seals page after page anew. @returns whether it came to the end: the keys may be retired now */
async function reseal(
  { store, clock, sleep }: KeeperContext,
  { keyring }: DataKeys,
  ids: readonly number[],
  everybodyKnows: boolean,
  isOver: () => boolean,
  tell: (progress: ResealProgress) => void,
): Promise<boolean> {
  while (!isOver()) {
    const begunAt = clock.now();
    const before = await store.resealProgress();
    const progress = progressOf(ids, before) ?? beginReseal(ids, everybodyKnows);
    if (progress.isEmpty) return true;
    const page = await resealPage(store, keyring, progress.position, progress.round === 0 ? rowsAtOnce : rowsToCheck);
    const after = afterPage(progress, page, everybodyKnows);
    await store.reseal(page.rows, { before, after: JSON.stringify(after) });
    tell(after);
    // To search once more would prove nothing yet: one of the others may seal with an older key.
    if (after.round > progress.round && !everybodyKnows) return false;
    await sleep(Math.min(longestPauseMs, Math.max(0, clock.now() - begunAt)), undefined, { ref: false });
  }
  return false;
}

/** How far the search for values under these keys has come; undefined where it was one for others. */
function progressOf(ids: readonly number[], text: string | undefined): ResealProgress | undefined {
  const progress = readProgress(text);
  return progress?.keys.join() === ids.join() ? progress : undefined;
}

/** How keys stand after a step. Where a key is promoted, the one that sealed before is `previous`. */
function statesAfter(
  keys: readonly StoredKey[],
  { promote, retire }: KeyStep,
  since: number,
): { readonly keyId: number; readonly state: StoredKey["state"]; readonly since: number }[] {
  const promoted = new Set(keys.filter(({ keyId }) => promote.includes(keyId)).map(({ keyClass }) => keyClass));
  const replaced = keys.filter(({ state, keyClass }) => state === "current" && promoted.has(keyClass));
  return [
    ...replaced.map(({ keyId }) => ({ keyId, state: "previous" as const, since })),
    ...promote.map((keyId) => ({ keyId, state: "current" as const, since })),
    ...retire.map((keyId) => ({ keyId, state: "retired" as const, since })),
  ];
}

/**
 * Whether every process that lives has read the data keys of this revision. One of another machine that was silent for long
 * counts as gone: should it come back, it reads the keys when it meets a value that it cannot open.
 */
async function isKnownToAll(context: KeeperContext, revision: number, now: number): Promise<boolean> {
  const { store } = context;
  const behind = (await store.keyReaders()).filter((reader) => reader.revision < revision);
  let isKnown = true;
  for (const reader of behind) {
    if (await isGone(context, reader, now)) await store.dropKeyReader(reader.owner);
    else isKnown = false;
  }
  return isKnown;
}

async function isGone({ livenessOf }: KeeperContext, { owner, seenAt }: KeyReader, now: number): Promise<boolean> {
  const liveness = await livenessOf(owner);
  return liveness === "dead" || (liveness === "unknown" && now - seenAt > silentMs);
}
