/** Tests of the property tests: that they use every operation of the model, and meet every kind of answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sample } from "fast-check";
import { ModelStore, modelOperations } from "../../tools/model-store.ts";
import { asStore, contents, perform, stepSequences } from "./steps.ts";

/** Operations that answer in several ways, which a caller tells apart. */
const answers: readonly string[] = [
  ...["begun", "held", "moved", "backing-off", "gone"].map((kind) => `beginAttempt ${kind}`),
  ...["active", "suspect", "undefined"].map((state) => `commitAttempt ${state}`),
  ...["begun", "known"].map((kind) => `beginIntake ${kind}`),
  ...[
    "saveFromIntake",
    "beginRevocation",
    "endRevocation",
    "markSuspect",
    "lapse",
    "journalAnswer",
    "takeIntake",
    "rejectIntake",
    "bindTicket",
    "holdIntake",
    "releaseIntake",
    "loseDeposit",
    "addMark",
    "beginStandstill",
    "endStandstill",
  ].flatMap((name) => [`${name} true`, `${name} false`]),
];

test("the property tests of the stores use every operation of the model, and meet each of its answers", async () => {
  const met = new Set<string>();
  for (const sequence of sample(stepSequences, { numRuns: 100, seed: 20_261_122 })) {
    const model = new ModelStore();
    const store = asStore(model, (name, answer) => {
      met.add(name);
      met.add(`${name} ${kindOf(answer)}`);
    });
    for (const [n, step] of sequence.entries()) {
      await perform(store, step, model.listGrants({ limit: 100 }), n + 10);
      await contents(store);
    }
  }
  assert.deepEqual(
    [...modelOperations, ...answers].filter((each) => !met.has(each)),
    [],
  );
});

function kindOf(answer: unknown): string {
  return typeof answer === "object" && answer !== null && "kind" in answer ? String(answer.kind) : String(answer);
}
