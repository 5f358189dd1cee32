import { test } from "node:test";
import { installInto, unpackedPackage } from "../support/packed-package.ts";
import { sampleLanguages } from "../support/sample-languages.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blocksFor } from "./block-runners.ts";
import { runAsPasted } from "./page-session.ts";

test("docs/agents.md: a vault with its keeper in a process does what stands below", { timeout: 180_000 }, async (t) => {
  const folder = await temporaryFolder(t);
  await installInto(folder, await unpackedPackage(t));
  await runAsPasted(t, blocksFor("agents"), { folder, env: await sampleLanguages(folder) });
});
