import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OnbehalfError } from "../../../src/index.ts";
import { storeDurably } from "../../../src/vault/keeper/store-durably.ts";
import { VirtualTime } from "../../faults/virtual-time.ts";

const away = (): OnbehalfError<"store_unavailable"> =>
  new OnbehalfError("store_unavailable", "away", { hint: "wait", details: { retryAfterMs: 1_000 } });

function writing(failures: number, with_: () => unknown = away) {
  const time = new VirtualTime("2026-11-22T00:00:00Z");
  const noted: number[] = [];
  let calls = 0;
  const write = storeDurably(
    { random: () => 0.5, sleep: (ms) => time.sleep(ms) },
    async () => {
      calls += 1;
      if (calls <= failures) throw with_();
      return "stored";
    },
    { callerWaitsMs: 1_000, onFailure: (_error, count) => void noted.push(count) },
  );
  return { time, write, noted };
}

describe("a write that goes on until the store has taken it", () => {
  test("is there at once where the store works", async () => {
    const { time, write } = writing(0);
    assert.deepEqual(await time.until(write.soon), { kind: "stored", value: "stored" });
    assert.equal(await write.stored, "stored");
  });

  test("lets its caller go after the agreed time, with the store's own error, and goes on", async () => {
    const { time, write, noted } = writing(12);
    const soon = await time.until(write.soon);
    assert.ok(soon.kind === "overdue");
    assert.equal(soon.error.message, "away");
    assert.equal(await time.until(write.stored), "stored");
    assert.deepEqual(noted, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test("tells its caller that the store is slow where it has not even failed yet", async () => {
    const time = new VirtualTime("2026-11-22T00:00:00Z");
    const { soon } = storeDurably(
      { random: () => 0, sleep: (ms) => time.sleep(ms) },
      () => new Promise(() => undefined),
      {
        callerWaitsMs: 1_000,
        onFailure: () => undefined,
      },
    );
    const end = await time.until(soon);
    assert.ok(end.kind === "overdue");
    assert.equal(end.error.code, "store_unavailable");
  });

  test("goes on where the store is unusable just now: rights come back, and a backup is restored", async () => {
    const unusable = (): OnbehalfError<"store_unusable"> =>
      new OnbehalfError("store_unusable", "no rights", { hint: "grant them", details: {} });
    const { time, write } = writing(3, unusable);
    assert.deepEqual(await time.until(write.soon), { kind: "stored", value: "stored" });
  });

  test("ends with an error that no other try can cure, after it was told", async () => {
    const { time, write, noted } = writing(1, () => new TypeError("a bug"));
    await Promise.all([assert.rejects(time.until(write.stored), TypeError), assert.rejects(write.soon, TypeError)]);
    assert.deepEqual(noted, [1]);
  });
});
