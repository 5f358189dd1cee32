import { equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import type { StoredKey, StoredKeys } from "../key-store.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, same } from "./rows.ts";

export function keyTests(stores: SuiteStores): void {
  describe("data keys", () => {
    test("a new store has no data keys", async (t) => {
      equal(await (await stores.open(t)).readKeys(), undefined);
    });

    test("the first data keys that are written stay, and a second writer gets those", async (t) => {
      const [store, other] = await stores.openPair(t);
      same(await store.createKeys(keysOf("one")), keysOf("one"));
      same(await other.createKeys(keysOf("two")), keysOf("one"));
      same(await other.readKeys(), keysOf("one"));
    });

    test("of twelve processes that create data keys at once, all get the same", async (t) => {
      const [store, other] = await stores.openPair(t);
      const names = Array.from({ length: 12 }, (_, n) => `creator ${n}`);
      const got = await Promise.all(names.map((name, n) => (n % 2 === 0 ? store : other).createKeys(keysOf(name))));
      const stored = await store.readKeys();
      for (const keys of got) same(keys, stored);
    });

    test("a data key's wrapping is replaced by one of eight processes that have read it", async (t) => {
      const [store, other] = await stores.openPair(t);
      const [first, second] = (await store.createKeys(keysOf("one"))).keys;
      ok(first !== undefined && second !== undefined);
      const rewrapped = (name: string): Pick<StoredKey, "masterKeyId" | "wrapped"> => ({
        masterKeyId: "m2",
        wrapped: bytes(name),
      });
      const names = Array.from({ length: 8 }, (_, n) => `rewrapped ${n}`);
      const replaced = await Promise.all(
        names.map((name, n) => (n % 2 === 0 ? store : other).replaceKey(first, rewrapped(name))),
      );
      equal(replaced.filter(Boolean).length, 1);
      const winner = names[replaced.indexOf(true)] ?? "";
      same((await other.readKeys())?.keys, [{ ...first, ...rewrapped(winner) }, second]);
      equal(await store.replaceKey({ ...second, keyId: 99 }, rewrapped("none")), false);
    });

    test("data keys of which one cannot be written are not written at all", async (t) => {
      const store = await stores.open(t);
      const { instance, keys } = keysOf("broken");
      await rejects(store.createKeys({ instance, keys: [...keys, ...keys] }));
      equal(await store.readKeys(), undefined);
      same(await store.createKeys(keysOf("whole")), keysOf("whole"));
    });
  });
}

function keysOf(name: string): StoredKeys {
  return {
    instance: name,
    keys: [
      { keyId: 1, keyClass: "refresh", masterKeyId: "m1", wrapped: bytes(`${name} 1`) },
      { keyId: 2, keyClass: "read", masterKeyId: "m1", wrapped: bytes(`${name} 2`) },
    ],
  };
}
