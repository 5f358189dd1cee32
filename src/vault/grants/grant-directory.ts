import { defined } from "../../core/defined.ts";
import { isOnbehalfError } from "../../core/errors.ts";
import type { Grant } from "../../core/grant.ts";
import { asItStands } from "../../core/grant-state.ts";
import type { GrantState } from "../../core/grant-state.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import { changesAtOnce } from "../../store/store.ts";
import type { VaultContext } from "../context.ts";
import { diagnosisOf, learnLives } from "./diagnosed.ts";
import { grantOf } from "./sealed-grant.ts";

/** How many rows are opened between two turns of other work. */
const rowsAtOnce = 250;
/** How old what is known may be, milliseconds, before changes are looked for. */
const lookEveryMs = 2_000;
/** After what time of no use it is forgotten, milliseconds. */
const keptMs = 900_000;
/** Three hundred bytes each: 75 MB. */
const mostGrants = 250_000;

type Context = Pick<VaultContext, "store" | "keyring" | "clock" | "protocols">;

/** What is known of a grant by which it is searched for. */
export interface DirectoryEntry {
  readonly grantId: string;
  readonly provider: string;
  readonly state: GrantState;
  /**
   * Why it is not well, as it was when its row was read; `unreadable`: its profile does not open. Absent: it is well.
   */
  readonly reason?: string;
  /** Whom that depends on. */
  readonly dependsOn?: string;
  /** When its consent ends, milliseconds since the epoch, where that is why it is not well. */
  readonly endsAt?: number;
  /** Since when it has been in its state, milliseconds since the epoch. */
  readonly since: number;
  /**
   * What it is called: its id, external ids, labels, the subject and the e-mail address, in lower case, each after a line break.
   * One text takes half the memory of a list, and is searched as fast.
   */
  readonly names: string;
}

/** Which grants are searched for: those that fit everything that is given. */
export interface DirectoryQuery {
  /** The start of one of its names, or of its id. */
  readonly text?: string;
  readonly state?: GrantState;
  readonly reason?: string;
  readonly provider?: string;
}

/** How far it has come. */
export interface DirectoryProgress {
  /** How many grants are known. */
  readonly known: number;
  /** Whether these are all. */
  readonly isWhole: boolean;
  /** Whether there are more than it takes: then the rest will not be known. */
  readonly isFull: boolean;
}

/**
 * Every grant by what people call it. The store has these words sealed and can find whole ones alone, by their keyed hashes.
 * So a process that is asked reads all grants once, a few at a time, and then the changes. It forgets them when nobody has
 * asked for a quarter of an hour.
 */
export class GrantDirectory {
  readonly #context: Context;
  readonly #nowMs: () => number;
  readonly #most: number;
  #entries = new Map<string, DirectoryEntry>();
  #words = new Words();
  /** The newest first. Made anew when it is asked for, where an entry came, went or moved. */
  #sorted: readonly DirectoryEntry[] | undefined;
  /** When those lapse by the time alone that hold no refresh token, milliseconds since the epoch: no change tells of it. */
  #ends = new Map<string, number>();
  #seq = 0;
  /** Whether all rows were read once, or as many as it takes. */
  #isRead = false;
  #isFull = false;
  #lookedAt = -Infinity;
  #reading: Promise<void> | undefined;
  #looking: Promise<void> | undefined;
  #forgetting: NodeJS.Timeout | undefined;
  #isClosed = false;

  /**
   * @param nowMs a clock that nobody moves, milliseconds
   * @param most how many grants it takes
   */
  constructor(context: Context, nowMs: () => number = () => performance.now(), most: number = mostGrants) {
    this.#context = context;
    this.#nowMs = nowMs;
    this.#most = most;
  }

