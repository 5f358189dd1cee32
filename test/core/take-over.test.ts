import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { takeOverTimes, mayTakeOver } from "../../src/core/take-over.ts";
import type { Attempt, Liveness } from "../../src/core/take-over.ts";
import type { Rotation } from "../../src/core/refresh.ts";

const startedAt = Date.UTC(2026, 10, 22);

function attempt(more: Partial<Attempt> = {}): Attempt {
  return {
    attemptId: "a_1",
    grantId: "g_1",
    generation: 3,
    owner: { node: "boot-1", pid: 4_711, startedAt: "123", vault: "v_1" },
    startedAt,
    endedUnknown: false,
    ...more,
  };
}

const grace: Rotation = { graceSeconds: 60 };
const shortGrace: Rotation = { graceSeconds: 30 };
const second = 1_000;
const { exchangeLimitMs, takeOverLimitMs } = takeOverTimes;

describe("mayTakeOver", () => {
  test("mayTakeOver gives an exchange half a minute, a token five seconds to arrive, and a strict provider's holder five minutes", () => {
    assert.deepEqual(takeOverTimes, {
      exchangeLimitMs: 30 * second,
      takeOverLimitMs: 300 * second,
      arrivalMs: 5 * second,
    });
  });

  const cases: readonly (readonly [Liveness, Rotation, number, boolean])[] = [
    // A dead owner finishes nothing: take over at once.
    ["dead", "strict", 0, true],
    ["dead", grace, 0, true],
    ["dead", "none", 0, true],
    // Our own attempt is known to run, whatever the clock says.
    ["mine", "none", takeOverLimitMs * 10, false],
    ["mine", grace, takeOverLimitMs * 10, false],
    ["mine", "strict", takeOverLimitMs * 10, false],
    // Where tokens do not rotate, two refreshes at once do no harm.
    ["alive", "none", exchangeLimitMs, false],
    ["alive", "none", exchangeLimitMs + 1, true],
    ["unknown", "none", exchangeLimitMs, false],
    ["unknown", "none", exchangeLimitMs + 1, true],
    // A paused owner may hold the only valid new token, and a grace period ends.
    ["alive", grace, takeOverLimitMs * 10, false],
    ["alive", "strict", takeOverLimitMs * 10, false],
    // Where nothing is known of the owner, only the attempt's age can decide.
    ["unknown", grace, exchangeLimitMs, false],
    ["unknown", grace, exchangeLimitMs + 1, true],
    ["unknown", grace, 55 * second, true],
    // The token may have been replaced as soon as the attempt began, and its grace may end before ours arrives.
    ["unknown", grace, 55 * second + 1, false],
    ["unknown", grace, 61 * second, false],
    ["unknown", grace, takeOverLimitMs, false],
    ["unknown", grace, takeOverLimitMs + 1, true],
    ["unknown", shortGrace, exchangeLimitMs + 1, false],
    ["unknown", shortGrace, takeOverLimitMs, false],
    ["unknown", shortGrace, takeOverLimitMs + 1, true],
    ["unknown", { graceSeconds: 0 }, exchangeLimitMs + 1, false],
    ["unknown", { graceSeconds: 3_600 }, takeOverLimitMs, true],
    // A dead owner stores nothing any more: waiting saves nothing, whatever the grace.
    ["dead", shortGrace, 61 * second, true],
    ["unknown", "strict", exchangeLimitMs + 1, false],
    ["unknown", "strict", takeOverLimitMs, false],
    ["unknown", "strict", takeOverLimitMs + 1, true],
    // After the wall clock was set back an attempt has a negative age: it counts as new.
    ["alive", "none", -86_400 * second, false],
    ["unknown", "strict", -86_400 * second, false],
  ];
  for (const [liveness, rotation, ageMs, expected] of cases) {
    test(`mayTakeOver: ${expected ? "takes" : "leaves"} an attempt of ${ageMs} ms, holder ${liveness}, rotation ${JSON.stringify(rotation)}`, () => {
      assert.equal(mayTakeOver(attempt(), liveness, rotation, startedAt + ageMs), expected);
    });
  }

  test("mayTakeOver takes over what its holder gave up with an unknown outcome, whoever and however young", () => {
    for (const liveness of ["mine", "alive", "dead", "unknown"] as const) {
      assert.equal(mayTakeOver(attempt({ endedUnknown: true }), liveness, "strict", startedAt), true);
    }
  });

  const rotating = fc.oneof(fc.constant<Rotation>("strict"), fc.record({ graceSeconds: fc.nat(3_600) }));
  const rotation = fc.oneof(fc.constant<Rotation>("none"), rotating);
  const liveness = fc.constantFrom<Liveness>("mine", "alive", "dead", "unknown");
  const times = fc
    .tuple(fc.integer({ min: 1, max: 10 ** 6 }), fc.nat(10 ** 6), fc.nat(10 ** 5))
    .map(([exchangeLimitMs, more, arrivalMs]) => ({
      exchangeLimitMs,
      takeOverLimitMs: exchangeLimitMs + more,
      arrivalMs,
    }));
  const age = fc.integer({ min: -(10 ** 7), max: 10 ** 7 });

  test("mayTakeOver never steals from the living where tokens rotate, however long they take", () => {
    fc.assert(
      fc.property(fc.constantFrom<Liveness>("mine", "alive"), rotating, age, times, (holder, kind, ageMs, limits) => {
        assert.equal(mayTakeOver(attempt(), holder, kind, startedAt + ageMs, limits), false);
      }),
    );
  });

  test("mayTakeOver takes nothing of a strict provider before the hard limit, but from the dead", () => {
    fc.assert(
      fc.property(fc.constantFrom<Liveness>("mine", "alive", "unknown"), age, times, (holder, ageMs, limits) => {
        if (mayTakeOver(attempt(), holder, "strict", startedAt + ageMs, limits)) {
          assert.ok(ageMs > limits.takeOverLimitMs);
        }
      }),
    );
  });

  test("mayTakeOver takes nothing while an exchange may still be under way, but from the dead, and never from ourselves", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Liveness>("alive", "unknown"),
        rotation,
        age,
        times,
        (holder, kind, ageMs, limits) => {
          if (ageMs <= limits.exchangeLimitMs) {
            assert.equal(mayTakeOver(attempt(), holder, kind, startedAt + ageMs, limits), false);
          }
          assert.equal(mayTakeOver(attempt(), "mine", kind, startedAt + ageMs, limits), false);
        },
      ),
    );
  });

  test("mayTakeOver leaves no attempt for ever to a holder of whom nothing is known, or who is dead", () => {
    fc.assert(
      fc.property(fc.constantFrom<Liveness>("unknown", "dead"), rotation, times, (holder, kind, limits) => {
        assert.equal(mayTakeOver(attempt(), holder, kind, startedAt + limits.takeOverLimitMs + 1, limits), true);
      }),
    );
  });

  test("mayTakeOver presents no token later than its grace allows, but that of the dead, or after the hard limit", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Liveness>("mine", "alive", "unknown"),
        fc.nat(600),
        age,
        times,
        (holder, graceSeconds, ageMs, limits) => {
          if (!mayTakeOver(attempt(), holder, { graceSeconds }, startedAt + ageMs, limits)) return;
          assert.ok(ageMs + limits.arrivalMs <= graceSeconds * second || ageMs > limits.takeOverLimitMs);
        },
      ),
    );
  });

  test("mayTakeOver takes a grace of nothing for no grace at all", () => {
    fc.assert(
      fc.property(liveness, age, times, (holder, ageMs, limits) => {
        const now = startedAt + ageMs;
        const none = mayTakeOver(attempt(), holder, { graceSeconds: 0 }, now, limits);
        assert.equal(none, mayTakeOver(attempt(), holder, "strict", now, limits));
      }),
    );
  });

  test("mayTakeOver changes its mind in one direction only as an attempt gets older, while no grace runs out", () => {
    fc.assert(
      fc.property(liveness, rotation, age, fc.nat(10 ** 7), times, (holder, kind, ageMs, later, limits) => {
        const now = startedAt + ageMs;
        const runsOut = typeof kind === "object" && ageMs <= limits.takeOverLimitMs && holder === "unknown";
        if (!runsOut && mayTakeOver(attempt(), holder, kind, now, limits)) {
          assert.ok(mayTakeOver(attempt(), holder, kind, now + later, limits));
        }
      }),
    );
  });
});
