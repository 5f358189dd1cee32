import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe, test } from "node:test";
import { needsProgram } from "../support/installed-programs.ts";
import { offlineNpm } from "../support/packed-package.ts";
import { sampleLanguages } from "../support/sample-languages.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blocksFor } from "./block-runners.ts";
import { runAsPasted } from "./page-session.ts";

const blocks = blocksFor("walkthrough-service");
const sections = [...new Set(blocks.map(({ section }) => section))];

describe("docs/walkthrough-service.md", { timeout: 300_000 }, () => {
  test(
    "docs/walkthrough-service.md: from a client's file to a night in each language, and to somebody who leaves",
    needsProgram("python3", "go", "java"),
    async (t) => {
      assert.deepEqual(
        sections.filter((section) => / in (?:Python|Go|Java)$/.test(section)).length,
        3,
        sections.join("; "),
      );
      const folder = await temporaryFolder(t);
      const env = await sampleLanguages(folder);
      const verify = blocksFor("verify-assertion").find(({ language }) => language === "python");
      await writeFile(join(folder, "verify.py"), `${verify?.text ?? ""}\n`);
      await runAsPasted(t, blocks, {
        folder,
        env: { ...env, PATH: [await offlineNpm(t), env["PATH"]].join(delimiter) },
        ports: [4600, 8787, 8000],
      });
    },
  );
});
