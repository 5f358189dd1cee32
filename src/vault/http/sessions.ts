import { assertFits, assertOptions, filledText } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import type { Clock } from "../../core/clock.ts";
import { defined } from "../../core/defined.ts";
import { OnbehalfError, invalidRequest } from "../../core/errors.ts";
import { isSelector, selectorForms } from "../../core/reach.ts";
import type { Secret } from "../../core/secret.ts";
import { beyondMaker, mostSessions, sessionSeconds } from "../../core/session.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { SessionPlace, SessionRow, SessionStore } from "../../store/session-store.ts";
import { tooMuch, tooManySessions } from "../errors/session.ts";
import { permissions } from "./caller.ts";
import type { Caller, Permission } from "./caller.ts";
import type { Callers } from "./callers.ts";
import { newKey } from "./key-text.ts";
import { limitsOf, sessionRow } from "./session-rights.ts";
import type { SessionLimits } from "./session-rights.ts";

/** What a session may be allowed: all but to make what outlives it, or other keys. Whoever ends it must have ended it. */
const permissionsOfSessions: readonly Permission[] = permissions.filter(
  (each) => each !== "sessions" && each !== "handles",
);
/** More would make rows large and each decision slow. A prefix selects as many as one likes. */
const mostSelectors = 100;
const mostScopes = 100;
/** All texts of a session's limits together, in characters. */
const longestLimits = 16_384;
const mostListed = 500;

const someOf = (words: readonly string[]): Rule => ({
  fits: (value) => Array.isArray(value) && value.length > 0 && value.every((each) => words.includes(each as string)),
  must: `a list of ${words.join(", ")}`,
  required: true,
});
const list = (most: number, fits: (each: string) => boolean, of: string): Rule => ({
  fits: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= most &&
    value.every((each) => typeof each === "string" && fits(each)),
  must: `a list of 1 to ${most} ${of}`,
});
const rules: Readonly<Record<keyof CreateSessionOptions, Rule>> = {
  allow: someOf(permissionsOfSessions),
  grants: { ...list(mostSelectors, isSelector, `selectors: ${selectorForms}`), required: true },
  providers: list(mostSelectors, (each) => each !== "", "providers' short names"),
  scopes: list(mostScopes, (each) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(each), "scopes (RFC 6749 section 3.3)"),
  expiresInSeconds: {
    fits: (value) =>
      Number.isSafeInteger(value) &&
      (value as number) >= sessionSeconds.least &&
      (value as number) <= sessionSeconds.most,
    must: `a whole number of seconds, ${sessionSeconds.least} to ${sessionSeconds.most}`,
  },
};
const listRules: Readonly<Record<keyof SessionQuery, Rule>> = {
  cursor: { fits: (value) => typeof value === "string" && placeOf(value) !== undefined, must: "the cursor of a page" },
  limit: {
    fits: (value) => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= mostListed,
    must: `a whole number, 1 to ${mostListed}`,
  },
};

/** What a new session may do and see, and for how long. */
export interface CreateSessionOptions {
  /** What it may do, of what its maker may; to make sessions or handles is not among it. */
  readonly allow: readonly Permission[];
  /** Which grants it may do that with, 1 to 100 selectors, each within its maker's: `ext:VALUE`, `ext:PREFIX*`, `g_…` or `*`. */
  readonly grants: readonly string[];
  /** The providers' short names whose grants it may see. Default: those of its maker. */
  readonly providers?: readonly string[];
  /**
   * What a token may be used for at most that it gets or calls an API with. It gets none of a grant that covers more, but
   * for what says who the person is (`openid`, `email`, `profile`). Default: no limit.
   */
  readonly scopes?: readonly string[];
  /** How long it lasts, seconds: 60 to 86,400, and never longer than its maker's key. Default: 3,600. */
  readonly expiresInSeconds?: number;
}

