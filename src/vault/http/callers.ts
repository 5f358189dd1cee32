import { randomBytes, createHash } from "node:crypto";
import { assertFits, assertOptions, date, filledText, texts } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import type { Clock } from "../../core/clock.ts";
import { isMac } from "../../crypto/keyring.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { OnbehalfError, invalidRequest, isOnbehalfError } from "../../core/errors.ts";
import { everyGrant, isSelector, selectorForms } from "../../core/reach.ts";
import { isRecent } from "../../core/recorded-time.ts";
import { Secret } from "../../core/secret.ts";
import type { CountRefusal, KeyRefusal } from "../audit/refusals.ts";
import { somebody } from "../context.ts";
import { hasRights, withRights } from "./caller-rights.ts";
import type { CallerRow, CallerStore } from "../../store/caller-store.ts";
import { callerOf, permissions, sealSelectors } from "./caller.ts";
import type { Caller, Permission } from "./caller.ts";

export { permissions } from "./caller.ts";
export type { Caller, Permission } from "./caller.ts";

const somePermissions: Rule = {
  fits: (value) => Array.isArray(value) && value.every((each) => permissions.includes(each as Permission)),
  must: `a list of ${permissions.join(", ")}`,
  required: true,
};

/** More would make each decision about a grant slow. A prefix selects as many as one likes. */
const mostSelectors = 1_000;

const someSelectors: Rule = {
  fits: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= mostSelectors &&
    value.every((each) => typeof each === "string" && isSelector(each)),
  must: `a list of 1 to ${mostSelectors} selectors: ${selectorForms}`,
};

const milliseconds: Rule = {
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  must: "a whole number of milliseconds, 0 or more",
};

/** What a new caller may do and see. */
export interface CreateCallerOptions {
  /** What it may do. There is no default: a key that may do more than its program needs is a risk without a use. */
  readonly allow: readonly Permission[];
  /** Which grants it may do that with: `ext:VALUE`, `ext:PREFIX*`, `g_…` or `*`. Default: every grant. */
  readonly grants?: readonly string[];
  /** The providers' short names whose grants it may see. Default: every provider's. */
  readonly providers?: readonly string[];
  /** When the key ends. Default: never. */
  readonly expiresAt?: Date;
}

/** How a key is rotated. */
export interface RotateCallerOptions {
  /** How long the key of before works as well, milliseconds. 0: it, and any key before it, ends at once. */
  readonly overlapMs: number;
  /** When the new key ends. Default: when the one of before does. */
  readonly expiresAt?: Date;
}

const form = /^obk_([0-9a-f]{16})_([0-9a-f]{64})_([0-9a-f]{8})$/;

/**
 * How long a verified key is not looked up again, milliseconds. For as long may a key that was revoked in another
 * process still work here.
 */
const verifiedForMs = 1_000;
/**
 * How long a verified key still works while the store is down, milliseconds, so that valid tokens are still handed out.
 */
const outageGraceMs = 900_000;
/** How exactly the last use of a key is known, milliseconds: each note of it is a write. */
const useNotedEveryMs = 600_000;
const memoryLimit = 10_000;

interface Verified {
  readonly caller: Caller;
  readonly row: CallerRow;
  /** When this very key ends, be it the current one or the one before; milliseconds since the epoch. */
  readonly endsAt: number;
  readonly at: number;
}

/**
 * The keys of the programs that use the service. A key is shown once, when it is made; the store keeps only a keyed
 * hash of it.
 */
export class Callers {
  readonly #store: CallerStore;
  readonly #keyring: Sealer;
  readonly #clock: Clock;
  readonly #countRefusal: CountRefusal;
  readonly #verified = new Map<string, Verified>();
  readonly #notes = new Set<Promise<void>>();
  readonly #notedAt = new Map<string, number>();

