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

/** Looks like a code of ours, whether or not it is one. A code that is still percent-encoded does not. */
export function looksLikeCode(value: string): boolean {
  return /^4\/0A[\w-]+$/.test(value);
}

/** Enough to tell secrets apart in a log, too little to use one: `1//0ab…`. */
export function shortened(secret: string): string {
  return secret.length <= 6 ? secret : `${secret.slice(0, 6)}…`;
}

/** Names a token in the log without showing it: the start of its SHA-256, in hex. */
export function fingerprint(secret: string): string {
  return createHash("sha256").update(secret).digest("hex").slice(0, 16);
}
