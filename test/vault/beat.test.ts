import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { onBeat } from "../../src/vault/beat.ts";
import { eventually } from "../support/eventually.ts";

describe("what a process does again and again", () => {
  test("tasks of different periods are done at one waking of the process, and none is left out", async (t) => {
    let waking: object | undefined;
    const counts = { often: 0, seldom: 0 };
    const alone: string[] = [];
    const noted = (name: keyof typeof counts) => (): void => {
      counts[name] += 1;
      // The first of a waking says that it has begun, and what comes after all timers that it is over.
      if (waking === undefined) {
        waking = {};
        setImmediate(() => (waking = undefined));
        if (name === "seldom") alone.push(name);
      }
    };
    t.after(onBeat(5, noted("often")));
    t.after(onBeat(35, noted("seldom")));
    await eventually(
      () => counts,
      ({ often, seldom }) => often >= 21 && seldom >= 3,
    );
    assert.deepEqual(alone, []);
    assert.ok(counts.seldom < counts.often);
  });

  test("a task that has ended is not done again, and the others go on", async (t) => {
    const counts = { ended: 0, other: 0 };
    const end = onBeat(1, () => (counts.ended += 1));
    t.after(onBeat(2, () => (counts.other += 1)));
    await eventually(
      () => counts,
      ({ ended, other }) => ended > 0 && other > 0,
    );
    end();
    const { ended, other } = counts;
    await eventually(
      () => counts.other,
      (now) => now > other + 5,
    );
    assert.equal(counts.ended, ended);
  });

  test("a task that ends another one of the same waking is the last that is done of the two", async (t) => {
    const done: string[] = [];
    const ends: (() => void)[] = [];
    ends.push(
      onBeat(1, () => {
        done.push("first");
        for (const end of ends) end();
      }),
      onBeat(1, () => void done.push("second")),
    );
    let beats = 0;
    t.after(onBeat(1, () => (beats += 1)));
    await eventually(
      () => beats,
      (count) => count >= 5,
    );
    assert.deepEqual(done, ["first"]);
  });
});
