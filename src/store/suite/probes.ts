import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { same, save } from "./rows.ts";

export function probeTests(stores: SuiteStores): void {
  describe("probes", () => {
    const limits = (at: number): { upTo: number; notAfter: number } => ({ upTo: at - 10_000, notAfter: at + 10_000 });

    test("of forty processes that want to look at one grant at once one may, and all read what it has found", async (t) => {
      const [store, other] = await stores.openPair(t);
      const { grantId } = await save(store);
      equal(await store.probeOf(grantId), undefined);
      const won = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          (n % 2 === 0 ? store : other).beginProbe(grantId, suiteTime + n, limits(suiteTime + n)),
        ),
      );
      deepEqual(won.filter(Boolean), [true]);
      const begunAt = suiteTime + won.indexOf(true);
      same(await other.probeOf(grantId), { grantId, begunAt, generation: null, checkedAt: null, answer: null });
      const found = { grantId, begunAt, generation: 3, checkedAt: begunAt + 500, answer: '{"result":"valid"}' };
      equal(await store.endProbe(found), true);
      same(await other.probeOf(grantId), found);
      equal(await store.endProbe({ ...found, answer: "{}" }), false, "an answer that is there stays");
    });

    test("a look makes room for another one once it has begun and ended long enough ago", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      const begunAt = suiteTime;
      await store.beginProbe(grantId, begunAt, limits(begunAt));
      await store.endProbe({ grantId, begunAt, generation: 1, checkedAt: begunAt + 4_000, answer: "{}" });
      const again = (at: number): Promise<boolean> => store.beginProbe(grantId, at, limits(at));
      equal(await again(begunAt + 9_999), false, "not begun long enough ago");
      equal(await again(begunAt + 13_999), false, "not ended long enough ago");
      equal((await store.probeOf(grantId))?.answer, "{}", "what was found is still there");
      equal(await again(begunAt + 14_000), true);
      equal((await store.probeOf(grantId))?.answer, null);
    });

    test("a look that never ended, or was begun by a clock that was ahead, keeps nobody from looking", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      await store.beginProbe(grantId, suiteTime, limits(suiteTime));
      const second = suiteTime + 10_000;
      equal(await store.beginProbe(grantId, second, limits(second)), true);
      const late = { grantId, begunAt: suiteTime, generation: 1, checkedAt: second + 1, answer: "late" };
      equal(await store.endProbe(late), false, "the first one comes back");
      equal((await store.probeOf(grantId))?.answer, null);
      const before = suiteTime - 3_600_000;
      equal(await store.beginProbe(grantId, before, limits(before)), true, "the clock was put right");
    });
  });
}
