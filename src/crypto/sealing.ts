import { createCipheriv, createDecipheriv, createHmac, hash, randomBytes } from "node:crypto";
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
  const nonce = newNonce();
  const cipher = createCipheriv("aes-256-gcm", recordKey(key, place), nonce, { authTagLength: tagLength });
  cipher.setAAD(additionalData(header, place));
  const body = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
  return Buffer.concat([header, nonce, body, cipher.getAuthTag()]);
}

/** The number of the data key that sealed a value; undefined where the bytes are no sealed value. */
export function sealedUnder(sealed: Uint8Array): number | undefined {
  if (sealed.length < headerLength + nonceLength + tagLength) return undefined;
  if (sealed[0] !== version || sealed[1] !== aes256gcm) return undefined;
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(2);
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
    // It compares the tag. In this mode, nothing is left to come.
    decipher.final();
    return body.toString("utf8");
  } catch {
    return undefined;
  }
}

/** Nonces that were drawn and not used yet. A draw costs as much as sealing a short value, so that many are drawn at once. */
let drawn = Buffer.alloc(0);
const noncesInDraw = 256;

/** Random bytes that no other value is sealed with. They need not be secret: each stands beside what it has sealed. */
function newNonce(): Buffer {
  if (drawn.length === 0) drawn = randomBytes(noncesInDraw * nonceLength);
  const nonce = drawn.subarray(0, nonceLength);
  drawn = drawn.subarray(nonceLength);
  return nonce;
}

/** The two keyed beginnings of an HMAC-SHA256 under one key, each as long as a block of the hash. */
interface HmacKey {
  readonly inner: Uint8Array;
  readonly outer: Uint8Array;
}

/**
 * The first half of HKDF, once for each data key: it is the same for every record. What stays in memory is one such value
 * for each data key, for as long as the data key is there; keys of records are derived anew each time.
 */
const extracted = new WeakMap<DataKey, HmacKey>();

/** Where keys of records are derived, one after the other: a cipher copies its key when it is made. */
const derived = Buffer.alloc(32);

/**
 * HKDF-SHA256 with no salt and the place as its info. Node's own does both halves for each record, in twice the time; and its
 * HMAC is an object that the garbage collector has to end, which takes three times as long as the hashes.
 *
 * @returns good until the next call
 * @see https://www.rfc-editor.org/rfc/rfc5869#section-2
 */
function recordKey(key: DataKey, { column, recordId }: Place): Buffer {
  let pseudorandom = extracted.get(key);
  if (pseudorandom === undefined) {
    pseudorandom = hmacKey(createHmac("sha256", Buffer.alloc(32)).update(key.bytes).digest());
    extracted.set(key, pseudorandom);
  }
  // 32 bytes are the first block of the second half, and the block's number is 1.
  const inner = hash("sha256", lengthPrefixed([column, recordId], { first: pseudorandom.inner, last: 1 }), "latin1");
  const outer = Buffer.allocUnsafe(blockLength + inner.length);
  outer.set(pseudorandom.outer);
  outer.write(inner, blockLength, "latin1");
  derived.write(hash("sha256", outer, "latin1"), "latin1");
  return derived;
}

const blockLength = 64;

/** @see https://www.rfc-editor.org/rfc/rfc2104#section-2 */
function hmacKey(key: Uint8Array): HmacKey {
  const block = Buffer.alloc(blockLength);
  block.set(key);
  return { inner: block.map((byte) => byte ^ 0x36), outer: block.map((byte) => byte ^ 0x5c) };
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

/**
 * Writes the length before each part, so that two different lists of parts never give the same bytes.
 *
 * @param around what stands before them as it is, and the byte that follows them; nothing by default
 */
function lengthPrefixed(
  parts: readonly (string | Uint8Array)[],
  around?: { readonly first: Uint8Array; readonly last: number },
): Buffer {
  let length = around === undefined ? 0 : around.first.length + 1;
  // In UTF-8, a character takes three bytes at most: what is left over is cut off.
  for (const part of parts) length += 4 + (typeof part === "string" ? part.length * 3 : part.length);
  const bytes = Buffer.allocUnsafe(length);
  let at = around?.first.length ?? 0;
  if (around !== undefined) bytes.set(around.first);
  for (const part of parts) {
    if (typeof part !== "string") bytes.set(part, at + 4);
    const size = typeof part === "string" ? write(bytes, part, at + 4) : part.length;
    at = bytes.writeUInt32BE(size, at) + size;
  }
  if (around !== undefined) at = bytes.writeUInt8(around.last, at);
  return bytes.subarray(0, at);
}

/** Writes a text in UTF-8. Ids are short and in ASCII: a loop is done with them before Node's own would have begun. */
function write(bytes: Buffer, text: string, from: number): number {
  for (let n = 0; n < text.length; n += 1) {
    const code = text.charCodeAt(n);
    if (code > 127) return bytes.write(text, from);
    bytes[from + n] = code;
  }
  return text.length;
}
