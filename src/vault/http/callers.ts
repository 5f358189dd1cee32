import { randomBytes, createHash, timingSafeEqual } from "node:crypto";
import { assertFits, assertOptions, date, filledText } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import type { Clock } from "../../core/clock.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { OnbehalfError, isOnbehalfError } from "../../core/errors.ts";
import { isRecent } from "../../core/recorded-time.ts";
import { Secret } from "../../core/secret.ts";
import type { CallerRow, CallerStore } from "../../store/caller-store.ts";

/**
 * What a caller may do: get access tokens, call APIs through the proxy, and read, create or revoke grants.
 */
export type Permission = "token" | "proxy" | "grants:read" | "grants:create" | "grants:revoke";

/** Every {@link Permission}. */
export const permissions: readonly Permission[] = ["token", "proxy", "grants:read", "grants:create", "grants:revoke"];

const somePermissions: Rule = {
  fits: (value) => Array.isArray(value) && value.every((each) => permissions.includes(each as Permission)),
  must: `a list of ${permissions.join(", ")}`,
};

/** A program that uses the service, known by its key. The key itself is not in it. */
export interface Caller {
  /** Part of the key, and no secret. */
  readonly callerId: string;
  /** Unique among callers whose keys are not revoked. */
  readonly name: string;
  /** What it may do. */
  readonly allow: readonly Permission[];
  readonly createdAt: Date;
  /** Absent: the key does not expire. */
  readonly expiresAt?: Date;
  /** Absent: the key is not revoked. */
  readonly revokedAt?: Date;
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
const memoryLimit = 10_000;

/**
 * The keys of the programs that use the service. A key is shown once, when it is made; the store keeps only a keyed
 * hash of it.
 */
export class Callers {
  readonly #store: CallerStore;
  readonly #keyring: Sealer;
  readonly #clock: Clock;
  readonly #verified = new Map<string, { readonly caller: Caller; readonly at: number }>();

  constructor(store: CallerStore, keyring: Sealer, clock: Clock) {
    this.#store = store;
    this.#keyring = keyring;
    this.#clock = clock;
  }

  /**
   * Makes a caller and its key. The key is returned here and never again.
   *
   * @param name 1 to 64 letters, digits, and . _ -; unique among callers whose keys are not revoked
   * @param options.allow what it may do; everything by default
   * @param options.expiresAt when the key ends; never by default
   * @throws {OnbehalfError} `invalid_request`: the name is taken or malformed, or an option is not what it must be
   * @throws {OnbehalfError} `store_unavailable`
   */
  async create(
    name: string,
    options: { readonly allow?: readonly Permission[]; readonly expiresAt?: Date } = {},
  ): Promise<{ readonly caller: Caller; readonly key: Secret }> {
    assertOptions("create", options, { allow: somePermissions, expiresAt: date });
    const { allow = permissions, expiresAt } = options;
    if (typeof name !== "string" || !/^[\w.-]{1,64}$/.test(name))
      throw badName(`the caller's name must be 1 to 64 letters, digits, and . _ -`);
    const callerId = randomBytes(8).toString("hex");
    const secret = randomBytes(32).toString("hex");
    const row: CallerRow = {
      callerId,
      name,
      keyHash: this.#hash(callerId, secret),
      permissions: JSON.stringify(allow),
      createdAt: this.#clock.now(),
      expiresAt: expiresAt?.getTime() ?? null,
      revokedAt: null,
    };
    if (!(await this.#store.insertCaller(row))) throw badName(`a caller named ${name} exists`);
    return { caller: callerOf(row), key: new Secret(`obk_${callerId}_${secret}_${checksum(callerId, secret)}`) };
  }

  /**
   * Every caller, those with expired or revoked keys too.
   *
   * @throws {OnbehalfError} `store_unavailable`
   */
  async list(): Promise<Caller[]> {
    return (await this.#store.listCallers()).map(callerOf);
  }

  /**
   * Revokes a caller's key. In other processes it may still work for a second.
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
    return known !== undefined && isRecent(known.at, this.#clock.now(), verifiedForMs) ? known.caller : undefined;
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
    if (typeof authorization !== "string") throw unauthorized("no caller key was sent");
    const known = this.peek(authorization);
    if (known !== undefined) return known;
    const [, callerId = "", secret = "", sum = ""] = form.exec(/^bearer +(\S+)$/i.exec(authorization)?.[1] ?? "") ?? [];
    // The checksum finds copies that were cut or mistyped, without asking the store.
    if (callerId === "" || checksum(callerId, secret) !== sum)
      throw unauthorized("the caller key is malformed or a damaged copy");
    const row = await this.#find(authorization, callerId);
    // For an unknown id the same work is done, so that the time of the answer does not tell which ids exist.
    const expected = row?.keyHash ?? new Uint8Array(32);
    const matches = timingSafeEqual(this.#hash(callerId, secret), expected);
    const now = this.#clock.now();
    const alive = row !== undefined && row.revokedAt === null && (row.expiresAt ?? Infinity) > now;
    if (row === undefined || !matches || !alive) {
      this.#verified.delete(authorization);
      throw unauthorized("the caller key is unknown, expired or revoked");
    }
    const caller = callerOf(row);
    if (this.#verified.size >= memoryLimit) this.#verified.clear();
    this.#verified.set(authorization, { caller, at: now });
    return caller;
  }

  async #find(authorization: string, callerId: string): Promise<CallerRow | undefined> {
    try {
      return await this.#store.callerById(callerId);
    } catch (error) {
      const known = this.#verified.get(authorization);
      const recent = known !== undefined && isRecent(known.at, this.#clock.now(), outageGraceMs);
      if (!recent || !isOnbehalfError(error, "store_unavailable")) throw error;
      return rowOf(known.caller, this.#hash(callerId, form.exec(authorization.slice(7).trim())?.[2] ?? ""));
    }
  }

  #hash(callerId: string, secret: string): Buffer {
    return this.#keyring.hash("caller_key", callerId, secret);
  }
}

function callerOf(row: CallerRow): Caller {
  return {
    callerId: row.callerId,
    name: row.name,
    allow: JSON.parse(row.permissions) as Permission[],
    createdAt: new Date(row.createdAt),
    ...(row.expiresAt === null ? {} : { expiresAt: new Date(row.expiresAt) }),
    ...(row.revokedAt === null ? {} : { revokedAt: new Date(row.revokedAt) }),
  };
}

function rowOf(caller: Caller, keyHash: Uint8Array): CallerRow {
  return {
    callerId: caller.callerId,
    name: caller.name,
    keyHash,
    permissions: JSON.stringify(caller.allow),
    createdAt: caller.createdAt.getTime(),
    expiresAt: caller.expiresAt?.getTime() ?? null,
    revokedAt: null,
  };
}

/** Shows that a text is a caller key: to scanners that look for leaked keys, and to us, to find a mistyped one. */
function checksum(callerId: string, secret: string): string {
  return createHash("sha256").update(`obk_${callerId}_${secret}`).digest("hex").slice(0, 8);
}

function unauthorized(message: string): OnbehalfError<"unauthorized"> {
  return new OnbehalfError("unauthorized", message, {
    hint: "send Authorization: Bearer obk_…; make a key with: onbehalf callers create NAME",
    details: {},
  });
}

function badName(message: string): OnbehalfError<"invalid_request"> {
  return new OnbehalfError("invalid_request", message, { hint: "choose another name", details: { parameter: "name" } });
}
