import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { Keyring, keyClasses, readingClasses } from "../../src/crypto/keyring.ts";
import { newWrappedKeys, openKeyring, opens, wrapUnder } from "../../src/crypto/wrapped-keys.ts";
import type { KeyClass } from "../../src/crypto/keyring.ts";
import type { WrappedKey } from "../../src/crypto/wrapped-keys.ts";
import { generateMasterKey, parseMasterKey } from "../../src/crypto/master-key.ts";
import type { MasterKey } from "../../src/crypto/master-key.ts";
import { isOnbehalfError } from "../../src/core/errors.ts";
import { Secret } from "../../src/core/secret.ts";

const place = { clientId: "c-1", column: "grants.refresh_token", recordId: "g_1", generation: 3 } as const;
const readPlace = { ...place, column: "grants.access_token" } as const;
const token = "1//a-refresh-token";
const instance = "i-1";
const newMaster = (): MasterKey => parseMasterKey(generateMasterKey());
const master = newMaster();

/** A ring of known keys: the number of each is its byte. */
function ring(keys: readonly (readonly [number, KeyClass])[]): Keyring {
  return new Keyring(
    instance,
    keys.map(([keyId, keyClass]) => ({ key: { keyId, bytes: Buffer.alloc(32, keyId) }, keyClass })),
  );
}

function copyOf(key: WrappedKey): WrappedKey {
  return { ...key, wrapped: Buffer.from(key.wrapped) };
}

function refused(code: "key_invalid" | "store_unusable"): (error: unknown) => boolean {
  return (error) => isOnbehalfError(error, code);
}

describe("a store's first keyring", () => {
  test("a store's first keyring has one key of each class, under different numbers, wrapped and not shown", () => {
    const keys = newWrappedKeys(instance, master);
    assert.deepEqual(
      keys.map(({ keyClass }) => keyClass),
      [...keyClasses],
    );
    assert.equal(new Set(keys.map(({ keyId }) => keyId)).size, keyClasses.length);
    assert.ok(keys.every(({ masterKeyId }) => masterKeyId === master.id));
    assert.equal(new Set(keys.map(({ wrapped }) => Buffer.from(wrapped).toString("hex"))).size, keyClasses.length);
  });

  test("a store's first keyring is the same ring in every process that opens it", () => {
    const keys = newWrappedKeys(instance, master);
    const [one, two] = [openKeyring(instance, keys, [master]), openKeyring(instance, keys, [master])];
    for (const where of [place, readPlace]) assert.equal(two.open(one.seal(token, where), where), token);
    for (const keyClass of keyClasses) {
      assert.deepEqual(one.seed(keyClass, "x"), two.seed(keyClass, "x"));
    }
    assert.deepEqual(one.hash("subject", "a"), two.hash("subject", "a"));
  });

  test("a store's first keyring is another one for another store", () => {
    const one = openKeyring(instance, newWrappedKeys(instance, master), [master]);
    const two = openKeyring(instance, newWrappedKeys(instance, master), [master]);
    assert.equal(two.open(one.seal(token, place), place), undefined);
    assert.notDeepEqual(one.hash("subject", "a"), two.hash("subject", "a"));
  });

  test("a store's first keyring opens in every later version of this library", () => {
    const old = parseMasterKey(new Secret("obm_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc_27496506"));
    const wrapped =
      "0101000000002741a842949117fe1fa8698e73076f2fc143a18aa3f3feb0055e78b0a113cf3dd0cfdd2c9810f7e4f52be9ace5f8e2e76410f7414651b80f01508ad10691068de89aaac262de663d";
    const facts = { keyId: 1, keyClass: "refresh", state: "current", since: 0 } as const;
    const key = { ...facts, masterKeyId: old.id, wrapped: Buffer.from(wrapped, "hex") };
    assert.equal(opens(key, "i-1", [old]), true);
    assert.equal(
      ring([[1, "index"]])
        .hash("subject", "https://a.example", "sub-1")
        .toString("hex"),
      "2b2d1d03b0ae329dfa150aefa6a8eee3af3abf5c234084701d5177fe33009234",
      "rows are found by these hashes",
    );
    assert.equal(
      ring([[1, "index"]])
        .seed("index", "x")
        .toString("hex"),
      "ddf028ed942eb2e14e5eb8b635812258ae56be782e4a5358035efc629e43acfe",
    );
  });
});

