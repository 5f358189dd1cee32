import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { Cause, Diagnosis, FurtherReason } from "../../../src/core/diagnosis/diagnosis.ts";
import { isReason, reasons } from "../../../src/core/diagnosis/reasons.ts";
import type { Reason } from "../../../src/core/diagnosis/reasons.ts";

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
