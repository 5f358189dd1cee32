import { createHash, randomBytes } from "node:crypto";

const random = (bytes: number): string => randomBytes(bytes).toString("base64url");

// Sizes stay under what Google announces: codes 256 bytes, access tokens 2,048, refresh tokens 512.
export const newCode = (): string => `4/0A${random(52)}`;
export const newAccessToken = (): string => `ya29.a0${random(120)}`;
export const newRefreshToken = (): string => `1//0${random(72)}`;
export const newClientSecret = (): string => `GOCSPX-${random(21)}`;

/** Looks like a code of ours, whether or not it is one. A code that is still percent-encoded does not. */
export const looksLikeCode = (value: string): boolean => /^4\/0A[\w-]+$/.test(value);

/** Enough to tell secrets apart in a log, too little to use one: `1//0ab…`. */
export const shortened = (secret: string): string => (secret.length <= 6 ? secret : `${secret.slice(0, 6)}…`);

/** Names a token in the log without showing it: the start of its SHA-256, in hex. */
export const fingerprint = (secret: string): string => createHash("sha256").update(secret).digest("hex").slice(0, 16);
