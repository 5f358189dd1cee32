import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { Cause, Diagnosis, FurtherReason } from "../../../src/core/diagnosis/diagnosis.ts";
import { isReason, reasons } from "../../../src/core/diagnosis/reasons.ts";
import type { Doer, Reason } from "../../../src/core/diagnosis/reasons.ts";

const codes = Object.keys(reasons) as Reason[];

test("every reason says in one lower-case sentence what it means and what to do", () => {
  for (const code of codes) {
    const { means, fix } = reasons[code];
    for (const sentence of [means, fix]) {
      assert.match(sentence, /^[a-z]/, code);
      assert.doesNotMatch(sentence, /\.$/, code);
    }
  }
});

/** How a step names who does it. */
const named: Readonly<Record<Doer, RegExp>> = {
  person: /\bperson\b|\bprobe the grant\b/,
  administrator: /person's administrator/,
  developer: /^have the app's developer /,
  operator: /^have the operator /,
  provider: /^nothing: /,
};

for (const code of codes) {
  test(`who must act: ${code}`, () => {
    const { steps, dependsOn, fix, title } = reasons[code];
    const [first] = steps;
    assert.ok(first !== undefined);
    assert.equal(dependsOn, first.by === "administrator" ? "person" : first.by);
    for (const { by, what } of steps) assert.match(what, named[by]);
    assert.equal(fix, steps.map(({ what }) => what).join(", then "));
    assert.match(title, /^[A-Z][^_]+[^.]$/, "a headline has no code in it");
    // Whoever reads what somebody else must do reads that first, and then what the person does.
    const signIn = steps.findIndex((step) => step.isSignIn === true);
    if (signIn > 0) assert.ok(steps.slice(0, signIn).every(({ by }) => by !== "person"));
    if (/, then ask the person/.test(fix)) assert.ok(signIn > 0, "the sign-in is a step of its own");
  });
}

test("every reason leads to a page that is there", () => {
  for (const code of codes) {
    const [name = ""] = reasons[code].page.split("#");
    assert.ok(existsSync(`docs/${name}`), `${code}: docs/${name}`);
  }
  assert.ok(readFileSync("docs/errors.md", "utf8").includes("## What a provider says"));
});

test("what everybody has a member of is no reason", () => {
  assert.equal(isReason("constructor"), false);
  assert.equal(isReason("testing_status"), true);
});

test("a diagnosis that others write by hand has the members of the API", () => {
  const cause: Cause = { reason: "removed_by_person", certainty: "possible", tellBy: "look" };
  const further: FurtherReason = { reason: "scopes_lost", dependsOn: "person", fix: "ask" };
  const diagnosis: Diagnosis = {
    reason: "invalid_grant",
    certainty: "possible",
    evidence: [],
    dependsOn: "person",
    fix: "ask",
    causes: [cause],
    also: [further],
  };
  assert.equal(diagnosis.reason, "invalid_grant");
});
