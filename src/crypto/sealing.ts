import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { SealedPlace, WrappedKeyPlace } from "./places.ts";

/** The place of a sealed value, with the store's own random name: in another store it does not open. */
export type Place = (SealedPlace | WrappedKeyPlace) & { readonly instance: string };

/** A data key: its number in the keyring, and its 32 bytes. */
export interface DataKey {
  readonly keyId: number;
  readonly bytes: Buffer;
}

const version = 1;
const aes256gcm = 1;
const headerLength = 6;
const nonceLength = 12;
const tagLength = 16;

/**
 * Seals a value: AES-256-GCM under a key that is derived for this record and column alone.
 *
 * Layout: version (1 byte), algorithm (1), key number (4), nonce (12), ciphertext, tag (16).
 *
 * @see https://doi.org/10.6028/NIST.SP.800-38D
 * @see https://www.rfc-editor.org/rfc/rfc5869
 */
export function seal(plaintext: string, place: Place, key: DataKey): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt8(version, 0);
  header.writeUInt8(aes256gcm, 1);
  header.writeUInt32BE(key.keyId, 2);
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv("aes-256-gcm", recordKey(key, place), nonce, { authTagLength: tagLength });
  cipher.setAAD(additionalData(header, place));
  const body = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
  return Buffer.concat([header, nonce, body, cipher.getAuthTag()]);
}

/** The number of the data key that sealed a value; undefined where the bytes are no sealed value. */
export function sealedUnder(sealed: Uint8Array): number | undefined {
  if (sealed.length < headerLength + nonceLength + tagLength) return undefined;
  if (sealed[0] !== version || sealed[1] !== aes256gcm) return undefined;
  return Buffer.from(sealed.buffer, sealed.byteOffset, headerLength).readUInt32BE(2);
}

/** Opens a sealed value; undefined where it is damaged, or was sealed for another place or with another key. */
export function open(sealed: Uint8Array, place: Place, key: DataKey): string | undefined {
  if (sealedUnder(sealed) !== key.keyId) return undefined;
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
  const header = bytes.subarray(0, headerLength);
  const nonce = bytes.subarray(headerLength, headerLength + nonceLength);
  const tag = bytes.subarray(bytes.length - tagLength);
  // Without authTagLength, node:crypto would accept a tag of 4 bytes, which can be forged.
  const decipher = createDecipheriv("aes-256-gcm", recordKey(key, place), nonce, { authTagLength: tagLength });
  decipher.setAAD(additionalData(header, place));
  decipher.setAuthTag(tag);
  try {
    const body = decipher.update(bytes.subarray(headerLength + nonceLength, bytes.length - tagLength));
    return Buffer.concat([body, decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

function recordKey(key: DataKey, { column, recordId }: Place): Buffer {
  return Buffer.from(hkdfSync("sha256", key.bytes, "", lengthPrefixed([column, recordId]), 32));
}

function additionalData(header: Uint8Array, place: Place): Buffer {
  return lengthPrefixed([
    header,
    place.instance,
    place.clientId,
    place.column,
    place.recordId,
    String(place.generation),
  ]);
}

/** Writes the length before each part, so that two different lists of parts never give the same bytes. */
function lengthPrefixed(parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = typeof part === "string" ? Buffer.from(part, "utf8") : Buffer.from(part);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
