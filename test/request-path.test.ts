import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

test("a refresh enters at most 30 files, a code exchange 34, and each reads the grant's row three times at most", () => {
  const limits = ["--max-refresh", "30", "--max-exchange", "34", "--max-reads", "3"];
  const { status, stdout, stderr } = spawnSync(process.execPath, ["tools/request-path.ts", ...limits], {
    encoding: "utf8",
  });
  assert.equal(status, 0, `${stdout}${stderr}`);
});
