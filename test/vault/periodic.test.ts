import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Store } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { Periodic } from "../../src/vault/periodic.ts";
import { eventually } from "../support/eventually.ts";
import { testVault, until } from "../support/test-vault.ts";

describe("work that comes round by itself", () => {
  test("periodic work comes round again after a round that failed, and each failure is told", async (t: TestContext) => {
    const told: unknown[] = [];
    const periodic = new Periodic((error, task) => told.push([String(error), task]));
    t.after(() => periodic.stop());
    let rounds = 0;
    periodic.every("a task", 1, async () => {
      rounds += 1;
      if (rounds <= 2) throw new TypeError(`bug ${rounds}`);
    });
    await eventually(
      () => rounds,
      (count) => count >= 4,
    );
    assert.deepEqual(told, [
      ["TypeError: bug 1", "a task"],
      ["TypeError: bug 2", "a task"],
    ]);
  });

  test("first rounds that are to begin later do so, and not at all once it was stopped", async (t: TestContext) => {
    const begun: string[] = [];
    const told = (error: unknown): never => assert.fail(String(error));
    const later = new Periodic(told, 60);
    const never = new Periodic(told, 60);
    t.after(() => Promise.all([later.stop(), never.stop()]));
    later.every("later", 3_600_000, async () => void begun.push("later"));
    never.every("never", 3_600_000, async () => void begun.push("never"));
    assert.deepEqual(begun, []);
    await never.stop();
    await eventually(
      () => begun.length,
      (count) => count > 0,
    );
    assert.deepEqual(begun, ["later"]);
  });

  test("no round of a task begins before first rounds may, however often it comes", async (t: TestContext) => {
    const since = performance.now();
    const periodic = new Periodic((error) => assert.fail(String(error)), 60);
    t.after(() => periodic.stop());
    const begun: number[] = [];
    periodic.every("often", 2, async () => void begun.push(performance.now() - since));
    await eventually(
      () => begun.length,
      (count) => count > 1,
    );
    assert.ok((begun[0] ?? 0) >= 59, String(begun[0]));
  });
});

describe("an unexpected error in a vault's background work", () => {
  test("an unexpected error in a vault's background work is told to onFault, ends nothing, and the work comes round again", async (t) => {
    const fixture = await testVault(t);
    const faults: string[] = [];
    const store = sqlite(fixture.path);
    const look = store.changesSince;
    let looks = 0;
    const flawed: Store = {
      ...store,
      changesSince: async (seq) => {
        looks += 1;
        if (looks === 1) throw new TypeError("a bug");
        return look(seq);
      },
    };
    const vault = await fixture.open({
      store: flawed,
      onFault: (error, during) => faults.push(`${during}: ${String(error)}`),
    });
    await until(() => faults.length > 0);
    assert.deepEqual(faults, ["changes: TypeError: a bug"]);
    const grant = await vault.exchangeCode({ code: fixture.code("ada@example.com") });
    assert.match((await vault.getAccessToken(grant)).token, /^ya29\./);
  });
});
