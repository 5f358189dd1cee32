import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { generateMasterKey } from "../../src/index.ts";
import { installCommand } from "../support/checkout-bin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testStandin } from "../support/test-standin.ts";
import { runBlocks } from "./bash-session.ts";
import { blocksFor } from "./block-runners.ts";

test("docs/google.md: doctor finds a downloaded client's file in order", async (t) => {
  await using standin = await testStandin();
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "client_secret.json"), JSON.stringify(standin.clientSecretFile()), { mode: 0o600 });
  const outputs = await runBlocks([{ text: `cd '${folder}'`, line: 0 }, ...blocksFor("google")], {
    PATH: await installCommand(folder),
    ONBEHALF_KEY: generateMasterKey().expose(),
    ONBEHALF_GOOGLE_BASE_URL: standin.url,
  });
  assert.match(outputs.join("\n"), /^ok {4}client/m);
});
