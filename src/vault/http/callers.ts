import { assertFits, assertOptions, date, filledText, texts } from "../../core/argument-checks.ts";
import type { Clock } from "../../core/clock.ts";
import { isMac } from "../../crypto/keyring.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { defined } from "../../core/defined.ts";
import { OnbehalfError, invalidRequest, isOnbehalfError } from "../../core/errors.ts";
import { everyGrant } from "../../core/reach.ts";
import { isRecent } from "../../core/recorded-time.ts";
import type { Secret } from "../../core/secret.ts";
import type { CountRefusal, KeyRefusal } from "../audit/refusals.ts";
import { somebody } from "../context.ts";
import type { CallerRow, CallerStore } from "../../store/caller-store.ts";
import type { SessionRow, SessionStore } from "../../store/session-store.ts";
import { hasRights, withRights } from "./caller-rights.ts";
import { milliseconds, somePermissions, someSelectors } from "./caller-rules.ts";
import { callerOf, sealSelectors } from "./caller.ts";
import type { Caller, CreateCallerOptions, NarrowCallerOptions, RotateCallerOptions } from "./caller.ts";
import { keyIn, newKey } from "./key-text.ts";
import type { KeyText } from "./key-text.ts";
import { narrowedRow } from "./narrow-caller.ts";
import { callerOfSession, limitsOf } from "./session-rights.ts";
import { UseNotes } from "./use-notes.ts";

export { permissions } from "./caller.ts";
export type { Caller } from "./caller.ts";

/**
 * How long a verified key is not looked up again, milliseconds. For as long may a key that was revoked in another
 * process still work here.
 */
const verifiedForMs = 1_000;
/**
 * How long a verified key still works while the store is down, milliseconds, so that valid tokens are still handed out.
 */
const outageGraceMs = 900_000;
const memoryLimit = 10_000;

/** The rows that a key leads to. A session comes with the caller that made it. */
interface Found {
  readonly row: CallerRow;
  readonly session?: SessionRow;
}

interface Verified {
  readonly caller: Caller;
  readonly found: Found;
  /** When this very key ends, be it the current one or the one before; milliseconds since the epoch. */
  readonly endsAt: number;
  /** When it was looked up last, whether or not the store answered. */
  readonly at: number;
  /** When the store was asked that has answered: an outage lengthens nothing, however often the key is used in it. */
  readonly readAt: number;
}

/**
 * The keys of the programs that use the service. A key is shown once, when it is made; the store keeps only a keyed
 * hash of it.
 */
export class Callers {
  readonly #store: CallerStore & SessionStore;
  readonly #keyring: Sealer;
  readonly #clock: Clock;
  readonly #countRefusal: CountRefusal;
  readonly #verified = new Map<string, Verified>();
  readonly #uses: UseNotes;
  readonly #ends = new WeakMap<Caller, number>();

  /** @internal Use `Vault.callers`. */
  constructor(store: CallerStore & SessionStore, keyring: Sealer, clock: Clock, countRefusal: CountRefusal) {
    this.#store = store;
    this.#uses = new UseNotes((id, at) => store.noteCallerUse(id, at));
    this.#keyring = keyring;
    this.#clock = clock;
    this.#countRefusal = countRefusal;
  }

