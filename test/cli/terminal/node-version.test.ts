import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeProblem } from "../../../src/cli/terminal/node-version.ts";

test("an older Node is told what is wrong and what to do, a newer one nothing", () => {
  for (const version of ["4.9.1", "18.20.4", "20.20.2", "22.12.0", "23.11.1"]) {
    assert.match(
      nodeProblem(version) ?? "",
      new RegExp(`^onbehalf: this is Node ${version}; Onbehalf needs Node 24 or newer`),
    );
    assert.match(nodeProblem(version) ?? "", /\nonbehalf: hint: install a newer Node .*\n$/);
  }
  for (const version of ["24.0.0", "24.21.3", "26.10.0", "100.0.0", process.versions.node]) {
    assert.equal(nodeProblem(version), undefined);
  }
});
