/** The simulator's checks: each promise that a schedule could break is called a violation, and nothing else is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rotation } from "../../src/core/refresh.ts";
import { noFaults } from "../../tools/simulator/fault-rates.ts";
import type { InvariantChecker } from "../../tools/simulator/invariant-checker.ts";
import { plainSealer } from "../../tools/simulator/plain-sealer.ts";
import { Schedule } from "../../tools/simulator/schedule.ts";
import { SimulatedProcess } from "../../tools/simulator/simulated-process.ts";
import { grantId, newSimulation, storedGrant } from "../../tools/simulator/simulation.ts";
import type { Simulation } from "../../tools/simulator/simulation.ts";

const rotations: Readonly<Record<string, Rotation>> = { none: "none", grace: { graceSeconds: 60 }, strict: "strict" };

/** A schedule that has not begun, with processes that know of each other, and its grant at `r0`. */
function simulation(rotation: keyof typeof rotations): Simulation {
  return { ...newSimulation(new Schedule(() => 0.9), rotations[rotation] ?? "none"), faults: noFaults };
}

function keepLateAnswer({ store }: Simulation, token: string): void {
  const place = { clientId: "client", column: "orphans.answer", recordId: "late", generation: 1 } as const;
  const answerSealed = plainSealer.seal(JSON.stringify({ refresh_token: token }), place);
  store.keepLateAnswer({ lateAnswerId: "late", grantId, parentGeneration: 1, answerSealed, receivedAt: 1 });
}

const [p0, p1] = ["p0", "p1"].map((name) => new SimulatedProcess(name)) as [SimulatedProcess, SimulatedProcess];

