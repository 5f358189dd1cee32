import { createHash, randomBytes } from "node:crypto";

function random(bytes: number): string {
  return randomBytes(bytes).toString("base64url");
}

// Sizes stay under what Google announces: codes 256 bytes, access tokens 2,048, refresh tokens 512.
export function newCode(): string {
  return `4/0A${random(52)}`;
}

export function newAccessToken(): string {
  return `ya29.a0${random(120)}`;
}

export function newRefreshToken(): string {
  return `1//0${random(72)}`;
}

export function newClientSecret(): string {
  return `GOCSPX-${random(21)}`;
}

/** Whether a value has the form of a code. One that is still percent-encoded does not have it. */
export function looksLikeCode(value: string): boolean {
  return /^4\/0A[\w-]+$/.test(value);
}

/** The start of a secret, such as `1//0ab…`: enough to tell secrets apart in a log, too little to use one. */
export function shortened(secret: string): string {
  return secret.length <= 6 ? secret : `${secret.slice(0, 6)}…`;
}

/** The start of a token's SHA-256, in hex: it identifies the token in the log without showing it. */
export function fingerprint(secret: string): string {
  return createHash("sha256").update(secret).digest("hex").slice(0, 16);
}
