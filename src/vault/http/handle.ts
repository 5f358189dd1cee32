/** What a handle is to those who make, list and use it; how it is looked up does not belong here. */
import { defined } from "../../core/defined.ts";
import { isMac, rightsMac } from "../../crypto/keyring.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { Secret } from "../../core/secret.ts";
import type { HandleRow } from "../../store/handle-store.ts";
import { partsOf } from "./key-text.ts";

/** What a new handle is for. */
export interface CreateHandleOptions {
  /** 1 to 64 letters, digits, and . _ -, for people: several handles may have one name. */
  readonly name: string;
  /** The name of the one caller that may use it. Default, where a caller makes it: that caller. */
  readonly forCaller?: string;
  /**
   * The largest scopes of the tokens that it gives; `openid`, `email` and `profile` may always be there. A token cannot be
   * narrowed: where the grant comes to hold more, the handle gives none. Default: whatever the grant has.
   */
  readonly scopes?: readonly string[];
  /** After how many seconds it ends. Default: never. */
  readonly expiresInSeconds?: number;
}

/** A handle, without its secret: that is shown once, when the handle is made. */
export interface Handle {
  /** Part of the handle, and no secret. */
  readonly handleId: string;
  readonly grantId: string;
  readonly provider: string;
  readonly name: string;
  /** The one caller that may use it. */
  readonly callerId: string;
  /** That caller's name. Absent: its row is gone. */
  readonly forCaller?: string;
  readonly scopes?: readonly string[];
  readonly createdAt: Date;
  /** Absent: it does not expire. */
  readonly expiresAt?: Date;
  /** Absent: nobody has ended it. */
  readonly revokedAt?: Date;
  /** When it was used last, to ten minutes. Absent: never. */
  readonly lastUsedAt?: Date;
}

/** The parts of a handle as it is sent. */
export interface HandleParts {
  readonly handleId: string;
  readonly secret: string;
}

/** @returns undefined: it is none, or was cut or mistyped */
export function handlePartsOf(handle: Secret): HandleParts | undefined {
  const key = partsOf(handle.expose());
  return key?.kind === "obh" ? { handleId: key.id, secret: key.secret } : undefined;
}

export function secretHash(keyring: Sealer, { handleId, secret }: HandleParts): Buffer {
  return keyring.hash("handle", handleId, secret);
}

/** The row with the keyed hash of what it says. */
export function bound(keyring: Sealer, row: Omit<HandleRow, "rightsMac">): HandleRow {
  return { ...row, rightsMac: rightsMac(keyring, row, "handle_rights") };
}

/** Whether a row says what we have written. */
export function isBound(keyring: Sealer, row: HandleRow): boolean {
  return isMac(row.rightsMac, rightsMac(keyring, row, "handle_rights"));
}

/** @param forCaller the name of the row's caller */
export function handleOf(row: HandleRow, forCaller: string | undefined): Handle {
  const { handleId, grantId, provider, name, callerId, createdAt } = row;
  return {
    handleId,
    grantId,
    provider,
    name,
    callerId,
    createdAt: new Date(createdAt),
    ...defined({
      forCaller,
      scopes: scopesOfRow(row),
      expiresAt: dateOf(row.expiresAt),
      revokedAt: dateOf(row.revokedAt),
      lastUsedAt: dateOf(row.lastUsedAt),
    }),
  };
}

export function scopesOfRow({ scopes }: HandleRow): readonly string[] | undefined {
  return scopes === null ? undefined : (JSON.parse(scopes) as string[]);
}

function dateOf(at: number | null): Date | undefined {
  return at === null ? undefined : new Date(at);
}