  /**
   * Makes a caller and its key. The key is returned here and never again.
   *
   * @param name 1 to 64 letters, digits, and . _ -; unique among callers whose keys are not revoked
   * @throws {OnbehalfError} `invalid_request`: the name is taken or malformed, or an option is not what it must be
   * @throws {OnbehalfError} `store_unavailable`
   */
  async create(name: string, options: CreateCallerOptions): Promise<{ readonly caller: Caller; readonly key: Secret }> {
    if (typeof name !== "string" || !/^[\w.-]{1,64}$/.test(name))
      throw badName(`the caller's name must be 1 to 64 letters, digits, and . _ -`);
    assertOptions("create", options, {
      allow: { ...somePermissions, required: true },
      grants: someSelectors,
      providers: texts,
      expiresAt: date,
    });
    const { allow, grants = [everyGrant], providers, expiresAt } = options;
    if (providers?.length === 0) {
      throw invalidRequest("providers must not be an empty list", "name a provider, or leave it out", "providers");
    }
    const made = newKey("obk");
    const { id: callerId } = made;
    const row = withRights(this.#keyring, {
      callerId,
      name,
      keyHash: this.#hash(made),
      previousHash: null,
      previousUntil: null,
      permissions: JSON.stringify([...new Set(allow)]),
      grantsSealed: sealSelectors(this.#keyring, callerId, grants),
      providers: providers === undefined ? null : JSON.stringify([...new Set(providers)]),
      createdAt: this.#clock.now(),
      expiresAt: expiresAt?.getTime() ?? null,
      revokedAt: null,
      lastUsedAt: null,
    });
    if (!(await this.#store.insertCaller(row))) throw badName(`a caller named ${name} exists`);
    return { caller: callerOf(this.#keyring, row), key: made.key };
  }

  /**
   * Gives a caller a new key, which is returned here and never again. What the caller may do and see stays as it is, and its
   * sessions go on. The
   * key of before goes on working for a while, so that the program can be given the new one without an interruption.
   *
   * @throws {OnbehalfError} `invalid_request`: there is no such caller, an option is not what it must be, or the key
   *   before the last rotation still works: a third key would end it early
   * @throws {OnbehalfError} `store_unavailable`
   */
  async rotate(name: string, options: RotateCallerOptions): Promise<{ readonly caller: Caller; readonly key: Secret }> {
    assertFits("name", name, { ...filledText, required: true });
    assertOptions("rotate", options, { overlapMs: { ...milliseconds, required: true }, expiresAt: date });
    const { overlapMs, expiresAt } = options;
    const before = await this.#living(name);
    const now = this.#clock.now();
    if (before.previousUntil !== null && before.previousUntil > now && overlapMs > 0) {
      throw invalidRequest(
        `the key that ${name} had before its last rotation works until ${new Date(before.previousUntil).toISOString()}`,
        "wait until then, or rotate without overlap, which ends both old keys at once",
        "overlapMs",
      );
    }
    const made = newKey("obk", before.callerId);
    const previousUntil = overlapMs === 0 ? null : Math.min(now + overlapMs, before.expiresAt ?? Infinity);
    const row = withRights(this.#keyring, {
      ...before,
      keyHash: this.#hash(made),
      previousHash: previousUntil === null ? null : before.keyHash,
      previousUntil,
      expiresAt: expiresAt?.getTime() ?? before.expiresAt,
    });
    await this.#replace(row, before, "caller.rotated");
    return { caller: callerOf(this.#keyring, row), key: made.key };
  }

  /**
   * Takes rights away from a caller: what is named is what it keeps, and what is not stays as it is. Its key goes on, and so
   * do its sessions and handles, as far as the caller still may.
   *
   * @throws {OnbehalfError} `forbidden`: it would be wider in something
   * @throws {OnbehalfError} `invalid_request`: there is no such caller, nothing was named, or an option is not what it must be
   * @throws {OnbehalfError} `store_unavailable`
   */
  async narrow(name: string, options: NarrowCallerOptions): Promise<Caller> {
    assertFits("name", name, { ...filledText, required: true });
    const rules = { allow: somePermissions, grants: someSelectors, providers: texts, expiresAt: date };
    assertOptions("narrow", options, rules);
    const before = await this.#living(name);
    const row = await narrowedRow(this.#keyring, before, options);
    await this.#replace(row, before, "caller.narrowed");
    return callerOf(this.#keyring, row);
  }

  /**
   * Every caller, those with expired or revoked keys too.
   *
   * @throws {OnbehalfError} `store_unavailable`
   */
  async list(): Promise<Caller[]> {
    return (await this.#store.listCallers()).map((row) => callerOf(this.#keyring, row));
  }

  /**
   * Revokes a caller's key, and the one before it. In other processes they may still work for a second.
   *
   * @returns false where no caller of this name has a key that is not revoked
   * @throws {OnbehalfError} `invalid_request`: the name is no text
   * @throws {OnbehalfError} `store_unavailable`
   */
  async revoke(name: string): Promise<boolean> {
    assertFits("name", name, { ...filledText, required: true });
    this.#verified.clear();
    return this.#store.revokeCaller(name, this.#clock.now());
  }

  /**
   * The caller of a key that was verified within the last second; undefined for any other. It waits for nothing.
   *
   * @param authorization the value of an `Authorization` header
   */
  peek(authorization: string): Caller | undefined {
    const known = this.#verified.get(authorization);
    if (known === undefined) return undefined;
    const now = this.#clock.now();
    return isRecent(known.at, now, verifiedForMs) && known.endsAt > now ? known.caller : undefined;
  }

  /**
   * The caller whose key an `Authorization` header carries: its own, or that of one of its sessions.
   *
   * @param authorization the value of the header; null where it is absent
   * @throws {OnbehalfError} `unauthorized`: the key is missing, malformed, unknown, expired or revoked. Which of the
   *   last three, the error does not say
   * @throws {OnbehalfError} `store_unavailable`: the store does not answer, and the key was not verified lately
   * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
   */
  async authenticate(authorization: string | null): Promise<Caller> {
    if (typeof authorization !== "string") throw this.#refused("missing", "no caller key was sent");
    const peeked = this.peek(authorization);
    if (peeked !== undefined) return peeked;
    const key = keyIn(authorization);
    if (key === undefined) throw this.#refused("malformed", "the caller key is malformed or a damaged copy");
    // Before the read: a slow one would lengthen the time for which a key that ends meanwhile still works.
    const at = this.#clock.now();
    const { found, readAt } = await this.#find(authorization, key, at);
    const now = this.#clock.now();
    const endsAt = this.#endOfKey(found, this.#hash(key));
    const isLive = found !== undefined && found.row.revokedAt === null && endsAt > now;
    const known = this.#verified.get(authorization);
    // The same object for as long as nothing changed: what is worked out for a caller is kept beside it.
    const isKnown = isLive && known !== undefined && isSame(known.found, found);
    const caller = isKnown ? known.caller : isLive ? this.#callerOf(found) : undefined;
    if (found === undefined || caller === undefined) {
      this.#verified.delete(authorization);
      const why = found === undefined || endsAt === -Infinity ? "unknown" : reasonOf(found.row, endsAt, now);
      throw this.#refused(why, "the caller key is unknown, expired or revoked", found);
    }
    if (this.#verified.size >= memoryLimit) this.#verified.clear();
    this.#verified.set(authorization, { caller, found, endsAt, at, readAt });
    this.#ends.set(caller, endsAt);
    if (found.session === undefined) this.#uses.note(found.row.callerId, found.row.lastUsedAt, now);
    return caller;
  }

  /** When the key ends that a caller was authenticated with; of any other caller, when its current key does. */
  endOf(caller: Caller): number {
    return this.#ends.get(caller) ?? caller.expiresAt?.getTime() ?? Infinity;
  }

  /**
   * A caller as it is now, whatever this process knew of it.
   *
   * @param sessionId in which of its sessions; none: with its own key
   * @returns undefined: there is none, its key or its session has ended, or its row was changed by hand
   * @throws {OnbehalfError} `store_unavailable`
   */
  async current(callerId: string, sessionId?: string): Promise<Caller | undefined> {
    const found = await this.#rowsOf(
      sessionId === undefined ? { kind: "obk", id: callerId } : { kind: "obs", id: sessionId },
    );
    if (found === undefined || found.row.callerId !== callerId || found.row.revokedAt !== null) return undefined;
    const { row, session } = found;
    const endsAt = Math.min(row.expiresAt ?? Infinity, session?.expiresAt ?? Infinity);
    return endsAt > this.#clock.now() ? this.#callerOf(found) : undefined;
  }

  /** Forgets which keys were verified: the store is asked about each of them again. */
  forgetVerified(): void {
    this.#verified.clear();
  }

  /** What rows say of a caller; undefined where one was changed by hand. */
  #callerOf({ row, session }: Found): Caller | undefined {
    if (!hasRights(this.#keyring, row)) return undefined;
    if (session === undefined) return callerOf(this.#keyring, row);
    const limits = limitsOf(this.#keyring, session);
    return limits === undefined ? undefined : callerOfSession(this.#keyring, session, limits, row);
  }

  /** Resolves when what is known of the last use of keys has been written, or could not be. */
  async settled(): Promise<void> {
    await this.#uses.settled();
  }

  /** The row of a caller whose key is not revoked, as we have written it. */
  async #living(name: string): Promise<CallerRow> {
    const row = (await this.#store.listCallers()).find((each) => each.name === name && each.revokedAt === null);
    // The name is not repeated: somebody may have given the key in its place.
    if (row === undefined) {
      const hint = "see the names with: onbehalf callers list";
      throw badName("no caller of this name has a key that is not revoked", hint);
    }
    if (hasRights(this.#keyring, row)) return row;
    throw badName(
      `the row of the caller ${name} was changed by hand, so it carries rights that nobody gave`,
      `revoke it and create it anew: onbehalf callers revoke ${name}`,
    );
  }

  async #replace(row: CallerRow, read: CallerRow, change: "caller.rotated" | "caller.narrowed"): Promise<void> {
    this.#verified.clear();
    if (await this.#store.replaceCaller(row, read, change)) return;
    throw badName(
      `the caller ${row.name} was changed or revoked at the same moment`,
      "see what became of it with: onbehalf callers list; nothing was done",
    );
  }

  /** @param found whose key it is; used only where that is known */
  #refused(why: KeyRefusal, message: string, found?: Found): OnbehalfError<"unauthorized"> {
    const isKnown = why === "expired" || why === "revoked" || why === "changed";
    const { name: caller = "" } = found?.row ?? {};
    const own = { caller, ...defined({ sessionId: found?.session?.sessionId }) };
    this.#countRefusal(isKnown ? own : { caller: somebody.caller }, "key.refused", why);
    return unauthorized(message);
  }

  /** When the key with this hash ends; -Infinity where it is none of these rows'. */
  #endOfKey(found: Found | undefined, hash: Buffer): number {
    const { row, session } = found ?? {};
    // For an unknown id the same work is done, so that the time of the answer does not tell which ids exist.
    const nothing = new Uint8Array(32);
    const isCurrent = isMac((session ?? row)?.keyHash ?? nothing, hash);
    const isPrevious = isMac(row?.previousHash ?? nothing, hash);
    if (row === undefined) return -Infinity;
    // Whichever key its maker has by now: the session is bound to the maker.
    if (session !== undefined) return isCurrent ? Math.min(session.expiresAt, row.expiresAt ?? Infinity) : -Infinity;
    if (isCurrent) return row.expiresAt ?? Infinity;
    return isPrevious ? (row.previousUntil ?? -Infinity) : -Infinity;
  }

  async #find(
    authorization: string,
    key: KeyText,
    now: number,
  ): Promise<{ readonly found: Found | undefined; readonly readAt: number }> {
    try {
      return { found: await this.#rowsOf(key), readAt: now };
    } catch (error) {
      const known = this.#verified.get(authorization);
      const recent = known !== undefined && isRecent(known.readAt, this.#clock.now(), outageGraceMs);
      if (!recent || !isOnbehalfError(error, "store_unavailable")) throw error;
      return { found: known.found, readAt: known.readAt };
    }
  }

  async #rowsOf({ kind, id }: Pick<KeyText, "kind" | "id">): Promise<Found | undefined> {
    if (kind === "obs") {
      const found = await this.#store.sessionById(id);
      return found === undefined ? undefined : { row: found.maker, session: found.session };
    }
    const row = await this.#store.callerById(id);
    return row === undefined ? undefined : { row };
  }

  #hash({ kind, id, secret }: KeyText): Buffer {
    return this.#keyring.hash(kind === "obs" ? "session_key" : "caller_key", id, secret);
  }
}

function reasonOf({ revokedAt }: CallerRow, endsAt: number, now: number): KeyRefusal {
  if (revokedAt !== null) return "revoked";
  return endsAt > now ? "changed" : "expired";
}

/** Whether rows say the same of a caller, but for when it was heard of. */
function isSame(one: Found, other: Found): boolean {
  const text = ({ row, session }: Found): string => JSON.stringify([{ ...row, lastUsedAt: null }, session]);
  return text(one) === text(other);
}

function unauthorized(message: string): OnbehalfError<"unauthorized"> {
  return new OnbehalfError("unauthorized", message, {
    hint: "send Authorization: Bearer obk_…; make a key with: onbehalf callers create NAME --allow …",
    details: {},
  });
}

function badName(message: string, hint = "choose another name"): OnbehalfError<"invalid_request"> {
  return new OnbehalfError("invalid_request", message, { hint, details: { parameter: "name" } });
}
