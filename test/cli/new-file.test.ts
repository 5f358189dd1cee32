import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { keyOnce } from "../../src/cli/callers/key-once.ts";
import { isOnbehalfError } from "../../src/index.ts";
import { Secret } from "../../src/core/secret.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("a key that is shown once", () => {
  test("a key that is shown once goes into a new file of this user's, or is shown", async (t) => {
    const path = join(await temporaryFolder(t), "app.key");
    const made = await keyOnce(path, async () => ({ key: new Secret("obk_x"), name: "app" }));
    assert.deepEqual(made.shown, { key_file: path });
    assert.equal(made.name, "app");
    assert.equal(readFileSync(path, "utf8"), "obk_x\n");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const shown = await keyOnce(undefined, async () => ({ key: new Secret("obk_x") }));
    assert.deepEqual(shown.shown, { key: "obk_x" });
  });

  test("a key that is shown once is not made where its file cannot be", async (t) => {
    const folder = await temporaryFolder(t);
    const taken = join(folder, "taken.key");
    writeFileSync(taken, "older");
    for (const [path, why] of [
      [taken, /exists already$/],
      [join(folder, "none", "app.key"), /cannot be written$/],
    ] as const) {
      let made = false;
      await assert.rejects(
        keyOnce(path, async () => {
          made = true;
          return { key: new Secret("x") };
        }),
        (error) => isOnbehalfError(error, "configuration_invalid") && why.test(error.message),
      );
      assert.equal(made, false, path);
    }
    assert.equal(readFileSync(taken, "utf8"), "older");
  });

  test("a key that is shown once leaves no file where it could not be made", async (t) => {
    const path = join(await temporaryFolder(t), "app.key");
    await assert.rejects(
      keyOnce(path, () => Promise.reject(new Error("the store is away"))),
      /the store is away/,
    );
    assert.equal(existsSync(path), false);
  });
});
