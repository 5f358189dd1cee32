import { defined } from "../../core/defined.ts";
import { isOnbehalfError } from "../../core/errors.ts";
import { auditWaitMs } from "../../core/timing.ts";
import { tokenReleased } from "../../store/audit-store.ts";
import type { AuditEntry, AuditPrincipal } from "../../store/audit-store.ts";
import { principalKey } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { notRecorded } from "../errors/not-recorded.ts";

/** Which of a grant's tokens it is. A token carries it; see `AccessToken`. */
export interface IssuedToken {
  readonly grantId: string;
  /** When it expires; undefined where nobody said. */
  readonly expiresAt: Date | undefined;
  readonly issue: {
    /** How many exchanges had been committed to the grant with it. */
    readonly generation: number;
    /** When the request for it was sent, milliseconds since the epoch. */
    readonly issuedAt: number;
  };
}

/** What is known in this process of a token that somebody was given. Times are seconds: so they take no memory of their own. */
export interface Release {
  readonly caller: string;
  readonly sessionId: string | undefined;
  readonly grantId: string;
  readonly generation: number;
  /** Milliseconds: with the generation, it says which token it was. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Resolves when the record is on disk; undefined from then on. */
  recording: Promise<void> | undefined;
  /** How often the token was read since that was last written down. Whoever answers a read without a search adds to it. */
  reads: number;
  readsSince: number;
  /** False from when it was forgotten: reads that are added to it are counted no more. */
  isKnown: boolean;
}

interface Waiting {
  readonly entry: AuditEntry;
  readonly principal: AuditPrincipal;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** How many records go into one transaction at most. */
const atOnce = 500;
/** How many may wait for the store. It stands still where more do, and each of them holds a request in memory. */
const mostWaiting = 10_000;
/**
 * How many releases are known for each MiB of tokens in memory, 0.4 MB. Of one that was forgotten, the store is asked again: so
 * it must be more than there are tokens, for several callers and for tokens that were thrown out and come back.
 */
const releasesPerMb = 2_100;
/** How often counts of reads are written while their token lives, seconds. */
const countsEverySeconds = 3_600;

/**
 * Records which tokens leave, before they do. A token that somebody was given once can be used until it ends, so that
 * reading it again gives nothing new: such reads are counted in memory. Records of requests that come together are written
 * in one transaction.
 */
export class Releases {
  readonly #context: VaultContext;
  /** The last token that each caller, in each of its sessions, was given of each grant. */
  readonly #known = new Map<string, Release>();
  /** Those that another took the place of, and whose reads are still to be written. */
  #past: Release[] = [];
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  readonly #limit: number;

  /** @param tokenMemoryMb how much memory tokens take, MiB */
  constructor(context: VaultContext, tokenMemoryMb: number) {
    this.#context = context;
    this.#limit = Math.ceil(tokenMemoryMb * releasesPerMb);
  }

  /**
   * The record that this caller, in this session, was given this token before, where there is one: then nothing has to be
   * written. A read of it is counted in `reads`.
   */
  find(principal: AuditPrincipal, grantId: string, generation: number, issuedAt: number): Release | undefined {
    const release = this.#known.get(keyOf(principal, grantId));
    if (release?.recording !== undefined) return undefined;
    return release?.generation === generation && release.issuedAt === issuedAt ? release : undefined;
  }

  /** Whether this caller was given this token before: then this read is counted. */
  wasGiven(principal: AuditPrincipal, { grantId, issue }: IssuedToken): boolean {
    const release = this.find(principal, grantId, issue.generation, issue.issuedAt);
    if (release !== undefined) release.reads += 1;
    return release !== undefined;
  }