describe("opening a keyring", () => {
  test("opening a keyring stops at a wrong master key, and changes nothing", () => {
    const keys = newWrappedKeys(instance, master);
    const before = keys.map(copyOf);
    assert.throws(() => openKeyring(instance, keys, [newMaster()]), refused("key_invalid"));
    assert.throws(() => openKeyring(instance, keys, []), refused("key_invalid"));
    assert.deepEqual(keys, before);
  });

  test("opening a keyring names the key that is missing, and shows none", () => {
    const keys = newWrappedKeys(instance, master);
    assert.throws(
      () => openKeyring(instance, keys, [newMaster()]),
      (error: Error) => error.message.includes(master.id) && !/obm_/.test(error.message),
    );
  });

  test("opening a keyring takes whichever of several master keys is the one", () => {
    const keys = newWrappedKeys(instance, master);
    const keyring = openKeyring(instance, keys, [newMaster(), master, newMaster()]);
    assert.equal(keyring.open(keyring.seal(token, readPlace), readPlace), token);
  });

  test("opening a keyring says of a damaged key that the store is damaged, not that the master key is wrong", () => {
    const keys = newWrappedKeys(instance, master);
    for (const index of keys.keys()) {
      const damaged = keys.map(copyOf);
      const bytes = damaged[index]?.wrapped ?? new Uint8Array();
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      assert.throws(() => openKeyring(instance, damaged, [master]), refused("store_unusable"));
    }
  });

  const misplaced: Readonly<Record<string, (keys: WrappedKey[]) => readonly [string, WrappedKey[]]>> = {
    "of another store": (keys) => ["i-2", keys],
    "under another number": (keys) => [instance, keys.map((key) => Object.assign({}, key, { keyId: key.keyId + 10 }))],
    "of another class": (keys) => [
      instance,
      keys.map((key) => Object.assign({}, key, { keyClass: key.keyClass === "read" ? "refresh" : "read" })),
    ],
    "swapped with another": (keys) => [
      instance,
      keys.map((key, index) => Object.assign({}, key, { wrapped: keys.at(index - 1)?.wrapped ?? key.wrapped })),
    ],
    "named after another master key": (keys) => {
      const stranger = newMaster();
      return [instance, keys.map((key) => Object.assign({}, key, { masterKeyId: stranger.id }))];
    },
  };
  for (const [what, change] of Object.entries(misplaced)) {
    test(`opening a keyring refuses a key ${what}`, () => {
      const [name, keys] = change(newWrappedKeys(instance, master));
      assert.throws(
        () => openKeyring(name, keys, [master]),
        (error) => isOnbehalfError(error),
      );
    });
  }

  test("opening a keyring leaves a class alone that it does not know: a later version made it", () => {
    const [first, ...others] = newWrappedKeys(instance, master);
    assert.ok(first !== undefined);
    const keys = [first, ...others, { ...first, keyId: 9, keyClass: "of-next-year" }];
    const keyring = openKeyring(instance, keys, [master]);
    assert.equal(keyring.open(keyring.seal(token, readPlace), readPlace), token);
  });

  test("opening a keyring of which a class is missing is refused: new keys would open nothing", () => {
    const [, ...others] = newWrappedKeys(instance, master);
    assert.throws(() => openKeyring(instance, others, [master]), /no data key of the class refresh/);
    openKeyring(instance, others, [master], readingClasses);
  });
});

describe("a process that is given some classes only", () => {
  const keys = newWrappedKeys(instance, master);
  const whole = openKeyring(instance, keys, [master]);
  const reader = openKeyring(instance, keys, [master], readingClasses);

  test("a process that has the keys of some classes only reads what it must, and can neither open nor seal a refresh token", () => {
    assert.equal(reader.open(whole.seal(token, readPlace), readPlace), token);
    const sealed = whole.seal(token, place);
    assert.throws(() => reader.open(sealed, place), /holds no refresh key/);
    assert.throws(() => reader.seal(token, place), /holds no refresh key/);
    assert.throws(() => reader.seed("refresh", "x"), /holds no refresh key/);
    assert.equal(reader.open(sealed, readPlace), undefined);
  });

  test("a process that has the keys of some classes only does not call a value damaged that it merely has no key for", () => {
    const blind = openKeyring(instance, keys, [master], []);
    assert.throws(() => blind.open(Buffer.from("not even sealed"), readPlace), TypeError);
  });

  test("a process that has the keys of some classes only opens without the master key of the classes it leaves closed", () => {
    const other = newMaster();
    const mixed = keys.map((key) => (key.keyClass === "refresh" ? wrapUnder(key, instance, [master], other) : key));
    assert.doesNotThrow(() => openKeyring(instance, mixed, [master], readingClasses));
    assert.throws(() => openKeyring(instance, mixed, [master]), refused("key_invalid"));
  });
});