  /**
   * Brings it up to date, or begins to. It waits for changes, and for the first reading no longer than it is told.
   *
   * @param waitMs for how long the first reading is waited for, milliseconds
   * @throws {OnbehalfError} `store_unavailable`
   */
  async look(waitMs: number): Promise<DirectoryProgress> {
    this.#keep();
    if (!this.#isRead) {
      this.#reading ??= this.#readAll().finally(() => (this.#reading = undefined));
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, waitMs);
      await Promise.race([this.#reading, late]).finally(() => clearTimeout(timer));
    } else if (this.#nowMs() - this.#lookedAt >= lookEveryMs) await this.lookNow();
    return { known: this.#entries.size, isWhole: this.#isRead && !this.#isFull, isFull: this.#isFull };
  }

  /** Looks for changes, however lately that was done: somebody has just made one. */
  async lookNow(): Promise<void> {
    if (!this.#isRead) return;
    this.#looking ??= this.#readChanges().finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  /** The grants that fit, the newest state first. */
  search(query: DirectoryQuery): readonly DirectoryEntry[] {
    const { text, state, reason, provider } = query;
    const fits = (entry: DirectoryEntry): boolean =>
      (state === undefined || entry.state === state) &&
      (reason === undefined || entry.reason === reason) &&
      (provider === undefined || entry.provider === provider);
    if (text !== undefined) {
      const start = `\n${text.toLowerCase()}`;
      // In the order in which they lie in memory, which takes an eighth of the time of any other; few fit and have to be sorted.
      return [...this.#entries.values()].filter((each) => each.names.includes(start) && fits(each)).sort(newestFirst);
    }
    this.#sorted ??= [...this.#entries.values()].sort(newestFirst);
    return state === undefined && reason === undefined && provider === undefined
      ? this.#sorted
      : this.#sorted.filter(fits);
  }

  /** Forgets all, and reads no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#forgetting);
    await Promise.allSettled([this.#reading, this.#looking]);
    this.#forget();
  }

  async #readAll(): Promise<void> {
    const { store } = this.#context;
    this.#forget();
    // Before the rows: what changes while they are read is read once more.
    this.#seq = await store.latestChange();
    for (let after = ""; !this.#isClosed;) {
      const rows = await store.listGrants({ after, limit: rowsAtOnce });
      await learnLives(this.#context, rows);
      for (const row of rows) this.#put(row);
      after = rows.at(-1)?.grantId ?? after;
      if (rows.length < rowsAtOnce || this.#isFull) {
        this.#isRead = true;
        await this.#readChanges();
        return;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #readChanges(): Promise<void> {
    const { store } = this.#context;
    const at = this.#nowMs();
    const now = this.#context.clock.now();
    for (const [grantId, end] of this.#ends) {
      const row = end <= now ? await store.grantById(grantId) : undefined;
      if (row !== undefined) this.#put(row);
    }
    for (let isMore = true; isMore && !this.#isClosed;) {
      const { seq, changes } = await store.changesSince(this.#seq);
      const rows = await Promise.all(changes.map(({ grantId }) => store.grantById(grantId)));
      await learnLives(
        this.#context,
        rows.filter((row) => row !== undefined),
      );
      rows.forEach((row, n) => {
        if (row !== undefined) this.#put(row);
        else this.#drop(changes[n]?.grantId ?? "");
      });
      this.#seq = seq;
      isMore = changes.length >= changesAtOnce;
    }
    this.#lookedAt = at;
  }

  #drop(grantId: string): void {
    this.#ends.delete(grantId);
    if (this.#entries.delete(grantId)) this.#sorted = undefined;
  }

  #put(row: GrantRow): void {
    const entry = entryOf(this.#context, row, this.#words);
    const { grantId, accessExpiresAt } = row;
    if (entry.state === "active" && row.refreshSealed === null && accessExpiresAt !== null) {
      this.#ends.set(grantId, accessExpiresAt);
    } else this.#ends.delete(grantId);
    const known = this.#entries.get(row.grantId);
    // Most changes are refreshes, which change nothing of this.
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(entry)) return;
    this.#isFull ||= known === undefined && this.#entries.size >= this.#most;
    if (known === undefined && this.#isFull) return;
    this.#entries.set(row.grantId, entry);
    this.#sorted = undefined;
  }

  #keep(): void {
    clearTimeout(this.#forgetting);
    this.#forgetting = setTimeout(() => {
      if (this.#reading === undefined) this.#forget();
    }, keptMs).unref();
  }

  #forget(): void {
    this.#entries = new Map();
    this.#words = new Words();
    this.#ends = new Map();
    this.#sorted = undefined;
    this.#isRead = false;
    this.#isFull = false;
  }
}

function newestFirst(one: DirectoryEntry, other: DirectoryEntry): number {
  return other.since - one.since || (one.grantId < other.grantId ? -1 : 1);
}

function entryOf(context: Context, written: GrantRow, words: Words): DirectoryEntry {
  const row = asItStands(written, context.clock.now());
  const { grantId, stateSince: since } = row;
  const plain = { grantId, provider: words.same(row.provider), state: words.same(row.state), since };
  try {
    const names = namesOf(grantOf(context.keyring, row));
    const { reason, dependsOn } = diagnosisOf(context, row) ?? {};
    const endsAt = reason === "consent_ends" ? (row.consentExpiresAt ?? undefined) : undefined;
    return { ...plain, ...defined({ reason, dependsOn, endsAt }), names };
  } catch (error) {
    if (!isOnbehalfError(error, "grant_unreadable")) throw error;
    return { ...plain, reason: "unreadable", names: inLines([grantId]) };
  }
}

function namesOf({ grantId, subject, profile, externalIds }: Grant): string {
  const ties = externalIds.flatMap(({ externalId, account }) => [externalId, account]);
  return inLines([grantId, subject, ...(profile.email === undefined ? [] : [profile.email]), ...ties]);
}

function inLines(names: readonly string[]): string {
  return ["", ...new Set(names.map((name) => name.toLowerCase()))].join("\n");
}

/** Words that stand in every row, each held once. A database gives a text of its own for each row. */
class Words {
  readonly #known = new Map<string, string>();

  same<T extends string>(word: T): T {
    const known = this.#known.get(word);
    if (known !== undefined) return known as T;
    this.#known.set(word, word);
    return word;
  }
}
