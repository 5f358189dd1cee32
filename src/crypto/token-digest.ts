import { createHash } from "node:crypto";

/** The SHA-256 of a token, in lower-case hex: it names a token to whoever holds it, and to nobody else. */
export function tokenDigest(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
