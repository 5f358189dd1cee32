import { test } from "node:test";
import { installInto, unpackedPackage } from "../support/packed-package.ts";
import { sampleLanguages } from "../support/sample-languages.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blocksFor } from "./block-runners.ts";
import { runAsPasted } from "./page-session.ts";

test("docs/several-instances.md: two vaults on one file do what stands below", { timeout: 60_000 }, async (t) => {
  const folder = await temporaryFolder(t);
  await installInto(folder, await unpackedPackage(t));
  await runAsPasted(t, blocksFor("several-instances"), { folder, env: await sampleLanguages(folder) });
});
