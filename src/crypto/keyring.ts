/**
 * crypto/ seals and opens values with the keys of one store, and holds the names of the places they are sealed for.
 * What a sealed value means does not belong here, nor where it is kept: crypto/ knows no grant and no store.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { KeyState } from "../core/data-keys.ts";
import { OnbehalfError } from "../core/errors.ts";
import type { HandedDownKeys } from "../core/handed-down-keys.ts";
import { sealedColumns } from "./places.ts";
import type { KeyClass, SealedColumn, SealedPlace } from "./places.ts";
import { open, seal, sealedUnder } from "./sealing.ts";
import type { DataKey } from "./sealing.ts";

export type { KeyClass } from "./places.ts";

/** Every class: what a keeper needs. */
export const keyClasses: readonly KeyClass[] = ["refresh", "read", "index", "assertion"];

/** The classes that a process needs which hands out tokens and opens no refresh token. */
export const readingClasses: readonly KeyClass[] = ["read", "index", "assertion"];

/** The classes whose keys seal values. The others make keyed hashes and signatures. */
export const sealingClasses: ReadonlySet<string> = new Set<KeyClass>(["refresh", "read"]);

/**
 * The classes whose keys can be replaced. Those of `index` cannot: a keyed hash is found again by what was hashed, and of
 * a caller's key or a code nothing else is kept.
 */
export const rotatableClasses: readonly KeyClass[] = ["refresh", "read", "assertion"];

/** A data key that was opened. */
export interface OpenedKey {
  readonly key: DataKey;
  readonly keyClass: KeyClass;
  /** `current` by default; of several, the one with the highest number seals. */
  readonly state?: KeyState;
}

/** How far beyond the highest number that is known a data key may be that was added since, and is not a forgery. */
const newKeysAtMost = 64;

/** The opened data keys of one store. It holds only the classes that this process needs. */
export class Keyring {
  readonly instance: string;
  #newest = new Map<KeyClass, DataKey>();
  #byId = new Map<number, OpenedKey>();
  #highestId = 0;
  /** Numbers that were met and are not known, and those of them that were looked for and are not there. */
  #unknown = new Set<number>();
  readonly #absent = new Set<number>();
  /** Told of a value under a data key that was added since the keys were read: they must be read again. */
  onUnknownKey: (() => void) | undefined;

  constructor(instance: string, keys: readonly OpenedKey[]) {
    this.instance = instance;
    this.replaceKeys(keys);
  }

  /**
   * Puts other keys in the place of those that are here, all at once.
   *
   * @param highestId the highest number of a data key in the store, of any class
   * @param looked what {@link takeUnknown} gave before the keys were read: what is not among them is nowhere
   */
  replaceKeys(keys: readonly OpenedKey[], highestId = 0, looked: ReadonlySet<number> = new Set()): void {
    const newest = new Map<KeyClass, DataKey>();
    const byId = new Map<number, OpenedKey>();
    for (const each of keys.toSorted((a, b) => a.key.keyId - b.key.keyId)) {
      if ((each.state ?? "current") === "current") newest.set(each.keyClass, each.key);
      byId.set(each.key.keyId, each);
    }
    this.#newest = newest;
    this.#byId = byId;
    this.#highestId = Math.max(highestId, this.#highestId, ...byId.keys());
    for (const keyId of looked) if (!byId.has(keyId)) this.#absent.add(keyId);
  }

  /** The numbers of data keys that were met since the last call and are not known. */
  takeUnknown(): ReadonlySet<number> {
    const unknown = this.#unknown;
    this.#unknown = new Set();
    return unknown;
  }

  /** The data keys of a class that are not retired: of a signing key, those that verify. The one that seals comes first. */
  versions(keyClass: KeyClass): readonly number[] {
    const current = this.#key(keyClass).keyId;
    const others = [...this.#byId.values()].filter(
      ({ key, keyClass: other, state }) => other === keyClass && key.keyId !== current && state !== "retired",
    );
    return [current, ...others.map(({ key }) => key.keyId)];
  }

  /** Whether a number is that of a data key of this class that is here. */
  holds(keyId: number, keyClass: KeyClass): boolean {
    return this.#byId.get(keyId)?.keyClass === keyClass;
  }

