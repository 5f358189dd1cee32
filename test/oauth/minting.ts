import { generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { JWK } from "jose";

/** A key that signs, and as it is published. */
export interface Minter {
  readonly kid: string;
  readonly alg: string;
  readonly publicKey: KeyObject;
  readonly jwk: JWK;
  /** The bytes of a signature. */
  readonly signature: (input: string) => Buffer;
}

export function ellipticMinter(kid: string): Minter {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return minter(kid, "ES256", publicKey, (input) =>
    sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }),
  );
}

export function rsaMinter(kid: string): Minter {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  return minter(kid, "RS256", publicKey, (input) => sign("sha256", Buffer.from(input), privateKey));
}

export function edwardsMinter(kid: string, alg: string): Minter {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return minter(kid, alg, publicKey, (input) => sign(null, Buffer.from(input), privateKey));
}

function minter(kid: string, alg: string, publicKey: KeyObject, signature: Minter["signature"]): Minter {
  return { kid, alg, publicKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" }, signature };
}

export function base64url(value: object | string): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}

/** Header and claims, signed as they are spelled. */
export function signed({ signature }: Minter, header: string, claims: string): string {
  return `${header}.${claims}.${signature(`${header}.${claims}`).toString("base64url")}`;
}

/** A token in the usual spelling. Members of `undefined` are left out. */
export function minted(key: Minter, claims: object, header: object = {}): string {
  return signed(key, base64url({ alg: key.alg, kid: key.kid, typ: "JWT", ...header }), base64url(claims));
}
