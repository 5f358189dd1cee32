import { createHash, timingSafeEqual } from "node:crypto";
import { OAuthRefusal } from "./oauth-form.ts";

/**
 * Reads a Basic header.
 *
 * @throws {OAuthRefusal} `invalid_client`
 * @see RFC 6749 section 2.3.1: both halves are form-encoded before they are joined
 */
export function basicCredentials(header: string): { readonly id: string; readonly secret: string } {
  const decoded = Buffer.from(header.replace(/^Basic +/i, ""), "base64").toString();
  const colon = decoded.indexOf(":");
  if (colon < 0) throw new OAuthRefusal(401, "invalid_client", "The Basic credentials could not be read.");
  return { id: formDecoded(decoded.slice(0, colon)), secret: formDecoded(decoded.slice(colon + 1)) };
}

function formDecoded(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll("+", " "));
  } catch {
    return part;
  }
}

export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(value: string): Buffer {
  return createHash("sha256").update(value).digest();
}
