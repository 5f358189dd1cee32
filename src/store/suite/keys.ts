import { equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClientKey, StoredKey, StoredKeys } from "../key-store.ts";
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

    test("data keys change as a whole, from the revision that they were read at, by one of eight processes", async (t) => {
      const [store, other] = await stores.openPair(t);
      equal(await store.changeKeys(0, {}), false);
      const { keys } = await store.createKeys(keysOf("one"));
      const added = (n: number): StoredKey => ({
        keyId: 3,
        keyClass: "read",
        masterKeyId: `m${n}`,
        wrapped: bytes(`added ${n}`),
        state: "next",
        since: n,
      });
      const changed = await Promise.all(
        Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? store : other).changeKeys(0, { add: [added(n)] })),
      );
      equal(changed.filter(Boolean).length, 1);
      same(await other.readKeys(), { instance: "one", revision: 1, keys: [...keys, added(changed.indexOf(true))] });
      equal(await store.changeKeys(0, { states: [{ keyId: 3, state: "current", since: 9 }] }), false);
      const states = [
        { keyId: 2, state: "previous", since: 9 },
        { keyId: 3, state: "current", since: 9 },
      ] as const;
      equal(await store.changeKeys(1, { states }), true);
      const stands = async (): Promise<unknown> =>
        (await store.readKeys())?.keys.map(({ keyId, state, since }) => [keyId, state, since]);
      same(await stands(), [
        [1, "current", 0],
        [2, "previous", 9],
        [3, "current", 9],
      ]);
      equal(await store.changeKeys(2, { erase: [2] }), true);
      equal(((await stands()) as unknown[]).length, 3, "only a retired key goes");
      equal(await store.changeKeys(3, { states: [{ keyId: 2, state: "retired", since: 10 }] }), true);
      equal(await store.changeKeys(4, { erase: [2, 3] }), true);
      same(await stands(), [
        [1, "current", 0],
        [3, "current", 9],
      ]);
    });

    test("changes of data keys of which one cannot be written are not written at all", async (t) => {
      const store = await stores.open(t);
      const stored = await store.createKeys(keysOf("one"));
      const states = [{ keyId: 1, state: "retired", since: 1 }] as const;
      await rejects(store.changeKeys(0, { states, add: [stored.keys[0] as StoredKey] }));
      same(await store.readKeys(), stored);
    });

    test("processes that have read the data keys are noted, each once, until they are dropped", async (t) => {
      const [store, other] = await stores.openPair(t);
      const [one, two] = [1, 2].map((pid) => ({ node: "n", pid, startedAt: "s", vault: `v${pid}` }));
      ok(one !== undefined && two !== undefined);
      await store.noteKeyReader({ owner: one, revision: 1, seenAt: 10 });
      await other.noteKeyReader({ owner: two, revision: 1, seenAt: 11 });
      await store.noteKeyReader({ owner: one, revision: 2, seenAt: 12 });
      const noted = (await other.keyReaders()).toSorted((a, b) => a.owner.pid - b.owner.pid);
      same(noted, [
        { owner: one, revision: 2, seenAt: 12 },
        { owner: two, revision: 1, seenAt: 11 },
      ]);
      await other.dropKeyReader(one);
      await other.dropKeyReader(one);
      same(await store.keyReaders(), [{ owner: two, revision: 1, seenAt: 11 }]);
    });

    test("data keys of which one cannot be written are not written at all", async (t) => {
      const store = await stores.open(t);
      const { instance, keys } = keysOf("broken");
      await rejects(store.createKeys({ instance, keys: [...keys, ...keys] }));
      equal(await store.readKeys(), undefined);
      same(await store.createKeys(keysOf("whole")), keysOf("whole"));
    });

    test("the key of a client is made once, whoever tries, and is found by its issuer and client", async (t) => {
      const [store, other] = await stores.openPair(t);
      const key = (n: number): ClientKey => ({
        issuer: "https://id.example",
        clientId: "client-1",
        keySealed: new TextEncoder().encode(`key ${n}`),
        createdAt: 1_000 + n,
      });
      equal(await store.clientKey("https://id.example", "client-1"), undefined);
      const made = await Promise.all(
        Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? store : other).createClientKey(key(n))),
      );
      const first = await store.clientKey("https://id.example", "client-1");
      for (const each of made) same(each, first);
      ok(made.some((_, n) => key(n).createdAt === first?.createdAt));
      equal(await store.clientKey("https://id.example", "client-2"), undefined);
      equal(await other.clientKey("https://other.example", "client-1"), undefined);
      equal((await store.createClientKey({ ...key(0), clientId: "client-2" })).createdAt, 1_000);
    });
  });
}

function keysOf(name: string): StoredKeys {
  return {
    instance: name,
    revision: 0,
    keys: [
      { keyId: 1, keyClass: "refresh", masterKeyId: "m1", wrapped: bytes(`${name} 1`), state: "current", since: 0 },
      { keyId: 2, keyClass: "read", masterKeyId: "m1", wrapped: bytes(`${name} 2`), state: "current", since: 7 },
    ],
  };
}
