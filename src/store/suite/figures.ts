import { deepEqual } from "node:assert/strict";
import { describe, test } from "node:test";
import { keepAliveSlot } from "../../core/keep-alive.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { same, save } from "./rows.ts";

const start = { accessIssuedAt: 0, grantId: "" };

export function figuresTests(stores: SuiteStores): void {
  describe("what grants are counted by", () => {
    test("grants in each state but active come page by page, with their provider and since when they are in it", async (t) => {
      const store = await stores.open(t);
      const ids = ["g_a", "g_B", "g_c", "g_d", "g_e"];
      for (const grantId of ids) await save(store, { grantId, provider: grantId === "g_c" ? "other" : "google" });
      for (const grantId of ["g_c", "g_B", "g_a"]) await store.markSuspect(grantId, suiteTime + 5);
      await store.lapse("g_d", 1, "invalid_grant", "invalid_grant", suiteTime + 7);
      const [first, second, third] = ["g_B", "g_a", "g_c"].map((grantId) => ({
        grantId,
        provider: grantId === "g_c" ? "other" : "google",
        stateSince: suiteTime + 5,
      }));
      same(await store.grantsInState("suspect", "", 2), [first, second]);
      same(await store.grantsInState("suspect", "g_a", 2), [third]);
      same(await store.grantsInState("suspect", "g_c", 2), []);
      same(await store.grantsInState("lapsed", "", 9), [
        { grantId: "g_d", provider: "google", stateSince: suiteTime + 7 },
      ]);
      await store.beginRevocation("g_e", suiteTime + 8);
      same(await store.grantsInState("revoking", "", 9), [
        { grantId: "g_e", provider: "google", stateSince: suiteTime + 8 },
      ]);
      await store.endRevocation("g_e", 1, suiteTime + 9);
      same(await store.grantsInState("revoking", "", 9), []);
      same(await store.grantsInState("revoked", "", 9), [
        { grantId: "g_e", provider: "google", stateSince: suiteTime + 9 },
      ]);
    });

    test("active grants of a client with a refresh token come part by part, in the order of their last exchanges", async (t) => {
      const store = await stores.open(t);
      const at = (grantId: string, n: number, more = {}): Promise<unknown> =>
        save(store, { grantId, accessIssuedAt: suiteTime + n, ...more });
      await at("g_A2", 1);
      await at("g_A1", 2);
      await at("g_A3", 2);
      await at("g_B1", 1);
      await at("g_A4", 3, { clientId: "client-2" });
      await at("g_A5", 3, { refreshSealed: null });
      await at("g_A6", 3);
      await store.markSuspect("g_A6", suiteTime + 5);
      const slot = keepAliveSlot("g_A1");
      const page = await store.activeGrants("client-1", slot, start, 2);
      same(page, [
        { accessIssuedAt: suiteTime + 1, grantId: "g_A2" },
        { accessIssuedAt: suiteTime + 2, grantId: "g_A1" },
      ]);
      same(await store.activeGrants("client-1", slot, page[1] ?? start, 2), [
        { accessIssuedAt: suiteTime + 2, grantId: "g_A3" },
      ]);
      const others = await store.activeGrants("client-1", keepAliveSlot("g_B1"), start, 9);
      deepEqual(
        others.map(({ grantId }) => grantId),
        ["g_B1"],
      );
    });
  });
}
