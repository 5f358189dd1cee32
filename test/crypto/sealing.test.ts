import assert from "node:assert/strict";
import { createDecipheriv, hkdfSync } from "node:crypto";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { open, seal, sealedUnder } from "../../src/crypto/sealing.ts";
import type { DataKey, Place } from "../../src/crypto/sealing.ts";

const key: DataKey = { keyId: 7, bytes: Buffer.alloc(32, 0x41) };
const place: Place = {
  instance: "i-1",
  clientId: "c-1",
  column: "grants.refresh_token",
  recordId: "g_1",
  generation: 3,
};
const token = "1//a-refresh-token";

/** Header 6 bytes, nonce 12, text, tag 16. */
const overhead = 34;

function flipped(sealed: Buffer, bit: number): Buffer {
  const copy = Buffer.from(sealed);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

const text = fc.oneof(
  fc.string(),
  fc.constantFrom("", "ü€😀", "\u0000", "a\r\nb", "x".repeat(4_096)),
  fc.string({ unit: "grapheme" }),
);
const name = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("", "a", "ab", "g_1", "\u0000", "|", "ü"));
/** Whatever their names: sealing must not depend on the list of columns. */
const anyPlace = fc.record({
  instance: name,
  clientId: name,
  column: name,
  recordId: name,
  generation: fc.nat(),
}) as fc.Arbitrary<Place>;

