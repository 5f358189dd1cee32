#!/usr/bin/env node
import { nodeProblem } from "./terminal/node-version.ts";

// Checked before anything else is loaded: an older Node would fail in the middle of some import, with a useless message.
const problem = nodeProblem(process.versions.node);
if (problem === undefined) {
  const { run } = await import("./program.ts");
  process.exitCode = await run(process.argv);
} else {
  process.stderr.write(problem);
  process.exitCode = 1;
}
