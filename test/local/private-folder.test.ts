import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
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

  test("processes that make the same one at once, with those above it, all have it", async (t) => {
    const [above, rounds, threads] = [await temporaryFolder(t), 200, 2];
    const shared = new SharedArrayBuffer(4 * rounds);
    const workerData = { above, rounds, threads, shared };
    const problems = Array.from({ length: threads }, async () => {
      const [said] = await once(new Worker(new URL("folder-maker.ts", import.meta.url), { workerData }), "message");
      return said as string[];
    });
    assert.deepEqual((await Promise.all(problems)).flat(), []);
    for (let round = 0; round < rounds; round += 1) {
      for (const path of [`${round}`, `${round}/state`, `${round}/state/rescue`]) {
        assert.equal(statSync(join(above, path)).mode & 0o777, 0o700);
      }
    }
  });

  test("where it cannot be made, that is said, and nobody waits for ever", async (t) => {
    const file = join(await temporaryFolder(t), "file");
    await writeFile(file, "");
    assert.throws(() => makePrivateFolder(join(file, "rescue")), { code: "ENOTDIR" });
    if (existsSync("/proc/sys")) assert.throws(() => makePrivateFolder("/proc/sys/rescue"), { code: "ENOENT" });
  });
});