describe("a keyring with several keys of one class", () => {
  test("a keyring with several keys of one class seals under the newest, opens what the older ones sealed, in whatever order they come", () => {
    const old = ring([[1, "refresh"]]);
    for (const both of [
      ring([
        [1, "refresh"],
        [2, "refresh"],
      ]),
      ring([
        [2, "refresh"],
        [1, "refresh"],
      ]),
    ]) {
      assert.equal(both.open(old.seal(token, place), place), token);
      assert.equal(both.seal(token, place).readUInt32BE(2), 2);
    }
  });

  test("a keyring with several keys of one class opens nothing across classes, though it holds both keys", () => {
    const keyring = ring([
      [1, "refresh"],
      [2, "read"],
    ]);
    const sealed = keyring.seal(token, place);
    assert.equal(keyring.open(sealed, readPlace), undefined);
    assert.equal(keyring.open(sealed, place), token);
  });

  test("a keyring with several keys of one class opens nothing that is no sealed value", () => {
    const keyring = ring([[1, "refresh"]]);
    for (const bytes of [Buffer.alloc(0), Buffer.from(token), Buffer.alloc(64, 1)]) {
      assert.equal(keyring.open(bytes, place), undefined);
    }
  });
});

describe("a keyed hash", () => {
  const keyring = ring([[1, "index"]]);

  test("a keyed hash is the same for the same parts alone, however letters are spread over them", () => {
    const part = fc.oneof(fc.string(), fc.constantFrom("a", "b", "ab", "", '"', '","', "\\"));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), fc.array(part, { maxLength: 4 }), (one, two) => {
        const equal = JSON.stringify(one) === JSON.stringify(two);
        assert.equal(keyring.hash("p", ...one).equals(keyring.hash("p", ...two)), equal);
      }),
    );
    assert.notDeepEqual(keyring.hash("p", "a", "bc"), keyring.hash("p", "ab", "c"));
    assert.notDeepEqual(keyring.hash("p", "a"), keyring.hash("p", "a", ""));
  });

  test("a keyed hash is another one for another purpose and under another key", () => {
    assert.notDeepEqual(keyring.hash("subject", "a"), keyring.hash("external_id", "a"));
    assert.notDeepEqual(keyring.hash("subject", "a"), ring([[2, "index"]]).hash("subject", "a"));
    assert.equal(keyring.hash("subject", "a").length, 32);
  });

  test("a keyed hash is no seed, and seeds differ by purpose and class", () => {
    const both = ring([
      [1, "index"],
      [2, "assertion"],
    ]);
    const seeds = [both.seed("index", "a"), both.seed("index", "b"), both.seed("assertion", "a"), both.hash("a")];
    assert.equal(new Set(seeds.map((seed) => seed.toString("hex"))).size, 4);
  });
});

describe("rewrapping", () => {
  const next = newMaster();

  test("rewrapping a keyring changes the master key, and nothing that was sealed", () => {
    const keys = newWrappedKeys(instance, master);
    const sealed = openKeyring(instance, keys, [master]).seal(token, place);
    const moved = keys.map((key) => wrapUnder(key, instance, [master], next));
    assert.equal(openKeyring(instance, moved, [next]).open(sealed, place), token);
    assert.throws(() => openKeyring(instance, moved, [master]), refused("key_invalid"));
    assert.ok(moved.every((key) => opens(key, instance, [next]) && !opens(key, instance, [master])));
  });

  test("rewrapping a keyring is harmless when it is done again, as after a crash", () => {
    const [key] = newWrappedKeys(instance, master);
    assert.ok(key !== undefined);
    const twice = wrapUnder(wrapUnder(key, instance, [next, master], next), instance, [next, master], next);
    assert.equal(opens(twice, instance, [next]), true);
  });

  test("rewrapping a keyring refuses what it cannot open, and leaves it was", () => {
    const [key] = newWrappedKeys(instance, master);
    assert.ok(key !== undefined);
    const before = copyOf(key);
    assert.throws(() => wrapUnder(key, instance, [next], next), refused("key_invalid"));
    assert.deepEqual(key, before);
    assert.throws(() => wrapUnder(key, "i-2", [master], next), refused("store_unusable"));
  });
});
