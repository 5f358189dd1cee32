/** The property tests of a store: whatever is done to it, it behaves as the model in tools/model-store.ts does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { assert as check, asyncProperty } from "fast-check";
import { fixedClock } from "../../src/core/clock.ts";
import type { Store } from "../../src/store/store.ts";
import { same } from "../../src/store/suite/rows.ts";
import { ModelStore } from "../../tools/model-store.ts";
import { asStore, contents, perform, stepSequences } from "./steps.ts";
import type { Step } from "./steps.ts";

/**
 * Whatever is done to a store, in whatever order, it answers as the model does and holds what the model holds; and a
 * process that polls it hears of every change.
 *
 * @param runs how many sequences of steps; a failure prints the seed that repeats it
 */
export function storeProperties(name: string, open: (t: TestContext) => Promise<Store>, runs: number): void {
  test(`${name} answers each operation as the model does, and holds the same rows after it`, async (t) => {
    await check(
      asyncProperty(stepSequences, async (sequence) => {
        const store = await open(t);
        await store.open({ clock: fixedClock(0) });
        try {
          await follow(store, sequence);
        } finally {
          await store.close();
        }
      }),
      { numRuns: runs },
    );
  });
}

async function follow(store: Store, sequence: readonly Step[]): Promise<void> {
  const model = new ModelStore();
  let seq = 0;
  for (const [n, step] of sequence.entries()) {
    const before = model.listGrants({ limit: 100 });
    const expected = await perform(asStore(model), step, before, n + 10);
    same(await perform(store, step, before, n + 10), expected);
    same(await contents(store), await contents(asStore(model)));

    const reported = await store.changesSince(seq);
    const reportedIds = reported.changes.map(({ grantId }) => grantId);
    const changedIds = model
      .listGrants({ limit: 100 })
      .filter((row) => {
        const old = before.find(({ grantId }) => grantId === row.grantId);
        return old === undefined || !isSame(old, row);
      })
      .map(({ grantId }) => grantId);
    assert.deepEqual(new Set(reportedIds), new Set([...changedIds, ...reportedIds]), "a change was not reported");
    seq = reported.seq;
  }
}

function isSame(one: unknown, other: unknown): boolean {
  try {
    same(one, other);
    return true;
  } catch {
    return false;
  }
}
