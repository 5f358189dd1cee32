/**
 * How a data key is replaced while the store is in use: added, promoted, emptied, retired. What is decided from what is
 * known of keys and processes belongs here; what does it does not.
 */

/**
 * Where a data key stands.
 *
 * - `next`: every process must learn of it. It opens, and seals nothing yet.
 * - `current`: it seals. Each class has one.
 * - `previous`: it opens. What it has sealed is sealed anew.
 * - `retired`: nothing is left under it. It opens what may come late, such as an answer that waited in a rescue folder.
 */
export type KeyState = "next" | "current" | "previous" | "retired";

/** What is known of a data key. Its class is one of the keyring's. */
export interface KeyFacts {
  readonly keyId: number;
  readonly keyClass: string;
  readonly state: KeyState;
  /** Since when it is in this state, by the store's clock, milliseconds since the epoch. */
  readonly since: number;
}

/** How often a process looks for new data keys, milliseconds. */
export const keyPollMs = 5_000;
/** How long a new data key is only made known before it seals, milliseconds: several looks of every process. */
export const learnMs: number = 3 * keyPollMs;
/**
 * How long a new signing key stands in the published key set before it signs, milliseconds: apps' backends keep the set
 * for some minutes.
 */
export const publishMs = 600_000;
/** How long a signing key stays published after its last signature, milliseconds. What it has signed lives for minutes. */
export const overlapMs = 86_400_000;
/** A process that nobody can see, and that has not been heard of for so long while keys change, counts as gone, milliseconds. */
export const silentMs = 120_000;

/** What is to be done about data keys now. */
export interface KeyStep {
  /** Ids of keys that seal from now on. */
  readonly promote: readonly number[];
  /** Ids of keys under which nothing is left. */
  readonly retire: readonly number[];
  /** Ids of keys whose values must be sealed anew. */
  readonly empty: readonly number[];
  /** How long until something may be due, milliseconds; undefined where nothing is under way. */
  readonly waitMs?: number;
}

/**
 * What is to be done next.
 *
 * @param sealing the classes whose keys seal values; a key of another class is retired by time alone
 * @param now by the store's clock, milliseconds since the epoch
 * @param everybodyKnows whether every process that lives has read the keys as they stand
 * @param isEmpty whether a search that began after everybody knew has found nothing under the keys that are `previous`
 */
export function nextKeyStep(
  keys: readonly KeyFacts[],
  sealing: ReadonlySet<string>,
  now: number,
  everybodyKnows: boolean,
  isEmpty: boolean,
): KeyStep {
  const waits: number[] = [];
  const isDue = ({ since }: KeyFacts, afterMs: number): boolean => {
    // A time in the future was written by a clock that was ahead: it must not hold the keys for as long.
    const leftMs = since > now ? 0 : since + afterMs - now;
    if (leftMs > 0) waits.push(leftMs);
    return leftMs <= 0;
  };
  const due = keys.filter((key) => key.state === "next" && isDue(key, sealing.has(key.keyClass) ? learnMs : publishMs));
  const left = keys.filter(({ state }) => state === "previous");
  const sealed = left.filter(({ keyClass }) => sealing.has(keyClass));
  const signed = left.filter((key) => !sealing.has(key.keyClass) && isDue(key, overlapMs));
  const promote = everybodyKnows ? due.map(({ keyId }) => keyId) : [];
  const retire = everybodyKnows ? [...(isEmpty ? sealed : []), ...signed].map(({ keyId }) => keyId) : [];
  const empty = isEmpty && everybodyKnows ? [] : sealed.map(({ keyId }) => keyId);
  const isUnderWay = keys.some(({ state }) => state === "next" || state === "previous");
  return { promote, retire, empty, ...(isUnderWay ? { waitMs: Math.min(keyPollMs, ...waits) } : {}) };
}