/** A session of a caller. Its key is not in it. */
export interface Session {
  /** Part of the key, and no secret. */
  readonly sessionId: string;
  /** Whose it is. */
  readonly callerId: string;
  readonly allow: readonly Permission[];
  readonly grants: readonly string[];
  /** Absent: those of its maker. */
  readonly providers?: readonly string[];
  /** Absent: no limit. */
  readonly scopes?: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** Which page of sessions. */
export interface SessionQuery {
  /** The `cursor` of the page before. Default: the first page. */
  readonly cursor?: string;
  /** The most sessions to return: 1 to 500. Default: 100. */
  readonly limit?: number;
}

/** A page of sessions. */
export interface SessionPage {
  readonly sessions: readonly Session[];
  /** Absent: there are no more. */
  readonly cursor?: string;
}

/**
 * Keys for minutes or hours, which callers make for programs that they trust less than themselves, such as an agent. What a
 * session may is cut to what its maker may at every use. It ends at its time, when it is revoked, and with its maker.
 */
export class Sessions {
  readonly #store: SessionStore;
  readonly #keyring: Sealer;
  readonly #clock: Clock;
  readonly #callers: Callers;
  readonly #sees: (caller: Caller, grantId: string) => Promise<boolean>;

  /** @internal Use `Vault.sessions`. */
  constructor(
    { store, keyring, clock }: { readonly store: SessionStore; readonly keyring: Sealer; readonly clock: Clock },
    callers: Callers,
    sees: (caller: Caller, grantId: string) => Promise<boolean>,
  ) {
    this.#store = store;
    this.#keyring = keyring;
    this.#clock = clock;
    this.#callers = callers;
    this.#sees = sees;
  }

