import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import type { Rotation } from "../../src/core/refresh.ts";
import { mayTakeOver, nextStep } from "../../src/core/take-over.ts";
import type { Attempt, AttemptResult, Liveness, NextStep } from "../../src/core/take-over.ts";

const now = 1_000_000;
const grant = { generation: 3 };
const newer = { generation: 4 };

function attempt(more: Partial<Attempt> = {}): Attempt {
  return {
    attemptId: "theirs",
    grantId: "g_1",
    generation: 3,
    owner: { node: "host", pid: 1, startedAt: "1", vault: "v" },
    startedAt: now - 1_000,
    endedUnknown: false,
    ...more,
  };
}

type Row = readonly [
  title: string,
  result: AttemptResult<typeof grant>,
  liveness: Liveness,
  hasPermit: boolean,
  step: NextStep<typeof grant>,
];

const held = (more: Partial<Attempt> = {}): AttemptResult<typeof grant> => ({
  kind: "held",
  attempt: attempt(more),
  now,
});

/** Every answer of the store, with and without a permit. The provider rotates strictly. */
const table: readonly Row[] = [
  ["begun, with a permit: send", { kind: "begun", grant }, "unknown", true, { do: "exchange", grant }],
  [
    "begun, without: get one, then send",
    { kind: "begun", grant },
    "unknown",
    false,
    { do: "get-permit", begun: grant },
  ],
  ["another's, who lives: wait", held(), "alive", true, { do: "wait" }],
  ["another's, who lives: wait, without a permit, too", held(), "alive", false, { do: "wait" }],
  ["our own, which somebody works on: wait", held(), "mine", true, { do: "wait" }],
  ["another's, of whom nothing is known yet: wait", held(), "unknown", true, { do: "wait" }],
  ["a dead one's: take over", held(), "dead", true, { do: "take-over", attemptId: "theirs" }],
  [
    "a dead one's, without a permit: get one, and look again",
    held(),
    "dead",
    false,
    { do: "get-permit", begun: undefined },
  ],
  [
    "ended without a known outcome: take over",
    held({ endedUnknown: true }),
    "alive",
    true,
    { do: "take-over", attemptId: "theirs" },
  ],
  [
    "unknown for more than five minutes: take over",
    held({ startedAt: now - 300_001 }),
    "unknown",
    true,
    { do: "take-over", attemptId: "theirs" },
  ],
  ["failed a moment ago: come back later", { kind: "backing-off", grant }, "unknown", true, { do: "back-off", grant }],
  ["a newer generation: somebody was first", { kind: "moved", grant: newer }, "unknown", true, { do: "newer" }],
  ["the same generation, and not usable: ended", { kind: "moved", grant }, "unknown", true, { do: "ended" }],
  ["no such grant: ended", { kind: "gone" }, "unknown", false, { do: "ended" }],
];

describe("the next step of a process that wants to refresh a grant", () => {
  for (const [title, result, liveness, hasPermit, step] of table) {
    test(`is, where the store says: ${title}`, () => {
      assert.deepEqual(nextStep({ result, liveness, hasPermit, rotation: "strict", generation: 3 }), step);
    });
  }

  const anyRotation = fc.constantFrom<Rotation>("none", "strict", { graceSeconds: 20 }, { graceSeconds: 600 });
  const anyLiveness = fc.constantFrom<Liveness>("mine", "alive", "dead", "unknown");

  test("never takes an attempt from an owner that lives, where tokens rotate", () => {
    fc.assert(
      fc.property(
        anyRotation,
        fc.constantFrom<Liveness>("mine", "alive"),
        fc.nat(10_000_000),
        fc.boolean(),
        (rotation, liveness, age, hasPermit) => {
          fc.pre(rotation !== "none");
          const result = held({ startedAt: now - age });
          assert.deepEqual(nextStep({ result, liveness, hasPermit, rotation, generation: 3 }), { do: "wait" });
        },
      ),
    );
  });

  test("calls the provider with a permit only, and takes over only where that is allowed", () => {
    fc.assert(
      fc.property(
        anyRotation,
        anyLiveness,
        fc.nat(1_000_000),
        fc.boolean(),
        fc.boolean(),
        (rotation, liveness, age, endedUnknown, hasPermit) => {
          const theirs = attempt({ startedAt: now - age, endedUnknown });
          const step = nextStep({
            result: { kind: "held", attempt: theirs, now },
            liveness,
            hasPermit,
            rotation,
            generation: 3,
          });
          assert.notEqual(step.do, "exchange");
          if (!mayTakeOver(theirs, liveness, rotation, now)) assert.equal(step.do, "wait");
          else assert.equal(step.do, hasPermit ? "take-over" : "get-permit");
        },
      ),
    );
  });
});
