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

/** What is known in this process of a token that somebody was given. */
interface Release {
  readonly principal: AuditPrincipal;
  readonly entry: AuditEntry;
  readonly expiresAt: number;
  /** Resolves when the record is on disk; undefined from then on. */
  recording: Promise<void> | undefined;
  /** How often the token was read since that was last written down. */
  reads: number;
  readsSince: number;
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
/** How many releases are known. Of one that was forgotten, the store is asked again. */
const limit = 100_000;
/** For how many callers and sessions it is known without a search which tokens they were given. */
const mostPrincipals = 20_000;
/** How often counts of reads are written while their token lives, milliseconds. */
const countsEveryMs = 3_600_000;

/**
 * Records which tokens leave, before they do. A token that somebody was given once can be used until it ends, so that
 * reading it again gives nothing new: such reads are counted in memory. Records of requests that come together are written
 * in one transaction.
 */
export class Releases {
  readonly #context: VaultContext;
  readonly #known = new Map<string, Release>();
  readonly #byToken = new Map<string, WeakMap<IssuedToken, Release>>();
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  constructor(context: VaultContext) {
    this.#context = context;
  }

  /** Whether this caller, in this session, was given this token before: then this read is counted, and nothing has to be written. */
  wasGiven(principal: AuditPrincipal, token: IssuedToken): boolean {
    const release = this.#byToken.get(principalKey(principal))?.get(token);
    if (release === undefined || release.recording !== undefined) return false;
    release.reads += 1;
    return true;
  }

  /**
   * Records that a caller is given a token, unless it was given that one before. Hand the token out when this resolves.
   *
   * @throws {OnbehalfError} `store_unavailable`: the record could not be written, so the token must not leave
   */
  async give(principal: AuditPrincipal, token: IssuedToken): Promise<void> {
    const { grantId, issue, expiresAt } = token;
    const { generation, issuedAt } = issue;
    const { requestId: _request, ...who } = principal;
    // A row of the caller's own, or of another session of it, is another row.
    const detail = [new Date(issuedAt).toISOString(), ...(who.sessionId === undefined ? [] : [who.sessionId])].join(
      " ",
    );
    const key = JSON.stringify([principalKey(principal), grantId, generation, detail]);
    let release = this.#known.get(key);
    if (release === undefined) {
      release = {
        principal: { ...who, requestId: null },
        entry: { action: tokenReleased, grantId, generation, outcome: "released", detail },
        expiresAt: expiresAt?.getTime() ?? Infinity,
        recording: undefined,
        reads: 0,
        readsSince: this.#context.clock.now(),
      };
      release.recording = this.#record(release.entry, principal);
      this.#known.set(key, release);
    } else release.reads += 1;
    try {
      await release.recording;
    } catch (error) {
      if (this.#known.get(key) === release) this.#known.delete(key);
      throw error;
    }
    release.recording = undefined;
    this.#tokensOf(principalKey(principal)).set(token, release);
    if (this.#known.size > limit) this.#forgetOldest();
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
    const now = this.#context.clock.now();
    const counted: Release[] = [];
    for (const [key, release] of this.#known) {
      const hasEnded = release.expiresAt <= now;
      const isDue = everything || hasEnded || now - release.readsSince >= countsEveryMs;
      if (isDue && release.reads > 0) counted.push(release);
      if (hasEnded) this.#known.delete(key);
    }
    for (let from = 0; from < counted.length; from += atOnce)
      await this.#writeCountsOf(counted.slice(from, from + atOnce));
  }

  /** Writes what is counted, and resolves when nothing is being written any more. */
  async close(): Promise<void> {
    await this.#writing;
    await this.writeCounts(true);
  }

  async #writeCountsOf(releases: readonly Release[]): Promise<void> {
    const counts = releases.map(({ reads }) => reads);
    await this.#context.store.appendAudit(
      releases.map(({ principal, entry }, n) => [
        { ...entry, action: "token.read", outcome: "counted", detail: `${counts[n] ?? 0} times` },
        principal,
      ]),
    );
    for (const [n, release] of releases.entries()) {
      release.reads -= counts[n] ?? 0;
      release.readsSince = this.#context.clock.now();
    }
  }

  #tokensOf(who: string): WeakMap<IssuedToken, Release> {
    const known = this.#byToken.get(who);
    if (known !== undefined) return known;
    const tokens = new WeakMap<IssuedToken, Release>();
    this.#byToken.set(who, tokens);
    // Sessions come and go. One that is forgotten is found again by its releases, and nothing is written twice.
    const [oldest] = this.#byToken.keys();
    if (this.#byToken.size > mostPrincipals && oldest !== undefined) this.#byToken.delete(oldest);
    return tokens;
  }

  #forgetOldest(): void {
    const [oldest] = this.#known;
    if (oldest !== undefined) this.#known.delete(oldest[0]);
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
