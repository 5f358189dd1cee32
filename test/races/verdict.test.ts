import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaults } from "../../tools/chaos/options.ts";
import { judge } from "../../tools/chaos/verdict.ts";
import type { Lapse } from "../../tools/chaos/people.ts";
import type { Evidence, FoundGrant } from "../../tools/chaos/verdict.ts";

type Exchange = Evidence["exchanges"][number];

const start = Date.parse("2026-11-22T00:00:00Z");
const email = "person-0@example.com";

const alive: FoundGrant = { grantId: "g_0", email, generation: 2, standing: "served", accepted: true };

const lapse: Lapse = { email, reason: "crash_ambiguous_rotation", since: start + 3_000, healthy: false };

/** A run in which nothing happened to one grant but what is said. */
function evidence(differences: Partial<Evidence> = {}): Evidence {
  return {
    options: { ...defaults, rotation: "strict", grants: 1 },
    blows: [],
    readings: {
      tokens: 1,
      broken: 0,
      hung: 0,
      refused: new Map(),
      worthless: new Map(),
    },
    exchanges: [exchange(0, "refreshed", "a")],
    lapses: [],
    consents: 0,
    grants: [alive],
    stoppedWell: true,
    leftRunning: 0,
    ...differences,
  };
}

function exchange(afterMs: number, outcome: string, presented: string): Exchange {
  return {
    seq: 1,
    at: new Date(start + afterMs).toISOString(),
    method: "POST",
    path: "/token",
    parameters: {},
    status: 200,
    outcome,
    grant: email,
    refresh_token_fingerprint: presented,
  };
}

/** A new token was on its way to a process that was killed, and the used one came again. */
const swallowed = [exchange(0, "refreshed", "a"), exchange(2_500, "reused_token", "a")];
const killOf = (victim: "service" | "keeper", afterMs: number): Evidence["blows"] => [
  { at: start + afterMs, what: "kill", victim },
];

describe("the verdict on a run of chaos", () => {
  test("finds nothing where nothing is", () => {
    assert.deepEqual(judge(evidence()).faults, []);
  });

  test("lets a loss pass that was in flight when its keeper was killed, and was said in time", () => {
    const verdict = judge(evidence({ lapses: [lapse], exchanges: swallowed, blows: killOf("keeper", 100) }));
    assert.deepEqual(verdict.faults, []);
    assert.deepEqual(
      verdict.losses.map(({ inFlight, flaggedAfterMs }) => [inFlight, flaggedAfterMs]),
      [[true, 2_900]],
    );
  });

  const late = { ...lapse, since: start + 62_000 };
  const withoutKeepers = { ...defaults, rotation: "strict", keeper: "none", grants: 1 } as const;
  test("knows who exchanges where there are no keepers", () => {
    const lost = { lapses: [lapse], exchanges: swallowed, blows: killOf("service", 100) };
    assert.deepEqual(judge(evidence({ ...lost, options: withoutKeepers })).faults, []);
  });

  const faults: Readonly<Record<string, readonly [Partial<Evidence>, RegExp]>> = {
    "a loss without any kill": [{ lapses: [lapse], exchanges: swallowed }, /was lost/],
    "a loss when only a service was killed, which holds no token": [
      { lapses: [lapse], exchanges: swallowed, blows: killOf("service", 100) },
      /was lost/,
    ],
    "a loss long after the kill": [
      { lapses: [lapse], exchanges: swallowed, blows: killOf("keeper", -60_000) },
      /was lost/,
    ],
    "a loss at a provider that does not rotate": [
      {
        lapses: [lapse],
        exchanges: swallowed,
        blows: killOf("keeper", 100),
        options: { ...defaults, rotation: "none", grants: 1 },
      },
      /was lost/,
    ],
    "a flag that came too late": [
      { lapses: [late], exchanges: swallowed, blows: killOf("keeper", 100) },
      /flagged only after 62 s/,
    ],
    "a used token of a grant that lives": [{ exchanges: swallowed }, /came again/],
    silence: [{ grants: [{ ...alive, standing: "silent" }] }, /nor say why/],
    "a healthy grant that was flagged": [
      { lapses: [{ ...lapse, healthy: true }], exchanges: swallowed, blows: killOf("keeper", 100) },
      /1 healthy grants were flagged/,
    ],
    "a token that the API refuses": [{ grants: [{ ...alive, accepted: false }] }, /refused fresh tokens/],
    "a grant that is not there": [{ grants: [] }, /not in the database/],
    "a service that does not end well": [{ stoppedWell: false }, /did not end with 0/],
    "processes that go on": [{ leftRunning: 2 }, /2 processes went on/],
    "requests without an answer": [{ readings: { ...evidence().readings, hung: 3 } }, /3 requests had no answer/],
  };
  for (const [name, [differences, says]] of Object.entries(faults)) {
    test(`calls it a fault: ${name}`, () => {
      const { faults: found } = judge(evidence(differences));
      assert.ok(
        found.some((fault) => says.test(fault)),
        found.join("; ") || "nothing was found",
      );
    });
  }
});
