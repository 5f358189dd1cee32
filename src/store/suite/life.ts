import { equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../core/errors.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";

/** Opening, closing, and what is said about a store. */
export function lifeTests(stores: SuiteStores): void {
  describe("life", () => {
    test("an open store answers, and has nothing left to migrate", async (t) => {
      const store = await stores.open(t);
      await store.ping();
      const { applied, pending } = await store.migrations();
      ok(applied.length > 0);
      equal(pending.length, 0);
      ok(store.kind !== "" && store.location !== "");
    });

    test("a store tells the time in milliseconds, and never goes back", async (t) => {
      const store = await stores.open(t);
      const first = await store.now();
      ok(Number.isSafeInteger(first) && first > 1_600_000_000_000, `${first} is not a time in milliseconds`);
      ok((await store.now()) >= first);
    });

    test("a closed store throws store_unavailable, and may be closed again", async (t) => {
      const store = await stores.open(t);
      await store.close();
      await rejects(store.grantById("g_1"), (error) => isOnbehalfError(error, "store_unavailable"));
      await rejects(store.beginRevocation("g_1", suiteTime), (error) => isOnbehalfError(error, "store_unavailable"));
      await store.close();
    });

    test("a store that is closed and opened again at once is open, and so is one whose opening was not waited for", async (t) => {
      const store = await stores.open(t);
      await Promise.all([store.close(), store.open({})]);
      await store.ping();
      await Promise.allSettled([store.close(), store.open({}), store.close(), store.open({})]);
      await store.ping();
    });

    test("opening an open store changes nothing", async (t) => {
      const store = await stores.open(t);
      const keys = { instance: "one", keys: [] };
      await store.createKeys(keys);
      await store.open({ clock: { now: () => suiteTime } });
      equal((await store.readKeys())?.instance, "one");
    });
  });
}
