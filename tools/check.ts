/** Types, lint, layers, format, and code that nobody uses, side by side; exits non-zero when one of them complains. */
import { existsSync } from "node:fs";
import { run } from "./run.ts";

/**
 * Formatting is what takes most of the time, so files that have not changed since they were found in order are not read
 * again. By content, because a checkout gives every file a new time.
 */
const unchanged = ["--cache", "--cache-strategy", "content", "--cache-location", "node_modules/.cache/prettier/check"];

const codes = await Promise.all([
  run("prettier", ["--check", "--log-level", "warn", ...unchanged, "."]),
  run("oxlint", ["--type-aware", "--deny-warnings"]),
  run("tsc", ["-p", "tsconfig.json"]),
  run("tsc", ["-p", "tsconfig.build.json", "--noEmit"]),
  run("tsc", ["-p", "src/browser/tsconfig.json"]),
  run("tsc", ["-p", "src/dashboard/tsconfig.json"]),
  // What is measured beside us is a package of its own, which few install.
  ...(existsSync("bench/node_modules") ? [run("tsc", ["-p", "bench/tsconfig.json"])] : []),
  run("node", ["tools/check-layers.ts"]),
  run("knip", []),
]);
process.exit(Math.max(...codes));