interface Scenario {
  readonly rotation: "none" | "grace" | "strict";
  readonly happens: (checker: InvariantChecker, simulation: Simulation) => void;
  /** Absent where nothing is wrong. */
  readonly violation?: RegExp;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  "two living processes send one token to a strict provider": {
    rotation: "strict",
    happens(checker) {
      checker.exchangeBegins(p0, "r0");
      checker.exchangeBegins(p1, "r0");
    },
    violation: /p1 sends r0 while p0, which lives, is exchanging it/,
  },
  "two living processes send one token to a provider that does not rotate": {
    rotation: "none",
    happens(checker) {
      checker.exchangeBegins(p0, "r0");
      checker.exchangeBegins(p1, "r0");
    },
  },
  "a process sends a token to a strict provider after another one has had its answer": {
    rotation: "strict",
    happens(checker) {
      checker.exchangeBegins(p0, "r0");
      checker.exchangeEnds(p0, "r0");
      checker.exchangeBegins(p1, "r0");
    },
  },
  "a grant lapses whose token still works": {
    rotation: "none",
    happens: (checker, simulation) => checker.lapsed(p0, storedGrant(simulation)),
    violation: /p0 ends a grant whose refresh token still works/,
  },
  "a grant whose token does not rotate lapses after one refusal": {
    rotation: "none",
    happens(checker, simulation) {
      simulation.provider.revokeAll();
      checker.providerRefused("r0");
      checker.lapsed(p0, storedGrant(simulation));
    },
    violation: /after 1 refusals of its token, and needs 2/,
  },
  "a grant whose token does not rotate lapses after two refusals": {
    rotation: "none",
    happens(checker, simulation) {
      simulation.provider.revokeAll();
      checker.providerRefused("r0");
      checker.providerRefused("r0");
      checker.lapsed(p0, storedGrant(simulation));
    },
  },
  "a grant lapses whose live token is kept beside it": {
    rotation: "strict",
    happens(checker, simulation) {
      keepLateAnswer(simulation, simulation.provider.refresh("r0", 1) ?? "");
      checker.providerRefused("r0");
      checker.lapsed(p0, storedGrant(simulation));
    },
    violation: /although r1, which is kept beside it, works/,
  },
  "a grant lapses whose new token another process holds": {
    rotation: "strict",
    happens(checker, simulation) {
      checker.delivered(p1, simulation.provider.refresh("r0", 1) ?? "");
      checker.providerRefused("r0");
      checker.lapsed(p0, storedGrant(simulation));
    },
    violation: /although p1, which lives, holds r1/,
  },
  "a process commits a token a second time without trying the rescue journal": {
    rotation: "strict",
    happens(checker) {
      checker.delivered(p0, "r1");
      checker.commitTried(p0, "r1");
      checker.commitTried(p0, "r1");
    },
    violation: /p0 commits r1 again, and has not tried the rescue journal/,
  },
  "a process commits a token a second time after it has tried the rescue journal": {
    rotation: "strict",
    happens(checker) {
      checker.delivered(p0, "r1");
      checker.commitTried(p0, "r1");
      checker.rescueTried(p0, "r1");
      checker.commitTried(p0, "r1");
    },
  },
  "a process lives on and its answer is nowhere": {
    rotation: "strict",
    happens(checker, simulation) {
      checker.delivered(p0, "r1");
      checker.ended("lapsed", { ...storedGrant(simulation), reason: "crash_ambiguous_rotation" });
    },
    violation: /p0 lived on and dropped the answer with r1/,
  },
  "a grant is neither served nor ended": {
    rotation: "none",
    happens: (checker, simulation) => checker.ended("unsettled", storedGrant(simulation)),
    violation: /neither be served nor is it said why/,
  },
  "a grant is served whose token is dead": {
    rotation: "none",
    happens(checker, simulation) {
      simulation.provider.revokeAll();
      checker.ended("served", storedGrant(simulation));
    },
    violation: /called active and its token is dead/,
  },
  "a grant is revoked and a late answer is left": {
    rotation: "none",
    happens(checker, simulation) {
      simulation.provider.revokeAll();
      keepLateAnswer(simulation, "r0");
      checker.ended("revoked", storedGrant(simulation));
    },
    violation: /answers are left beside it/,
  },
  "a grant is revoked and a token that was stored still works": {
    rotation: "none",
    happens: (checker, simulation) => checker.ended("revoked", storedGrant(simulation)),
    violation: /revoked, and r0 still works/,
  },
  "a grant lapses in the end without a reason": {
    rotation: "strict",
    happens(checker, simulation) {
      checker.personRevoked = true;
      checker.ended("lapsed", storedGrant(simulation));
    },
    violation: /lapsed without a reason/,
  },
  "a grant is lost whose token does not rotate": {
    rotation: "none",
    happens: (checker, simulation) => checker.ended("lapsed", { ...storedGrant(simulation), reason: "invalid_grant" }),
    violation: /lost whose token never rotates/,
  },
  "a grant is lost and no answer was": {
    rotation: "grace",
    happens: (checker, simulation) => checker.ended("lapsed", { ...storedGrant(simulation), reason: "invalid_grant" }),
    violation: /no answer was lost in flight/,
  },
  "a grant is lost whose new token was on its way to a process that was killed": {
    rotation: "strict",
    happens(checker, simulation) {
      checker.providerRotated(p0);
      checker.killed(p0);
      checker.ended("lapsed", { ...storedGrant(simulation), reason: "crash_ambiguous_rotation" });
    },
  },
  "a grant is lost whose new token had arrived and was stored before its process was killed": {
    rotation: "strict",
    happens(checker, simulation) {
      checker.answerArrived(checker.providerRotated(p0));
      checker.delivered(p0, "r1");
      checker.stored.add("r1");
      checker.killed(p0);
      checker.ended("lapsed", { ...storedGrant(simulation), reason: "crash_ambiguous_rotation" });
    },
    violation: /no answer was lost in flight/,
  },
};

for (const [name, { rotation, happens, violation }] of Object.entries(scenarios)) {
  test(`the simulator ${violation === undefined ? "allows that" : "calls it a violation when"} ${name}`, () => {
    const scenario = simulation(rotation);
    happens(scenario.checker, scenario);
    const { violations } = scenario.checker;
    if (violation === undefined) assert.deepEqual(violations, []);
    else assert.match(violations.join("; "), violation);
  });
}