  /** @internal Use `Vault.callers`. */
  constructor(store: CallerStore, keyring: Sealer, clock: Clock, countRefusal: CountRefusal) {
    this.#store = store;
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
      allow: somePermissions,
      grants: someSelectors,
      providers: texts,
      expiresAt: date,
    });
    const { allow, grants = [everyGrant], providers, expiresAt } = options;
    if (providers?.length === 0) {
      throw invalidRequest("providers must not be an empty list", "name a provider, or leave it out", "providers");
    }
    const callerId = randomBytes(8).toString("hex");
    const secret = randomBytes(32).toString("hex");
    const row = withRights(this.#keyring, {
      callerId,
      name,
      keyHash: this.#hash(callerId, secret),
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
    return { caller: callerOf(this.#keyring, row), key: keyOf(callerId, secret) };
  }

  /**
   * Gives a caller a new key, which is returned here and never again. What the caller may do and see stays as it is. The
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
    const before = (await this.#store.listCallers()).find((row) => row.name === name && row.revokedAt === null);
    const now = this.#clock.now();
    // The name is not repeated: somebody may have given the key in its place.
    if (before === undefined) {
      throw badName(
        "no caller of this name has a key that is not revoked",
        "see the names with: onbehalf callers list",
      );
    }
    if (before.previousUntil !== null && before.previousUntil > now && overlapMs > 0) {
      throw invalidRequest(
        `the key that ${name} had before its last rotation works until ${new Date(before.previousUntil).toISOString()}`,
        "wait until then, or rotate without overlap, which ends both old keys at once",
        "overlapMs",
      );
    }
    const secret = randomBytes(32).toString("hex");
    const previousUntil = overlapMs === 0 ? null : Math.min(now + overlapMs, before.expiresAt ?? Infinity);
    if (!hasRights(this.#keyring, before)) {
      throw badName(
        `the row of the caller ${name} was changed by hand, so a new key would carry rights that nobody gave`,
        `revoke it and create it anew: onbehalf callers revoke ${name}`,
      );
    }
    const row = withRights(this.#keyring, {
      ...before,
      keyHash: this.#hash(before.callerId, secret),
      previousHash: previousUntil === null ? null : before.keyHash,
      previousUntil,
      expiresAt: expiresAt?.getTime() ?? before.expiresAt,
    });
    this.#verified.clear();
    if (!(await this.#store.replaceCaller(row, before.keyHash))) {
      throw badName(
        `the caller ${name} was rotated or revoked at the same moment`,
        "see what became of it with: onbehalf callers list; no key was made",
      );
    }
    return { caller: callerOf(this.#keyring, row), key: keyOf(row.callerId, secret) };
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
   * The caller whose key an `Authorization` header carries.
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
    const [, callerId = "", secret = "", sum = ""] = form.exec(/^bearer +(\S+)$/i.exec(authorization)?.[1] ?? "") ?? [];
    // The checksum finds copies that were cut or mistyped, without asking the store.
    if (callerId === "" || checksum(callerId, secret) !== sum)
      throw this.#refused("malformed", "the caller key is malformed or a damaged copy");
    const row = await this.#find(authorization, callerId);
    const now = this.#clock.now();
    const endsAt = this.#endOfKey(row, this.#hash(callerId, secret));
    if (row === undefined || row.revokedAt !== null || !(endsAt > now) || !hasRights(this.#keyring, row)) {
      this.#verified.delete(authorization);
      const why = row === undefined || endsAt === -Infinity ? "unknown" : reasonOf(row, endsAt, now);
      throw this.#refused(why, "the caller key is unknown, expired or revoked", row?.name);
    }
    const known = this.#verified.get(authorization);
    // The same object for as long as nothing changed: what is worked out for a caller is kept beside it.
    const caller = known !== undefined && isSame(known.row, row) ? known.caller : callerOf(this.#keyring, row);
    if (this.#verified.size >= memoryLimit) this.#verified.clear();
    this.#verified.set(authorization, { caller, row, endsAt, at: now });
    this.#noteUse(row, now);
    return caller;
  }

  /**
   * A caller as it is now, whatever this process knew of it.
   *
   * @returns undefined: there is none, its key was revoked or has expired, or its row was changed by hand
   * @throws {OnbehalfError} `store_unavailable`
   */
  async current(callerId: string): Promise<Caller | undefined> {
    const row = await this.#store.callerById(callerId);
    if (row === undefined || row.revokedAt !== null || !hasRights(this.#keyring, row)) return undefined;
    return (row.expiresAt ?? Infinity) > this.#clock.now() ? callerOf(this.#keyring, row) : undefined;
  }

  /** Resolves when what is known of the last use of keys has been written, or could not be. */
  async settled(): Promise<void> {
    await Promise.all(this.#notes);
  }

  /** @param name whose key it is; used only where that is known */
  #refused(why: KeyRefusal, message: string, name = ""): OnbehalfError<"unauthorized"> {
    const isKnown = why === "expired" || why === "revoked" || why === "changed";
    this.#countRefusal(isKnown ? name : somebody.caller, "key.refused", why);
    return unauthorized(message);
  }

  /** When the key with this hash ends; -Infinity where it is none of this caller's. */
  #endOfKey(row: CallerRow | undefined, hash: Buffer): number {
    // For an unknown id the same work is done, so that the time of the answer does not tell which ids exist.
    const nothing = new Uint8Array(32);
    const isCurrent = isMac(row?.keyHash ?? nothing, hash);
    const isPrevious = isMac(row?.previousHash ?? nothing, hash);
    if (row === undefined) return -Infinity;
    if (isCurrent) return row.expiresAt ?? Infinity;
    return isPrevious ? (row.previousUntil ?? -Infinity) : -Infinity;
  }

  /** Nobody waits for it, and nothing depends on it: a store that cannot be written must not refuse a good key. */
  #noteUse({ callerId, lastUsedAt }: CallerRow, now: number): void {
    const noted = Math.max(lastUsedAt ?? -Infinity, this.#notedAt.get(callerId) ?? -Infinity);
    if (isRecent(noted, now, useNotedEveryMs)) return;
    if (this.#notedAt.size >= memoryLimit) this.#notedAt.clear();
    this.#notedAt.set(callerId, now);
    const note = this.#store
      .noteCallerUse(callerId, now)
      .catch(() => undefined)
      .finally(() => this.#notes.delete(note));
    this.#notes.add(note);
  }

  async #find(authorization: string, callerId: string): Promise<CallerRow | undefined> {
    try {
      return await this.#store.callerById(callerId);
    } catch (error) {
      const known = this.#verified.get(authorization);
      const recent = known !== undefined && isRecent(known.at, this.#clock.now(), outageGraceMs);
      if (!recent || !isOnbehalfError(error, "store_unavailable")) throw error;
      return known.row;
    }
  }

  #hash(callerId: string, secret: string): Buffer {
    return this.#keyring.hash("caller_key", callerId, secret);
  }
}

function reasonOf({ revokedAt }: CallerRow, endsAt: number, now: number): KeyRefusal {
  if (revokedAt !== null) return "revoked";
  return endsAt > now ? "changed" : "expired";
}

/** Whether two rows say the same of a caller, but for when it was heard of. */
function isSame(one: CallerRow, other: CallerRow): boolean {
  return JSON.stringify({ ...one, lastUsedAt: null }) === JSON.stringify({ ...other, lastUsedAt: null });
}

function keyOf(callerId: string, secret: string): Secret {
  return new Secret(`obk_${callerId}_${secret}_${checksum(callerId, secret)}`);
}

/** Shows that a text is a caller key: to scanners that look for leaked keys, and to us, to find a mistyped one. */
function checksum(callerId: string, secret: string): string {
  return createHash("sha256").update(`obk_${callerId}_${secret}`).digest("hex").slice(0, 8);
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
