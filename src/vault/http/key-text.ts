/** The text of keys: what kind one is, whose, and whether it is a whole copy. What one may do does not belong here. */
import { createHash, randomBytes } from "node:crypto";
import { Secret } from "../../core/secret.ts";

/**
 * `obk_`: of a caller. `obs_`: of a session of one. `obh_`: a handle, which stands in the place of a refresh
 * token. `obl_`: a link that lets an operator into the dashboard once; `obo_`: what the operator's browser then holds.
 */
export type KeyKind = "obk" | "obs" | "obh" | "obl" | "obo";

/** A key in its parts. */
export interface KeyText {
  readonly kind: KeyKind;
  /** No secret. */
  readonly id: string;
  readonly secret: string;
}

const form = /^(obk|obs|obh|obl|obo)_([0-9a-f]{16})_([0-9a-f]{64})_([0-9a-f]{8})$/;

/** A new key. */
export function newKey(kind: KeyKind, id: string = randomBytes(8).toString("hex")): KeyText & { readonly key: Secret } {
  const text = { kind, id, secret: randomBytes(32).toString("hex") };
  return { ...text, key: new Secret(`${kind}_${id}_${text.secret}_${checksum(text)}`) };
}

/** A key in its parts; undefined where it is none, or no whole one. The checksum finds copies that were cut or mistyped. */
export function partsOf(text: string): KeyText | undefined {
  const [, kind, id = "", secret = "", sum] = form.exec(text) ?? [];
  const key: KeyText = { kind: kind as KeyKind, id, secret };
  return sum !== undefined && checksum(key) === sum ? key : undefined;
}

/** The key of a caller or a session in the value of an `Authorization` header; undefined where there is no whole one. */
export function keyIn(authorization: string): KeyText | undefined {
  const key = partsOf(/^bearer +(\S+)$/i.exec(authorization)?.[1] ?? "");
  return key?.kind === "obk" || key?.kind === "obs" ? key : undefined;
}

/** Shows that a text is a key: to scanners that look for leaked keys, and to us, to find a mistyped one. */
function checksum({ kind, id, secret }: KeyText): string {
  return createHash("sha256").update(`${kind}_${id}_${secret}`).digest("hex").slice(0, 8);
}