  /** The number of the data key that seals a column now. */
  sealsWith(column: SealedColumn): number {
    return this.#key(sealedColumns[column]).keyId;
  }

  /**
   * Seals a value for one place, under the newest key of the place's class.
   *
   * @throws TypeError where this process holds no key of the class
   */
  seal(plaintext: string, place: SealedPlace): Buffer {
    return seal(plaintext, { ...place, instance: this.instance }, this.#key(sealedColumns[place.column]));
  }

  /**
   * Opens a value with the key of the place's class that sealed it; undefined where it does not open, because it was
   * damaged or sealed for another place.
   *
   * @throws TypeError where this process holds no key of the class
   * @throws {OnbehalfError} `store_unavailable`: its data key may have been added since the keys were read. Soon they are
   *   read again. Called damaged, a sound value could be overwritten
   */
  open(sealed: Uint8Array, place: SealedPlace): string | undefined {
    const keyClass = sealedColumns[place.column];
    // A process without the class must not call the value damaged: it may be sound.
    this.#key(keyClass);
    const keyId = sealedUnder(sealed) ?? -1;
    const entry = this.#byId.get(keyId);
    if (entry === undefined && this.#mayBeNew(keyId)) throw this.#notReadYet(keyId);
    // A value that a key of another class sealed was copied here from another column. It must not open, even where this
    // process holds that key.
    if (entry === undefined || entry.keyClass !== keyClass) return undefined;
    return open(sealed, { ...place, instance: this.instance }, entry.key);
  }

  /** A keyed hash, by which a value is found without being stored. JSON keeps the parts apart. */
  hash(purpose: string, ...parts: string[]): Buffer {
    return createHmac("sha256", this.#key("index").bytes)
      .update(JSON.stringify([purpose, ...parts]))
      .digest();
  }

  /**
   * 32 secret bytes for one purpose: the same in every process of this store.
   *
   * @param keyId of which data key; the one that seals by default
   */
  seed(keyClass: KeyClass, purpose: string, keyId: number = this.#key(keyClass).keyId): Buffer {
    const entry = this.#byId.get(keyId);
    if (entry?.keyClass !== keyClass) throw new TypeError(`there is no ${keyClass} key ${keyId}`);
    return createHmac("sha256", entry.key.bytes).update(`seed/${purpose}`).digest();
  }

  /** A number that nobody can have given yet was written by somebody else. */
  #mayBeNew(keyId: number): boolean {
    const isNear = keyId > this.#highestId && keyId <= this.#highestId + newKeysAtMost;
    return isNear && this.onUnknownKey !== undefined && !this.#absent.has(keyId);
  }

  #notReadYet(keyId: number): OnbehalfError<"store_unavailable"> {
    this.#unknown.add(keyId);
    this.onUnknownKey?.();
    return new OnbehalfError("store_unavailable", `data key ${keyId} was added a moment ago`, {
      hint: "try again shortly: this process reads the store's data keys again",
      details: { retryAfterMs: 1_000 },
    });
  }

  /** The keys of some classes, for a process that needs no others. */
  handDown(classes: readonly KeyClass[]): HandedDownKeys {
    const keys = [...this.#byId.values()].filter(({ keyClass }) => classes.includes(keyClass));
    return {
      instance: this.instance,
      keys: keys.map(({ key, keyClass }) => ({ keyId: key.keyId, keyClass, bytes: key.bytes.toString("base64") })),
    };
  }

  #key(keyClass: KeyClass): DataKey {
    const key = this.#newest.get(keyClass);
    if (key === undefined) throw new TypeError(`this process holds no ${keyClass} key`);
    return key;
  }
}

/** What a user of a {@link Keyring} needs of it. */
export type Sealer = Pick<Keyring, "seal" | "open" | "hash" | "seed" | "versions">;

/** The hash by which a person's grants are found. It is the same for every client of an issuer. */
export function subjectHash(keyring: Sealer, issuer: string, subject: string): Buffer {
  return keyring.hash("subject", issuer, subject);
}

/** The hash by which the grants of the app's own user id are found. */
export function externalHash(keyring: Sealer, externalId: string): Buffer {
  return keyring.hash("external_id", externalId);
}

/** The hash by which the grants are found that users of the app know under a label. */
export function accountHash(keyring: Sealer, account: string): Buffer {
  return keyring.hash("account", account);
}

/** The hash by which a one-time code is found. */
export function codeHash(keyring: Sealer, clientId: string, code: string): Buffer {
  return keyring.hash("code", clientId, code);
}

/** The hash by which a deposited refresh token is found. It is kept where that of a code is, and means no code. */
export function depositHash(keyring: Sealer, issuer: string, clientId: string, refreshToken: string): Buffer {
  return keyring.hash("deposit", issuer, clientId, refreshToken);
}

/** Which grant belongs to whom, as it stands in a grant's row. */
export interface GrantIdentity {
  readonly grantId: string;
  readonly provider: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly subjectHash: Uint8Array;
}

/**
 * Says that a grant belongs to a person, beside the profile: where that does not open, nobody could tell otherwise
 * whether the row was given the hash of somebody else.
 */
export function identityMac(keyring: Sealer, identity: GrantIdentity): Buffer {
  const { grantId, provider, issuer, clientId, subjectHash: subject } = identity;
  return keyring.hash("identity_mac", grantId, provider, issuer, clientId, Buffer.from(subject).toString("hex"));
}

/**
 * Says which grant a code has become, and when. Without it, whoever writes the database could let a code of their own
 * mean the grant of somebody else.
 *
 * @param at milliseconds since the epoch
 */
export function resultMac(keyring: Sealer, codeHash: Uint8Array, grantId: string, at: number): Buffer {
  return keyring.hash("result_mac", Buffer.from(codeHash).toString("hex"), grantId, String(at));
}

/** A row of the audit log, but for its place in it. */
export interface AuditContent {
  readonly recordId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly caller: string;
  readonly requestId: string | null;
  readonly sessionId: string | null;
  readonly action: string;
  readonly grantId: string | null;
  readonly generation: number | null;
  readonly outcome: string;
  readonly detail: string | null;
  readonly anchor: number | null;
}

/**
 * Says that we wrote a row of the audit log, after another one. Whoever writes the database could put words into it
 * otherwise, or take rows out and link the others anew.
 *
 * @param anchorLink the link of the row that `anchor` names
 */
export function auditMac(keyring: Pick<Sealer, "hash">, row: AuditContent, anchorLink: Uint8Array): Buffer {
  const { recordId, at, caller, requestId, sessionId, action, grantId, generation, outcome, detail, anchor } = row;
  const content = [recordId, at, caller, requestId, action, grantId, generation, outcome, detail];
  // Rows from before there were sessions must keep their hashes.
  const session = sessionId === null ? [] : [{ sessionId }];
  const before = anchor === null ? [] : [anchor, Buffer.from(anchorLink).toString("hex")];
  return keyring.hash("audit", JSON.stringify([...content, ...session, ...before]));
}

/** What grants no right, or takes them away: without the key, nobody can gain anything by changing it. */
const unbound: ReadonlySet<string> = new Set(["rightsMac", "operatorMac", "revokedAt", "lastUsedAt"]);

/**
 * Says what a caller, a handle, a session or somebody at the dashboard may do. Whoever writes the database could widen one otherwise, or make it last.
 *
 * @param purpose whose rights they are: a row of one table means nothing in another
 */
export function rightsMac(
  keyring: Sealer,
  row: object,
  purpose: "caller_rights" | "handle_rights" | "session_rights" | "dashboard_rights" = "caller_rights",
): Buffer {
  // Every property, so that one that is added later is bound as well.
  const bound = Object.entries(row)
    .filter(([name]) => !unbound.has(name))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
    ]);
  return keyring.hash(purpose, JSON.stringify(bound));
}

/** Whether a row holds the keyed hash that it must hold. It never does where the row holds none. */
export function isMac(stored: Uint8Array | null, expected: Buffer): boolean {
  return stored !== null && stored.length === expected.length && timingSafeEqual(stored, expected);
}

/** Part of a keyed hash. Two that are alike by chance only cause a look at the store. */
export function fingerprint(hash: Uint8Array): number {
  // Nobody but a hand that edits the database writes an empty one.
  if (hash.byteLength === 0) return 0;
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).readUIntBE(0, Math.min(6, hash.byteLength));
}
