/** Types, lint and format, side by side; exits non-zero when one of them complains. */
import { run } from "./run.ts";

const codes = await Promise.all([
  run("tsc", ["-p", "tsconfig.json"]),
  run("tsc", ["-p", "tsconfig.build.json", "--noEmit"]),
  run("tsc", ["-p", "src/browser/tsconfig.json"]),
  run("oxlint", ["--type-aware", "--deny-warnings"]),
  run("prettier", ["--check", "--log-level", "warn", "."]),
]);
process.exit(Math.max(...codes));
