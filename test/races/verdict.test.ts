/** The verdict on a run of chaos: what it calls a violation, and what it lets pass. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaults } from "../../tools/chaos/options.ts";
import { judge } from "../../tools/chaos/verdict.ts";
import type { Lapse } from "../../tools/chaos/people.ts";
import type { Evidence, FoundGrant } from "../../tools/chaos/verdict.ts";

type Exchange = Evidence["exchanges"][number];

const start = Date.parse("2026-11-22T00:00:00Z");
const email = "person-0@example.com";

const alive: FoundGrant = {
  grantId: "g_0",
  email,
  provider: "google",
  generation: 2,
  standing: "served",
  accepted: true,
};

const lapse: Lapse = {
  email,
  rotation: "strict",
  reason: "crash_ambiguous_rotation",
  since: start + 3_000,
  healthy: false,
};

const late: Lapse = { ...lapse, since: start + 62_000 };

const withoutKeepers = { ...defaults, rotation: "strict", keeper: "none", grants: 1 } as const;

/** A run with one grant to which nothing happened, with these differences. */
function evidence(differences: Partial<Evidence> = {}): Evidence {
  return {
    options: { ...defaults, rotation: "strict", grants: 1 },
    injectedFaults: [],
    readings: {
      tokens: 1,
      broken: 0,
      hung: 0,
      refused: new Map(),
      refusedByApi: new Map(),
      given: new Map(),
    },
    audit: { rows: 1, unrecorded: 0, faults: [] },
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

/** The answer with a new token never arrived, and the used token was sent again. */
const newTokenLost = [exchange(0, "refreshed", "a"), exchange(2_500, "reused_token", "a")];
const killOf = (victim: "service" | "keeper", afterMs: number): Evidence["injectedFaults"] => [
  { at: start + afterMs, kind: "kill", victim },
];

test("the verdict on chaos finds no violation in a run in which nothing happened", () => {
  assert.deepEqual(judge(evidence()).violations, []);
});

test("the verdict on chaos lets a loss pass that was in flight when its keeper was killed, and was flagged in time", () => {
  const verdict = judge(evidence({ lapses: [lapse], exchanges: newTokenLost, injectedFaults: killOf("keeper", 100) }));
  assert.deepEqual(verdict.violations, []);
  assert.deepEqual(
    verdict.losses.map(({ inFlight, flaggedAfterMs }) => [inFlight, flaggedAfterMs]),
    [[true, 2_900]],
  );
});

test("the verdict on chaos lets a loss pass that was in flight when its service was killed, where there are no keepers", () => {
  const lost = { lapses: [lapse], exchanges: newTokenLost, injectedFaults: killOf("service", 100) };
  assert.deepEqual(judge(evidence({ ...lost, options: withoutKeepers })).violations, []);
});

const violating: Readonly<Record<string, readonly [Partial<Evidence>, RegExp]>> = {
  "a loss without any kill": [{ lapses: [lapse], exchanges: newTokenLost }, /was lost/],
  "a loss when only a service was killed, which holds no new token": [
    { lapses: [lapse], exchanges: newTokenLost, injectedFaults: killOf("service", 100) },
    /was lost/,
  ],
  "a loss long after the kill": [
    { lapses: [lapse], exchanges: newTokenLost, injectedFaults: killOf("keeper", -60_000) },
    /was lost/,
  ],
  "a loss at a provider that does not rotate": [
    {
      lapses: [{ ...lapse, rotation: "none" }],
      exchanges: newTokenLost,
      injectedFaults: killOf("keeper", 100),
      options: { ...defaults, rotation: "none", grants: 1 },
    },
    /though its used token could be sent again/,
  ],
  "a flag that came too late": [
    { lapses: [late], exchanges: newTokenLost, injectedFaults: killOf("keeper", 100) },
    /flagged only after 62 s/,
  ],
  "a used token that was sent again, of a grant that lives": [{ exchanges: newTokenLost }, /was sent again/],
  "a grant without any answer": [{ grants: [{ ...alive, standing: "silent" }] }, /give no token and no reason/],
  "a flag on a grant that still works": [
    { lapses: [{ ...lapse, healthy: true }], exchanges: newTokenLost, injectedFaults: killOf("keeper", 100) },
    /1 grants were flagged although they still work/,
  ],
  "a token that the API refuses": [{ grants: [{ ...alive, accepted: false }] }, /refused fresh tokens/],
  "a grant that is not in the database": [{ grants: [] }, /not in the database/],
  "a service that does not exit with 0": [{ stoppedWell: false }, /did not exit with 0/],
  "processes that still run in the end": [{ leftRunning: 2 }, /2 processes still ran/],
  "a token that left without a record": [
    { audit: { rows: 1, unrecorded: 2, faults: [] } },
    /2 tokens left without a row/,
  ],
  "an audit log that is not whole": [
    { audit: { rows: 1, unrecorded: 0, faults: ["rows 3 to 3 of the audit log: missing"] } },
    /rows 3 to 3 of the audit log: missing/,
  ],
  "requests without an answer": [{ readings: { ...evidence().readings, hung: 3 } }, /3 requests had no answer/],
};
for (const [name, [differences, message]] of Object.entries(violating)) {
  test(`the verdict on chaos calls it a violation: ${name}`, () => {
    const { violations } = judge(evidence(differences));
    assert.ok(
      violations.some((violation) => message.test(violation)),
      violations.join("; ") || "no violation was found",
    );
  });
}
