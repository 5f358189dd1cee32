/** What the PostgreSQL of the tests must not do: turn the failure of the process that started it into success. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { resolve } from "node:path";

const module = JSON.stringify(resolve("tools/embedded-postgres.ts"));

for (const [title, end, expected] of [
  ["a process that imports PostgreSQL and fails ends with its own exit code", "process.exitCode = 7", 7],
  ["a process that imports PostgreSQL and succeeds ends with 0", "", 0],
  ["a process that imports PostgreSQL and exits at once ends with its own exit code", "process.exit(3)", 3],
] as const) {
  test(title, () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status } = spawnSync("node", ["--input-type=module", "-e", `await import(${module}); ${end}`], { env });
    assert.equal(status, expected);
  });
}
