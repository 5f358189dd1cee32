import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { needsProgram } from "../support/installed-programs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blocksFor } from "./block-runners.ts";

test("systemd finds nothing wrong with the unit", needsProgram("systemd-analyze"), async (t) => {
  const folder = await temporaryFolder(t);
  for (const { text } of blocksFor("operations, unit")) {
    const unit = join(folder, "onbehalf.service");
    // It is not installed here.
    await writeFile(unit, text.replace("/usr/local/bin/onbehalf", "/bin/true"));
    const { status, stderr } = spawnSync("/usr/bin/systemd-analyze", ["verify", "--man=no", unit], {
      encoding: "utf8",
    });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  }
});
