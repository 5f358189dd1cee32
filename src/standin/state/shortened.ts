import { createHash } from "node:crypto";

/** The start of a secret, such as `1//0ab…`: enough to tell secrets apart in a log, too little to use one. */
export function shortened(secret: string): string {
  return secret.length <= 6 ? secret : `${secret.slice(0, 6)}…`;
}

/** The start of a token's SHA-256, in hex: it identifies the token in the log without showing it. */
export function fingerprint(secret: string): string {
  return createHash("sha256").update(secret).digest("hex").slice(0, 16);
}
