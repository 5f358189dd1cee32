import { createLocalJWKSet } from "jose";
import type { JWK } from "jose";
import { parseObject } from "./bounded-fetch.ts";

/** Shorter RSA keys can be factored by whoever pays for it. */
const leastRsaBits = 2_048;
/** To verify with a longer one takes so long that a key set could stop every sign-in. */
const mostRsaBits = 16_384;
/** Smaller exponents made forgeries possible in several programs. FIPS 186-5 allows none below it. */
const leastRsaExponent = 65_537n;

/**
 * The keys of a key set that may verify a signature. One that is weak, private, or declared for something else is left
 * out: a token that names it is then refused as one of an unknown key.
 *
 * @param text the body of the provider's answer
 * @returns undefined where the text is no key set, or an empty one. No provider signs without a key, so that is an outage
 * @see https://www.rfc-editor.org/rfc/rfc8725#section-3.5
 */
export function usableKeys(text: string): ReturnType<typeof createLocalJWKSet> | undefined {
  const keys = parseObject(text)?.["keys"];
  if (!Array.isArray(keys) || keys.length === 0) return undefined;
  try {
    return createLocalJWKSet({ keys: keys.filter(isUsable) });
  } catch {
    return undefined;
  }
}

function isUsable(key: unknown): boolean {
  // Such a set is no key set, and jose says so.
  if (typeof key !== "object" || key === null) return true;
  const { kty, use, key_ops: operations, d, k, n, e } = key as Readonly<Record<keyof JWK, unknown>>;
  if (use !== undefined && use !== "sig") return false;
  if (operations !== undefined && !isForSignatures(operations)) return false;
  // Whoever read the key set could sign with a private key or a shared secret in it.
  if (d !== undefined || k !== undefined) return false;
  return kty !== "RSA" || isStrongRsa(numberOf(n), numberOf(e));
}

function isForSignatures(operations: unknown): boolean {
  return (
    Array.isArray(operations) &&
    operations.includes("verify") &&
    operations.every((each) => each === "verify" || each === "sign")
  );
}

function isStrongRsa(modulus: bigint, exponent: bigint): boolean {
  const bits = modulus.toString(2).length;
  return bits >= leastRsaBits && bits <= mostRsaBits && exponent >= leastRsaExponent && exponent % 2n === 1n;
}

/** A number as a JWK writes it; 0 where it is none, or so long that no key has it. */
function numberOf(value: unknown): bigint {
  if (typeof value !== "string" || value.length > mostRsaBits / 4) return 0n;
  const hex = Buffer.from(value, "base64url").toString("hex");
  return hex === "" ? 0n : BigInt(`0x${hex}`);
}
