import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { makePrivateFolder } from "../../src/local/private-folder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("a folder that only its user may enter", () => {
  test("it is made with those above it, each for its user alone, and again without harm", async (t) => {
    const above = join(await temporaryFolder(t), "one");
    const folder = join(above, "two");
    makePrivateFolder(folder);
    makePrivateFolder(folder);
    for (const made of [above, folder]) assert.equal(statSync(made).mode & 0o777, 0o700);
  });

  test("where it cannot be made, that is said, and nobody waits for ever", async (t) => {
    const file = join(await temporaryFolder(t), "file");
    await writeFile(file, "");
    assert.throws(() => makePrivateFolder(join(file, "rescue")), { code: "ENOTDIR" });
    if (existsSync("/proc/sys")) assert.throws(() => makePrivateFolder("/proc/sys/rescue"), { code: "ENOENT" });
  });
});
