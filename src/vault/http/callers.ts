import { randomBytes, createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { OnbehalfError, isOnbehalfError } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import type { CallerRow, CallerStore } from "../../store/store.ts";

/** What a caller may do. */
export type Permission = "token" | "proxy" | "grants:read" | "grants:create" | "grants:revoke";

export const permissions: readonly Permission[] = ["token", "proxy", "grants:read", "grants:create", "grants:revoke"];

/** A program that uses the service. */
export interface Caller {
  readonly callerId: string;
  readonly name: string;
  readonly allow: readonly Permission[];
  readonly createdAt: Date;
  readonly expiresAt?: Date;
  readonly revokedAt?: Date;
}

const form = /^obk_([0-9a-f]{16})_([0-9a-f]{64})_([0-9a-f]{8})$/;

/** For this long a verified key is not looked up again; so long may a revoked one still work in another process. */
const verifiedForMs = 1_000;
/** While the store is down, a key that was verified this recently still works: valid tokens go on being served. */
const outageGraceMs = 900_000;
const memoryLimit = 10_000;

/** API keys of the programs that use the service: shown once, kept as keyed hashes. */
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
   * Makes a key. It is shown here and never again.
   *
   * @param name unique among living callers
   * @param allow what it may do; everything by default
   * @throws {OnbehalfError} `invalid_request`: the name is taken or malformed
   */
  async create(
    name: string,
    { allow = permissions, expiresAt }: { readonly allow?: readonly Permission[]; readonly expiresAt?: Date } = {},
  ): Promise<{ readonly caller: Caller; readonly key: Secret }> {
    if (!/^[\w.-]{1,64}$/.test(name)) throw badName(`the caller's name must be 1 to 64 letters, digits, and . _ -`);
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

  async list(): Promise<Caller[]> {
    return (await this.#store.listCallers()).map(callerOf);
  }

  /** Ends a caller's key. Returns false where no living caller has this name. */
  async revoke(name: string): Promise<boolean> {
    this.#verified.clear();
    return this.#store.revokeCaller(name, this.#clock.now());
  }

  /** Whose key this is, if it was verified a moment ago. Touches nothing else. */
  peek(authorization: string): Caller | undefined {
    const known = this.#verified.get(authorization);
    return known !== undefined && this.#clock.now() - known.at < verifiedForMs ? known.caller : undefined;
  }

  /**
   * Whose key an `Authorization` header carries.
   *
   * @throws {OnbehalfError} `unauthorized`: missing, malformed, unknown, expired or revoked; which one is not said
   * @throws {OnbehalfError} `store_unavailable`
   * @see RFC 6750 section 2.1
   */
  async authenticate(authorization: string | null): Promise<Caller> {
    if (authorization === null) throw unauthorized("no caller key was sent");
    const known = this.peek(authorization);
    if (known !== undefined) return known;
    const [, callerId = "", secret = "", sum = ""] = form.exec(/^bearer +(\S+)$/i.exec(authorization)?.[1] ?? "") ?? [];
    // Copies that were cut or mistyped never reach the database.
    if (callerId === "" || checksum(callerId, secret) !== sum) throw unauthorized("this is not a caller key");
    const row = await this.#find(authorization, callerId);
    // An unknown id costs the same work, so that ids cannot be told apart by time.
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
      const recent = known !== undefined && this.#clock.now() - known.at < outageGraceMs;
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

/** Lets scanners tell a leaked key from noise, and us a typing mistake from an attack. */
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
