#!/usr/bin/env node
import { nodeProblem } from "./terminal/node-version.ts";

// Before anything else is loaded: an older Node would fail in the middle of some import, and say nothing useful.
const problem = nodeProblem(process.versions.node);
if (problem === undefined) {
  const { run } = await import("./program.ts");
  process.exitCode = await run(process.argv);
} else {
  process.stderr.write(problem);
  process.exitCode = 1;
}
