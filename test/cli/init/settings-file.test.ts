import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseEnv } from "node:util";
import { settingsFile } from "../../../src/cli/init/settings-file.ts";
import { isOnbehalfError } from "../../../src/index.ts";

describe("the settings file of init", () => {
  test("the settings file of init is read back as it was meant, whatever the paths are", () => {
    for (const path of [
      "/srv/onbehalf.db",
      "/home/ada/my files/x",
      "/a#b/c",
      "/it's/x",
      '/a"b/x',
      "/ä/ö",
      "C:/x",
      "/a=b/$HOME/x",
    ]) {
      const text = settingsFile("/srv/onbehalf.env", { keyFile: path, store: `sqlite:${path}` });
      assert.deepEqual({ ...parseEnv(text) }, { ONBEHALF_KEY_FILE: path, ONBEHALF_STORE: `sqlite:${path}` }, path);
      assert.match(text, /^# onbehalf serve --config \/srv\/onbehalf\.env$/m);
    }
  });

  test("the settings file of init is not written with a value that would be read as another", () => {
    for (const path of ["/a\nONBEHALF_KEY=x", `/a"b'c/x`]) {
      assert.throws(
        () => settingsFile("/x", { keyFile: path }),
        (error) =>
          isOnbehalfError(error, "configuration_invalid") && error.message.startsWith("the value of ONBEHALF_KEY_FILE"),
      );
    }
  });
});
