import { dayMs } from "../../clock.ts";
import { selfSigned } from "./certificate.ts";
import type { SigningKey } from "../../state/key-ring.ts";

const made = new WeakMap<SigningKey, string>();

/** The certificate of a signing key, made when it is first asked for. */
function certificateOf(key: SigningKey): string {
  const known = made.get(key);
  if (known !== undefined) return known;
  const { privateKey, publicKey, createdAt, kid } = key;
  const certificate = selfSigned({
    name: "federated-signon.standin.example",
    privateKey,
    publicKey,
    notBefore: createdAt - dayMs,
    notAfter: createdAt + 16 * dayMs,
    serial: Buffer.from(kid, "hex").subarray(0, 8),
  });
  made.set(key, certificate);
  return certificate;
}

/** `/oauth2/v1/certs`: what older libraries read instead of the JWKS. */
export function certificates(keys: readonly SigningKey[]): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key.kid, certificateOf(key)]));
}
