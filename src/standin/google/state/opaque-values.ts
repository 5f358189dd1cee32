import { randomBytes } from "node:crypto";

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