  /**
   * Makes a session and its key. The key is returned here and never again.
   *
   * @param maker the caller that it is of, or its name; no caller that uses the key of a session
   * @returns the session and its key, `obs_…`
   * @throws {OnbehalfError} `invalid_request`: there is no such caller, or an option is not what it must be
   * @throws {OnbehalfError} `forbidden`: it would be wider than its maker; the message names the first thing that is
   * @throws {OnbehalfError} `too_many_sessions`: 10,000 sessions of this caller live
   * @throws {OnbehalfError} `unauthorized`: the caller was revoked at the same moment
   * @throws {OnbehalfError} `store_unavailable`
   */
  async create(
    maker: Caller | string,
    options: CreateSessionOptions,
  ): Promise<{ readonly session: Session; readonly key: Secret }> {
    assertOptions("create", options, rules);
    const { allow, grants, providers, scopes, expiresInSeconds = sessionSeconds.usual } = options;
    const limits: SessionLimits = {
      allow: distinct(allow),
      grants: distinct(grants),
      ...defined({ providers: providers && distinct(providers), scopes: scopes && distinct(scopes) }),
    };
    const isShort = JSON.stringify(limits).length <= longestLimits;
    if (!isShort) {
      throw invalidRequest(
        `what a session may do and see must be ${longestLimits} characters at most`,
        "name fewer selectors or scopes; ext:PREFIX* selects many users",
        "grants",
      );
    }
    const caller = await this.#callerOf(maker);
    const beyond = await beyondMaker(limits, caller, (grantId) => this.#sees(caller, grantId));
    if (beyond !== undefined || caller.session !== undefined) throw tooMuch(caller.name, beyond);
    const made = newKey("obs");
    const createdAt = this.#clock.now();
    const row = sessionRow(
      this.#keyring,
      {
        sessionId: made.id,
        callerId: caller.callerId,
        keyHash: this.#keyring.hash("session_key", made.id, made.secret),
        createdAt,
        expiresAt: Math.min(createdAt + expiresInSeconds * 1_000, this.#callers.endOf(caller)),
      },
      limits,
    );
    const stored = await this.#store.insertSession(row, mostSessions, createdAt);
    if (stored === "full") throw tooManySessions(caller.name, mostSessions);
    if (stored === "no_caller") {
      throw new OnbehalfError("unauthorized", "the caller key is unknown, expired or revoked", {
        hint: "make a key with: onbehalf callers create NAME --allow …",
        details: {},
      });
    }
    return { session: sessionOf(row, limits), key: made.key };
  }

  /**
   * A page of sessions that have not been ended, those first that end first.
   *
   * @param maker whose; a caller, its name, or undefined for everybody's
   * @throws {OnbehalfError} `invalid_request`: there is no such caller, or the query is not what it must be
   * @throws {OnbehalfError} `store_unavailable`
   */
  async list(maker?: Caller | string, query: SessionQuery = {}): Promise<SessionPage> {
    assertOptions("list", query, listRules);
    const { limit = 100, cursor } = query;
    const callerId = maker === undefined ? undefined : (await this.#callerOf(maker)).callerId;
    // Those that are over are not there any more, whether or not their rows are.
    const live: SessionPlace = { expiresAt: this.#clock.now() + 1, sessionId: "" };
    const asked = cursor === undefined ? undefined : placeOf(cursor);
    const after = asked !== undefined && asked.expiresAt >= live.expiresAt ? asked : live;
    const rows = await this.#store.listSessions({ ...defined({ callerId }), after, limit: limit + 1 });
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    const sessions = rows.slice(0, limit).flatMap((row) => {
      // One that was changed by hand gives nobody a right, so that there is nothing to show of it.
      const limits = limitsOf(this.#keyring, row);
      return limits === undefined ? [] : [sessionOf(row, limits)];
    });
    return { sessions, ...(last === undefined ? {} : { cursor: `${last.expiresAt}.${last.sessionId}` }) };
  }

  /**
   * Ends a session. In other processes its key may still work for a second.
   *
   * @param maker only where it is this caller's, by name or as it was authenticated; by default whosever it is
   * @returns false where there is no such session
   * @throws {OnbehalfError} `invalid_request`: the id is no text, or there is no such caller
   * @throws {OnbehalfError} `store_unavailable`
   */
  async revoke(sessionId: string, maker?: Caller | string): Promise<boolean> {
    assertFits("sessionId", sessionId, { ...filledText, required: true });
    const callerId = maker === undefined ? null : (await this.#callerOf(maker)).callerId;
    this.#callers.forgetVerified();
    return this.#store.endSession(sessionId, callerId);
  }

  /**
   * Ends all sessions of a caller, such as where its key was seen by somebody else: a rotation of that key ends none.
   *
   * @param maker the caller, or its name
   * @returns how many there were
   * @throws {OnbehalfError} `invalid_request`: there is no such caller
   * @throws {OnbehalfError} `store_unavailable`
   */
  async revokeAll(maker: Caller | string): Promise<number> {
    const { callerId } = await this.#callerOf(maker);
    this.#callers.forgetVerified();
    return this.#store.endSessionsOf(callerId);
  }

  async #callerOf(maker: Caller | string): Promise<Caller> {
    if (typeof maker !== "string") return maker;
    const now = this.#clock.now();
    const caller = (await this.#callers.list()).find(
      ({ name, revokedAt, expiresAt }) =>
        name === maker && revokedAt === undefined && (expiresAt?.getTime() ?? Infinity) > now,
    );
    const current = caller === undefined ? undefined : await this.#callers.current(caller.callerId);
    if (current !== undefined) return current;
    throw invalidRequest(
      "no caller of this name has a key that works",
      "see the names with: onbehalf callers list",
      "caller",
    );
  }
}

function sessionOf({ sessionId, callerId, createdAt, expiresAt }: SessionRow, limits: SessionLimits): Session {
  return { sessionId, callerId, ...limits, createdAt: new Date(createdAt), expiresAt: new Date(expiresAt) };
}

/** The place that a cursor stands for; undefined where it is none of ours. */
function placeOf(cursor: string): SessionPlace | undefined {
  const [, end = "", sessionId = ""] = /^(\d{1,15})\.([0-9a-f]{16})$/.exec(cursor) ?? [];
  return end === "" ? undefined : { expiresAt: Number(end), sessionId };
}

function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
