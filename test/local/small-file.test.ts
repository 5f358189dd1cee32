import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isOnbehalfError, keyringFromFile } from "../../src/index.ts";
import { readSmallFile } from "../../src/local/small-file.ts";
import { serviceConfig } from "../../src/service/settings/config.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("a file that must be small", () => {
  test("a small file is read whole, and one whose size the system says to be 0", async (t) => {
    const path = join(await temporaryFolder(t), "file");
    for (const text of ["", "a key\n", "\u00E9".repeat(100_000)]) {
      writeFileSync(path, text);
      assert.deepEqual(readSmallFile(path), { text });
    }
    const version = readSmallFile("/proc/version");
    assert.match("text" in version ? version.text : "", /^Linux/);
  });

  test("what has no end, or would wait, is refused at once and by name, for a key and for a client file", async (t) => {
    const folder = await temporaryFolder(t);
    const [pipe, huge] = [join(folder, "pipe"), join(folder, "huge")];
    execFileSync("mkfifo", [pipe]);
    writeFileSync(huge, "");
    // A file of a terabyte that takes no room.
    truncateSync(huge, 2 ** 40);
    const wrong: readonly (readonly [string, RegExp])[] = [
      ["/dev/zero", /cannot be read: it is a device, and no file/],
      ["/dev/full", /cannot be read: it is a device, and no file/],
      ["/dev/null", /cannot be read: it is a device, and no file/],
      ["/dev/urandom", /cannot be read: it is a device, and no file/],
      [pipe, /cannot be read: it is a pipe, and no file/],
      [folder, /cannot be read: it is a folder/],
      [huge, /is larger than 256 KiB/],
      [join(folder, "missing"), /cannot be read: it is not there(?!,)/],
      ["missing.json", /cannot be read: it is not there, seen from the folder that the program was started in/],
      [join(folder, "x".repeat(300)), /cannot be read: its name is too long/],
      [join(process.execPath, "file"), /cannot be read: a part of its path is no folder/],
    ];
    for (const [path, message] of wrong) {
      await assert.rejects(
        async () => keyringFromFile(path)(),
        (error) => isOnbehalfError(error, "key_invalid") && message.test(error.message) && error.message.includes(path),
      );
      assert.throws(
        () => serviceConfig({ store: "sqlite::memory:", keyFile: path, clientSecretFile: path }),
        (error) =>
          isOnbehalfError(error, "configuration_invalid") &&
          error.details.problems.filter((problem) => message.test(problem)).length === 2,
        path,
      );
    }
  });
});
