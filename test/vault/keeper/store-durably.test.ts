import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { OnbehalfError } from "../../../src/index.ts";
import { rescueUnlessStored, storeDurably } from "../../../src/vault/keeper/store-durably.ts";
import { VirtualTime } from "../../faults/virtual-time.ts";

const away = (): OnbehalfError<"store_unavailable"> =>
  new OnbehalfError("store_unavailable", "away", { hint: "wait", details: { retryAfterMs: 1_000 } });

function writing(failures: number, with_: () => unknown = away) {
  const time = new VirtualTime("2026-11-22T00:00:00Z");
  const noted: number[] = [];
  const faults: unknown[] = [];
  let calls = 0;
  const write = storeDurably(
    { random: () => 0.5, sleep: (ms) => time.sleep(ms), onFault: (error) => void faults.push(error) },
    async () => {
      calls += 1;
      if (calls <= failures) throw with_();
      return "stored";
    },
    { during: "a test", callerWaitsMs: 1_000, onFailure: (_error, count) => void noted.push(count) },
  );
  return { time, write, noted, faults };
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
      { random: () => 0, sleep: (ms) => time.sleep(ms), onFault: () => undefined },
      () => new Promise(() => undefined),
      {
        during: "a test",
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

  for (const [what, error] of [
    ["a bug", new TypeError("a bug")],
    ["a server's word that nobody knows", Object.assign(new Error("compute is asleep"), { code: "XX000" })],
    ["nothing at all", undefined],
    ["a string", "no"],
  ] as const) {
    test(`goes on where it fails with ${what}, and tells of it once`, async () => {
      const { time, write, noted, faults } = writing(3, () => error);
      assert.equal(await time.until(write.stored), "stored");
      assert.deepEqual(noted, [1, 2, 3]);
      assert.deepEqual(faults, [error]);
    });
  }

  test("goes on where the one who is told of a failure fails itself", async () => {
    const time = new VirtualTime("2026-11-22T00:00:00Z");
    const faults: unknown[] = [];
    let calls = 0;
    const { stored } = storeDurably(
      { random: () => 0, sleep: (ms) => time.sleep(ms), onFault: (error) => void faults.push(error) },
      async () => {
        calls += 1;
        if (calls === 1) throw away();
        return "stored";
      },
      { during: "a test", callerWaitsMs: 1_000, onFailure: () => Promise.reject(new RangeError("told")) },
    );
    assert.equal(await time.until(stored), "stored");
    assert.match(String(faults), /told/);
  });
});

describe("what is left of a write that the store has taken", () => {
  /** Time stands still: what waits for its end holds what it holds. */
  const waiting: Promise<void>[] = [];
  const sleep = (): Promise<void> => {
    const never = new Promise<void>(() => undefined);
    waiting.push(never);
    return never;
  };
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;

  async function isForgotten(kept: WeakRef<object>): Promise<boolean> {
    for (let tries = 0; tries < 20 && kept.deref() !== undefined; tries += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    return kept.deref() === undefined;
  }

  test("its timer holds neither what was written nor what was stored, for as long as it runs", async () => {
    const answer = new WeakRef({ refreshToken: "1//a" });
    const row = new WeakRef({ stored: true });
    await (async () => {
      const [written, result] = [answer.deref(), row.deref()];
      const onFault = (): void => undefined;
      const write = async (): Promise<object | undefined> => (written === undefined ? undefined : result);
      const end = storeDurably({ random: () => 0, sleep, onFault }, write, {
        during: "a test",
        callerWaitsMs: 1_000,
        onFailure: () => void written,
      });
      assert.equal((await end.soon).kind, "stored");
    })();
    assert.ok(waiting.length > 0, "nothing waits");
    assert.ok(await isForgotten(answer), "the answer is kept");
    assert.ok(await isForgotten(row), "the row is kept");
  });

  test("the timer of its rescue does not hold the answer, for as long as it runs", async () => {
    const answer = new WeakRef({ refreshToken: "1//a" });
    await (async () => {
      const received = answer.deref();
      const rescue = { keep: () => undefined, drop: () => undefined } as never;
      const keeping = rescueUnlessStored({ rescue, sleep, onFault: () => undefined }, () => received as never);
      await keeping.stored();
    })();
    assert.ok(await isForgotten(answer), "the answer is kept");
  });
});
