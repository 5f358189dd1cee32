/**
 * Whether a database is the one that it was: a backup that was restored, and a copy, do not know what happened since. What is
 * decided from facts belongs here; what gathers them does not.
 */

/** Where a database is, as far as that can be told. */
export interface StorePlace {
  /**
   * What stays the same when the database is reached in another way, and not when it is copied: a file's number, a server's
   * identifier and the database's own. Empty: nobody can tell.
   */
  readonly id: string;
  /** By which path or name it is reached. */
  readonly path: string;
  /** How often a server's history has forked, by failing over or by going back to a point in time. Absent: it does not fork. */
  readonly timeline?: number;
}

/** A random word that is written into the database, and kept outside of it. */
export interface StoreMark {
  /** 1 for the first. */
  readonly markNo: number;
  readonly mark: string;
  /** When it was written, milliseconds since the epoch. */
  readonly at: number;
  /** The number of the latest change of a grant then. */
  readonly changeSeq: number;
  readonly place: StorePlace;
}

/** What is remembered of a database outside of it. */
export interface KeptMark extends Pick<StoreMark, "markNo" | "mark" | "changeSeq" | "place"> {
  /** In which epoch of the database. */
  readonly epoch: number;
}

/** What a database says of itself. */
export interface StoreSelf {
  /** The number of the latest change of a grant. */
  readonly changeSeq: number;
  /** Absent: it was never marked. */
  readonly lastMark?: StoreMark | undefined;
  /** What stands under the number of the mark that is remembered. Absent: nothing, or not any more. */
  readonly markThere?: string | undefined;
  /** How often it was found to be a backup or a copy. */
  readonly epoch: number;
  /** When an operator has last said that it may go on, milliseconds since the epoch. Null: nobody had to. */
  readonly settledAt: number | null;
}

/** What a database is. */
export type Recognised =
  | { readonly is: "known" }
  /**
   * It is as it was before: a backup was restored, or its disk or server went back. `certain`: something outside of it knows
   * better.
   */
  | { readonly is: "restored"; readonly certain: boolean }
  /** It is somewhere else than where it was marked: it was moved, copied or restored there. */
  | { readonly is: "copied" }
  /** Its server has lost the last commits, as where a replica took over that was a moment behind. */
  | { readonly is: "behind"; readonly changes: number };

/**
 * For how long a database may rest without a mark before a forked history is taken for an old backup, milliseconds. While a
 * service runs, it marks each hour at least, so that a replica that takes over has a mark that is not older.
 */
export const restingMs = 10_800_000;

/**
 * Decides whether this is the database that was known.
 *
 * @param facts.kept what is remembered outside of it; absent where nothing is, as in a container without a volume
 * @param facts.place where it is now
 * @param facts.isReplicated whether a replica may take its place, which may have lost the last commits. Those hold back nothing:
 *   what they brought is gone, and nothing that is held back would bring it again
 * @param facts.now milliseconds since the epoch
 */
export function recognise({
  self: { changeSeq, lastMark, markThere, epoch, settledAt },
  kept: remembered,
  place,
  isReplicated,
  now,
}: {
  readonly self: StoreSelf;
  readonly kept: KeptMark | undefined;
  readonly place: StorePlace;
  readonly isReplicated: boolean;
  readonly now: number;
}): Recognised {
  // What is remembered from before an operator's word says nothing any more.
  const kept = remembered !== undefined && remembered.epoch >= epoch ? remembered : undefined;
  if (kept !== undefined) {
    // Marks that are long over are gone. Where later ones are there, so was this one.
    const isMarked =
      kept.markNo < (lastMark?.markNo ?? 0) ? (markThere ?? kept.mark) === kept.mark : markThere === kept.mark;
    if (!isMarked) return { is: "restored", certain: true };
    const changes = kept.changeSeq - changeSeq;
    if (changes > 0) return isReplicated ? { is: "behind", changes } : { is: "restored", certain: true };
    // A file that was moved has kept its number, and one in the same place has perhaps another one after a start: some file
    // systems number anew.
    const isElsewhere = !isReplicated && isOther(kept.place, place) && kept.place.path !== place.path;
    return isElsewhere ? { is: "copied" } : { is: "known" };
  }
  if (lastMark === undefined || (settledAt !== null && lastMark.at <= settledAt)) return { is: "known" };
  if (isOther(lastMark.place, place)) return { is: "copied" };
  const hasForked = (place.timeline ?? 0) > (lastMark.place.timeline ?? place.timeline ?? 0);
  return hasForked && now - lastMark.at > restingMs ? { is: "restored", certain: false } : { is: "known" };
}

function isOther(one: StorePlace, other: StorePlace): boolean {
  return one.id !== "" && other.id !== "" && one.id !== other.id;
}

/**
 * How many numbers of events, changes and rows of the audit log are left out each time that a database is found to be a backup or a
 * copy: more than may have been given out since. What is between two numbers is counted without them.
 */
export const numbersLeftOut = 1_000_000_000;

/** How often a database is marked that changes, milliseconds. */
export const markEveryMs = 60_000;
/** How often one is marked in which nothing changes, milliseconds. */
export const markAtRestMs = 3_600_000;

/** Whether a database is to be marked now. */
export function isMarkDue({ changeSeq, lastMark, settledAt }: StoreSelf, now: number): boolean {
  // The last one before an operator's word is that of the backup.
  if (lastMark === undefined || (settledAt !== null && lastMark.at <= settledAt)) return true;
  const age = now - lastMark.at;
  // One from a clock that was ahead must not keep others from being written.
  return age < 0 || age >= (changeSeq > lastMark.changeSeq ? markEveryMs : markAtRestMs);
}

/** Why a database stands still. `told`: an operator has said that it was restored. */
export const standstillReasons = ["restored", "copied", "told"] as const;
export type StandstillReason = (typeof standstillReasons)[number];

/**
 * Whether a refresh token may be sent while the database stands still, since only an operator knows whether another store has
 * the same grants, and whether the token was replaced since the backup. It may where a caller waits for it and the provider does
 * not rotate: then sending it changes nothing.
 *
 * @param rotation of the provider
 */
export function maySendAtStandstill(rotation: unknown, priority: "interactive" | "background"): boolean {
  return priority === "interactive" && rotation === "none";
}

/** A time at which a database was restored. Times are milliseconds since the epoch. */
export interface Restore {
  readonly noticedAt: number;
  /** When it was last known to be itself. Null: nobody knows. */
  readonly backupAt: number | null;
  readonly outcome: "restored" | "moved" | null;
}

/**
 * The restore that a grant has not been exchanged since, so that what its provider refuses may have been replaced or revoked
 * between the backup and the restore; undefined where there is none.
 *
 * @param exchangedAt when the grant's last exchange was, milliseconds since the epoch; null: nobody knows
 */
export function restoreSince(restores: readonly Restore[], exchangedAt: number | null): Restore | undefined {
  return restores.find(({ outcome, noticedAt }) => outcome !== "moved" && (exchangedAt ?? 0) < noticedAt);
}