  /**
   * Records that a caller is given a token, unless it was given that one before. Hand the token out when this resolves.
   *
   * @throws {OnbehalfError} `store_unavailable`: the record could not be written, so the token must not leave
   */
  async give(principal: AuditPrincipal, { grantId, issue, expiresAt }: IssuedToken): Promise<void> {
    const { generation, issuedAt } = issue;
    const key = keyOf(principal, grantId);
    const last = this.#known.get(key);
    let release = last?.generation === generation && last.issuedAt === issuedAt ? last : undefined;
    if (release === undefined) {
      const { caller, sessionId } = principal;
      release = {
        caller,
        sessionId,
        grantId,
        generation,
        issuedAt,
        expiresAt: Math.ceil((expiresAt?.getTime() ?? Infinity) / 1_000),
        recording: undefined,
        reads: 0,
        readsSince: this.#now,
        isKnown: true,
      };
      release.recording = this.#record(entryOf(release), principal);
      this.#forget(key);
      this.#known.set(key, release);
    } else release.reads += 1;
    try {
      await release.recording;
    } catch (error) {
      if (this.#known.get(key) === release) this.#known.delete(key);
      throw error;
    }
    release.recording = undefined;
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#limit && oldest !== undefined) this.#forget(oldest);
  }

  /**
   * Records that a call to an API is made with a token. Send it when this resolves.
   *
   * @param host the API's
   * @throws {OnbehalfError} `store_unavailable`: the record could not be written, so the call must not be made
   */
  async use(principal: AuditPrincipal, { grantId, issue }: IssuedToken, method: string, host: string): Promise<void> {
    // A method may be any word, and a word may be a secret.
    const shown = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/i.test(method) ? method.toUpperCase() : "OTHER";
    const detail = `${shown} ${host}`;
    const { generation } = issue;
    await this.#record({ action: "api.called", grantId, generation, outcome: "sent", detail }, principal);
  }

  /** Writes how often tokens were read that have ended, and once an hour of those that live. */
  async writeCounts(everything = false): Promise<void> {
    const now = this.#now;
    const counted = this.#past;
    this.#past = [];
    for (const [key, release] of this.#known) {
      const hasEnded = release.expiresAt <= now;
      const isDue = everything || hasEnded || now - release.readsSince >= countsEverySeconds;
      if (hasEnded) this.#forget(key);
      else if (isDue && release.reads > 0) counted.push(release);
    }
    counted.push(...this.#past);
    this.#past = [];
    for (let from = 0; from < counted.length; from += atOnce) {
      try {
        await this.#writeCountsOf(counted.slice(from, from + atOnce));
      } catch (error) {
        // What is known still is found again; the rest is only here.
        this.#past.push(...counted.slice(from).filter(({ isKnown }) => !isKnown));
        throw error;
      }
    }
  }

  /** Writes what is counted, and resolves when nothing is being written any more. */
  async close(): Promise<void> {
    await this.#writing;
    await this.writeCounts(true);
  }

  async #writeCountsOf(releases: readonly Release[]): Promise<void> {
    const counts = releases.map(({ reads }) => reads);
    await this.#context.store.appendAudit(
      releases.map((release, n) => [
        { ...entryOf(release), action: "token.read", outcome: "counted", detail: `${counts[n] ?? 0} times` },
        principalOf(release),
      ]),
    );
    for (const [n, release] of releases.entries()) {
      release.reads -= counts[n] ?? 0;
      release.readsSince = this.#now;
    }
  }

  /** Seconds since the epoch. */
  get #now(): number {
    return Math.floor(this.#context.clock.now() / 1_000);
  }

  /** What was counted until now is written with the next counts. */
  #forget(key: string): void {
    const release = this.#known.get(key);
    if (release === undefined) return;
    this.#known.delete(key);
    release.isKnown = false;
    if (release.reads > 0 && this.#past.length < this.#limit) this.#past.push(release);
  }

  #record(entry: AuditEntry, principal: AuditPrincipal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= mostWaiting) throw notRecorded("the store has stood still for too long");
      // The store may neither answer nor fail. Whoever waits must hear of it, and what was read must not stay in memory.
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting);
        reject(notRecorded(`the store did not take it within ${auditWaitMs / 1_000} seconds`));
      }, auditWaitMs);
      const waiting: Waiting = {
        entry,
        principal,
        done: () => {
          clearTimeout(timer);
          resolve();
        },
        failed: (error) => {
          clearTimeout(timer);
          reject(notRecorded(isOnbehalfError(error) ? error.message : "the store failed", error));
        },
      };
      this.#waiting.push(waiting);
      this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
    });
  }

  /** Writes what waits, and what comes meanwhile, one transaction after the other. Never rejects. */
  async #write(): Promise<void> {
    // What comes in the same moment goes into the first transaction: also what waits in other sockets. A store in this thread
    // lets nobody else go on while it writes, so that each request would otherwise have a flush of the disk of its own.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, atOnce);
      try {
        await this.#context.store.appendAudit(batch.map(({ entry, principal }) => [entry, principal]));
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
        const { emit, onFault } = this.#context;
        if (isOnbehalfError(error)) emit({ type: "store_failed", during: "the audit log", message: error.message });
        else onFault(error, "the audit log");
      }
    }
  }
}

/** Neither a caller's name nor a session's id has a line end. */
function keyOf(principal: AuditPrincipal, grantId: string): string {
  return `${principalKey(principal)}\n${grantId}`;
}

function entryOf({ sessionId, grantId, generation, issuedAt }: Release): AuditEntry {
  // A row of the caller's own, or of another session of it, is another row.
  const detail = [new Date(issuedAt).toISOString(), ...(sessionId === undefined ? [] : [sessionId])].join(" ");
  return { action: tokenReleased, grantId, generation, outcome: "released", detail };
}

function principalOf({ caller, sessionId }: Release): AuditPrincipal {
  return { caller, requestId: null, ...defined({ sessionId }) };
}
