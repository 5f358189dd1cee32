import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fixedClock } from "../../../src/core/clock.ts";
import { storeUnavailable } from "../../../src/store/sql/failure.ts";
import type { Store } from "../../../src/store/store.ts";
import { Refusals } from "../../../src/vault/audit/refusals.ts";
import { fails } from "../../support/fails.ts";

interface Scene {
  readonly clock: ReturnType<typeof fixedClock>;
  readonly refusals: Refusals;
  readonly rows: string[];
  state: "works" | "fails";
}

function scene(audit: "callers" | "none" = "callers"): Scene {
  const clock = fixedClock("2026-11-22T00:00:00Z");
  const rows: string[] = [];
  const appendAudit: Store["appendAudit"] = async (entries) => {
    if (made.state === "fails") throw storeUnavailable("the disk is full", "free some space");
    rows.push(...entries.map(([entry, { caller }]) => `${caller} ${entry.action} ${entry.outcome} ${entry.detail}`));
  };
  const refusals = new Refusals({ store: { appendAudit } as Store, clock, audit });
  const made: Scene = { clock, refusals, rows, state: "works" };
  return made;
}

describe("the record of what was refused", () => {
  test("the record of what was refused says who, why, how often and since when, a row for each reason", async () => {
    const { clock, refusals, rows } = scene();
    for (let n = 0; n < 1_200; n += 1) refusals.count({ caller: "@public" }, "key.refused", "unknown");
    refusals.count({ caller: "reports" }, "key.refused", "expired");
    clock.advance(1_000);
    refusals.count({ caller: "reports" }, "request.denied", "forbidden");
    assert.deepEqual(rows, []);
    await refusals.writeCounts();
    await refusals.writeCounts();
    assert.deepEqual(rows, [
      "@public key.refused unknown 1200 times since 2026-11-22T00:00:00.000Z",
      "reports key.refused expired 1 time since 2026-11-22T00:00:00.000Z",
      "reports request.denied forbidden 1 time since 2026-11-22T00:00:01.000Z",
    ]);
    clock.advance(60_000);
    refusals.count({ caller: "@public" }, "key.refused", "unknown");
    await refusals.writeCounts();
    assert.equal(rows.at(-1), "@public key.refused unknown 1 time since 2026-11-22T00:01:01.000Z");
  });

  for (const [what, pauseMinutes] of [
    ["without a pause", 1],
    ["and rests between two tries", 5],
    ["and rests for half an hour", 31],
  ] as const) {
    test(`somebody who tries keys for a week ${what} leaves some rows a day, and every try is counted`, async () => {
      const { clock, refusals, rows } = scene();
      let tries = 0;
      for (let minute = 0; minute < 7 * 24 * 60; minute += 1) {
        const now = minute % pauseMinutes === 0 ? 9 : 0;
        for (let n = 0; n < now; n += 1) {
          refusals.count({ caller: "@public" }, "key.refused", "unknown");
          tries += 1;
        }
        await refusals.writeCounts();
        clock.advance(60_000);
      }
      assert.ok(rows.length <= 20 + 7 * 48, `${rows.length} rows`);
      await refusals.writeCounts(true);
      assert.equal(
        rows.reduce((sum, row) => sum + Number(/ (\d+) times since/.exec(row)?.[1]), 0),
        tries,
      );
    });
  }

  test("the record of what was refused stays in memory while it cannot be written", async () => {
    const made = scene();
    made.refusals.count({ caller: "reports" }, "request.denied", "forbidden");
    made.state = "fails";
    await assert.rejects(made.refusals.writeCounts(), fails("store_unavailable", "full"));
    made.refusals.count({ caller: "reports" }, "request.denied", "forbidden");
    made.state = "works";
    await made.refusals.writeCounts();
    assert.deepEqual(made.rows, ["reports request.denied forbidden 2 times since 2026-11-22T00:00:00.000Z"]);
  });

  test("the record of what was refused is none where none is wanted, and bounded in memory", async () => {
    const none = scene("none");
    none.refusals.count({ caller: "reports" }, "request.denied", "forbidden");
    await none.refusals.writeCounts(true);
    assert.deepEqual(none.rows, []);
    const many = scene();
    for (let n = 0; n < 6_000; n += 1) many.refusals.count({ caller: `caller-${n}` }, "request.denied", "forbidden");
    await many.refusals.writeCounts();
    assert.equal(many.rows.length, 5_000);
    assert.match(many.rows.at(-1) ?? "", /^caller-5999 /);
  });
});
