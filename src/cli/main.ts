#!/usr/bin/env node
import { heldVariable } from "../service/secrets/held-variable.ts";
import { nodeProblem } from "./terminal/node-version.ts";

// Checked before anything else is loaded: an older Node would fail in the middle of some import, with a useless message.
const problem = nodeProblem(process.versions.node);
if (problem === undefined) {
  const { run } = await program();
  process.exitCode = await run(process.argv);
} else {
  process.stderr.write(problem);
  process.exitCode = 1;
}

/** A service is started while people wait for it, so that command is loaded alone. */
function program(): Promise<{ readonly run: (argv: readonly string[]) => Promise<number> }> {
  if (process.argv[2] !== "serve") return import("./program.ts");
  return process.env[heldVariable] === undefined ? import("./serve/program.ts") : import("./serve/serving-program.ts");
}
