import assert from "node:assert/strict";
import { test } from "node:test";
import { installCommand } from "../support/checkout-bin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runBlocks } from "./bash-session.ts";
import { blocksFor } from "./block-runners.ts";

test("docs/errors.md: explain tells what a provider's raw answer means", async (t) => {
  const outputs = await runBlocks(blocksFor("errors"), { PATH: await installCommand(await temporaryFolder(t)) });
  assert.ok(outputs.length > 0);
  for (const output of outputs) assert.match(output, /^ +means +the refresh token is dead/m);
});