describe("a sealed value", () => {
  test("a sealed value opens where it was sealed", () => {
    fc.assert(
      fc.property(text, anyPlace, fc.nat(2 ** 32 - 1), (plaintext, where, keyId) => {
        const sealed = seal(plaintext, where, { ...key, keyId });
        assert.equal(open(sealed, where, { ...key, keyId }), plaintext);
        assert.equal(sealedUnder(sealed), keyId);
        assert.equal(sealed.length, Buffer.byteLength(plaintext) + overhead);
      }),
    );
  });

  test("a sealed value opens in every later version of this library", () => {
    const sealed =
      "0101000000073e452ed97f8e596c71f637a69496b495d0b1f22e17ab00f30412f0f2aea875c0f48fa3c462462df81dce7c19e789";
    assert.equal(open(Buffer.from(sealed, "hex"), place, key), token);
  });

  test("a sealed value opens for whoever follows the description of the layout with Node's own HKDF", () => {
    const prefixed = (...parts: readonly Buffer[]): Buffer =>
      Buffer.concat(
        parts.flatMap((part) => {
          const length = Buffer.alloc(4);
          length.writeUInt32BE(part.length);
          return [length, part];
        }),
      );
    // Lengths beside the block sizes of SHA-256 and of AES.
    const long = fc.integer({ min: 0, max: 140 }).map((length) => "é".repeat(length));
    fc.assert(
      fc.property(
        text,
        anyPlace,
        long,
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (plaintext, { column, ...where }, recordId, bytes) => {
          const at = { ...where, column, recordId } as Place;
          const sealed = seal(plaintext, at, { keyId: 7, bytes: Buffer.from(bytes) });
          const [header, nonce] = [sealed.subarray(0, 6), sealed.subarray(6, 18)];
          const texts = [at.instance, at.clientId, column, recordId, String(at.generation)];
          const info = prefixed(Buffer.from(column), Buffer.from(recordId));
          const derived = Buffer.from(hkdfSync("sha256", bytes, "", info, 32));
          const decipher = createDecipheriv("aes-256-gcm", derived, nonce, { authTagLength: 16 });
          decipher.setAAD(prefixed(header, ...texts.map((each) => Buffer.from(each))));
          decipher.setAuthTag(sealed.subarray(-16));
          const body = Buffer.concat([decipher.update(sealed.subarray(18, -16)), decipher.final()]);
          assert.equal(body.toString(), Buffer.from(plaintext).toString());
        },
      ),
    );
  });

  test("a sealed value opens as a view into a larger buffer, as databases hand them out", () => {
    const sealed = seal(token, place, key);
    const larger = Buffer.concat([Buffer.from("abc"), sealed, Buffer.from("def")]);
    const view = new Uint8Array(larger.buffer, larger.byteOffset + 3, sealed.length);
    assert.equal(open(view, place, key), token);
    assert.equal(sealedUnder(view), 7);
  });

  test("a sealed value shows nothing of its text", () => {
    assert.ok(!seal(token, place, key).includes(token.slice(0, 4)));
  });

  test("a sealed value does not open with any one bit changed, of header, nonce, text or tag", () => {
    const sealed = seal(token, place, key);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      assert.equal(open(flipped(sealed, bit), place, key), undefined, `bit ${bit}`);
    }
  });

  test("a sealed value does not open under another key number, though the bytes of the key be the same", () => {
    const sealed = seal(token, place, key);
    sealed.writeUInt32BE(8, 2);
    assert.equal(open(sealed, place, { ...key, keyId: 8 }), undefined);
  });

  test("a sealed value does not open when it is cut or lengthened", () => {
    const sealed = seal(token, place, key);
    for (let length = 0; length < sealed.length; length++) {
      assert.equal(open(sealed.subarray(0, length), place, key), undefined, `first ${length} bytes`);
      assert.equal(open(sealed.subarray(sealed.length - length), place, key), undefined, `last ${length} bytes`);
    }
    assert.equal(open(Buffer.concat([sealed, Buffer.alloc(1)]), place, key), undefined);
  });

  test("a sealed value does not open with a tag of four bytes, which could be guessed", () => {
    const sealed = seal("a text that is longer than the missing part of the tag", place, key);
    for (const tagLength of [4, 8, 12, 13, 14, 15]) {
      assert.equal(open(sealed.subarray(0, sealed.length - 16 + tagLength), place, key), undefined, `${tagLength}`);
    }
  });

  const elsewhere: Readonly<Record<keyof Place, Place>> = {
    instance: { ...place, instance: "i-2" },
    clientId: { ...place, clientId: "c-2" },
    column: { ...place, column: "grants.access_token" },
    recordId: { ...place, recordId: "g_2" },
    generation: { ...place, generation: 4 },
  };
  for (const [what, where] of Object.entries(elsewhere)) {
    test(`a sealed value does not open with another ${what}`, () => {
      assert.equal(open(seal(token, place, key), where, key), undefined);
      assert.equal(open(seal(token, where, key), place, key), undefined);
    });
  }

  test("a sealed value does not open in any other place", () => {
    fc.assert(
      fc.property(anyPlace, anyPlace, (here, there) => {
        fc.pre(JSON.stringify(here) !== JSON.stringify(there));
        assert.equal(open(seal(token, here, key), there, key), undefined);
      }),
    );
  });

  test("a sealed value does not open where the same letters are split into names in another way", () => {
    const parts = ["instance", "clientId", "column", "recordId"] as const;
    const letters = fc.string({ minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(letters, fc.nat(8), fc.nat(8), fc.nat(2), (joined, one, two, pair) => {
        const [left = "instance", right = "clientId"] = parts.slice(pair, pair + 2);
        const split = (at: number): Place => ({ ...place, [left]: joined.slice(0, at), [right]: joined.slice(at) });
        fc.pre(Math.min(one, joined.length) !== Math.min(two, joined.length));
        assert.equal(open(seal(token, split(one), key), split(two), key), undefined);
      }),
    );
  });

  test("a sealed value does not open with another key of the same number", () => {
    const other = { keyId: 7, bytes: Buffer.alloc(32, 0x42) };
    assert.equal(open(seal(token, place, key), place, other), undefined);
  });

  test("a sealed value never repeats a nonce, and never looks the same twice", () => {
    const sealed = Array.from({ length: 5_000 }, () => seal(token, place, key));
    const distinct = (part: (value: Buffer) => Buffer): number =>
      new Set(sealed.map((value) => part(value).toString("hex"))).size;
    assert.equal(
      distinct((value) => value.subarray(6, 18)),
      sealed.length,
      "nonces",
    );
    assert.equal(
      distinct((value) => value.subarray(18, -16)),
      sealed.length,
      "texts",
    );
  });

  test("a sealed value is told from whatever else a column may hold, without a throw", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      // Right at the front, garbage behind.
      fc.uint8Array({ maxLength: 60 }).map((rest) => Buffer.concat([Buffer.from([1, 1, 0, 0, 0, 7]), rest])),
    );
    fc.assert(
      fc.property(bytes, (value) => {
        assert.equal(open(value, place, key), undefined);
      }),
    );
    const header = (version: number, algorithm: number): Buffer =>
      Buffer.concat([Buffer.from([version, algorithm, 0, 0, 0, 7]), Buffer.alloc(28)]);
    assert.equal(sealedUnder(header(1, 1)), 7);
    for (const other of [header(0, 1), header(2, 1), header(1, 0), header(1, 2), header(1, 1).subarray(1)]) {
      assert.equal(sealedUnder(other), undefined);
    }
  });
});
