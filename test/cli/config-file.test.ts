import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { loadConfigFile } from "../../src/cli/config-file.ts";
import { isOnbehalfError } from "../../src/index.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

async function fileOf(t: TestContext, text: string, mode = 0o600): Promise<string> {
  const path = join(await temporaryFolder(t), "onbehalf.env");
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

/** What a file makes of an environment, and the warnings. */
function loaded(path: string, environment: Record<string, string | undefined>): [object, string] {
  let said = "";
  loadConfigFile(path, environment, (warning) => (said += `${warning}\n`));
  return [environment, said];
}

describe("a settings file", () => {
  test("a settings file gives settings, and what is in the environment wins over it", async (t) => {
    const path = await fileOf(
      t,
      '\uFEFF# a comment\nONBEHALF_STORE=sqlite:a.db\nexport PORT=1\r\nHOST=" 127.0.0.2 "\nHTTPS_PROXY=http://proxy:1\n\n',
    );
    assert.deepEqual(loaded(path, { PORT: "2", HOST: "", HOME: "/home" }), [
      { ONBEHALF_STORE: "sqlite:a.db", PORT: "2", HOST: " 127.0.0.2 ", HTTPS_PROXY: "http://proxy:1", HOME: "/home" },
      "",
    ]);
  });

  test("a settings file gives no setting that one of the environment says in another way", async (t) => {
    const path = await fileOf(t, "ONBEHALF_KEY_FILE=a\nONBEHALF_CLIENT_SECRET_FILE=b\n");
    const environment = { ONBEHALF_KEY_COMMAND: "pass show onbehalf", ONBEHALF_CLIENT_ID: "id" };
    assert.deepEqual(loaded(path, { ...environment }), [environment, ""]);
  });

  test("a settings file cannot set what other programs read, and a name that nothing reads is told, without its value", async (t) => {
    const path = await fileOf(t, "NODE_OPTIONS=--inspect\nONBEHALF_PUBLICURL=planted\nLD_PRELOAD=planted\n");
    const [environment, said] = loaded(path, {});
    assert.deepEqual(environment, {});
    assert.match(said, /nothing reads NODE_OPTIONS\n/);
    assert.match(said, /nothing reads ONBEHALF_PUBLICURL; did you mean ONBEHALF_PUBLIC_URL\?\n/);
    assert.doesNotMatch(said, /planted/);
  });

  test("a settings file that holds the master key is refused where everybody may read it, unless it says otherwise", async (t) => {
    const path = await fileOf(t, "ONBEHALF_KEY=obm_planted\n", 0o644);
    assert.throws(
      () => loadConfigFile(path, {}),
      (error) =>
        isOnbehalfError(error, "configuration_invalid") &&
        /onbehalf\.env holds the master key, .*\(mode 644\)$/.test(error.message) &&
        /chmod 600/.test(error.hint) &&
        !error.message.includes("planted"),
    );
    const allowed = await fileOf(t, "ONBEHALF_KEY=obm_x\nONBEHALF_OPEN_KEY_FILE=allow\n", 0o644);
    assert.equal((loaded(allowed, {})[0] as { ONBEHALF_KEY: string }).ONBEHALF_KEY, "obm_x");
    const others = "ONBEHALF_CLIENT_SECRET=planted\nONBEHALF_STORE=postgres://ada:planted@db/grants\nPORT=1\n";
    const [, said] = loaded(await fileOf(t, others, 0o644), {});
    assert.deepEqual(said.match(/holds a secret \(\w+\)/g), [
      "holds a secret (ONBEHALF_STORE)",
      "holds a secret (ONBEHALF_CLIENT_SECRET)",
    ]);
    assert.doesNotMatch(said, /planted/);
    assert.equal(loaded(await fileOf(t, others, 0o640), {})[1], "");
    const withoutKey = await fileOf(t, "ONBEHALF_KEY_FILE=x\n", 0o644);
    assert.deepEqual(loaded(withoutKey, {})[0], { ONBEHALF_KEY_FILE: "x" });
  });

  test("a settings file that is not there, or is a folder, is named", async (t) => {
    const folder = await temporaryFolder(t);
    for (const [path, why] of [
      [join(folder, "none.env"), /none\.env of --config cannot be read: it is not there/],
      [folder, /of --config cannot be read: it is a folder$/],
    ] as const) {
      assert.throws(
        () => loadConfigFile(path, {}),
        (error) => isOnbehalfError(error, "configuration_invalid") && why.test(error.message),
      );
    }
  });
});
