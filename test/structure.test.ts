import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./support/temporary-folder.ts";

const tool = fileURLToPath(new URL("../tools/structure.ts", import.meta.url));

/** What the tool says of a folder `src` with these files, and how it ends. */
async function structureOf(
  t: TestContext,
  files: Readonly<Record<string, string>>,
): Promise<{ readonly code: unknown; readonly text: string }> {
  const folder = await temporaryFolder(t);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return new Promise((resolve) => {
    execFile(process.execPath, [tool], { cwd: folder }, (error, text) => resolve({ code: error?.code ?? 0, text }));
  });
}

const straight = {
  "src/one.ts": 'import { two } from "./deep/two.ts";',
  "src/deep/two.ts": 'export * from "./three.ts";\n/* import "../one.ts"; */',
  "src/deep/three.ts": 'import { readFileSync } from "node:fs";',
};

describe("tools/structure.ts", () => {
  test("draws importers above what they import, and finds nothing wrong where all goes one way", async (t) => {
    const { code, text } = await structureOf(t, straight);
    assert.equal(code, 0);
    assert.match(text, /^src\n {2}one\.ts +-> deep\/\n {2}deep\/\n\nsrc\/deep\n {2}two\.ts +-> three\.ts\n/);
    assert.match(text, /^no circles$/m);
  });

  test("fails on a circle of folders whose files have none, types counted, and names the imports", async (t) => {
    const { code, text } = await structureOf(t, {
      ...straight,
      "src/deep/three.ts": 'import type { Four } from "../wide/four.ts";',
      "src/wide/four.ts": "export interface Four {}",
      "src/wide/five.ts": 'import { two } from "../deep/two.ts";',
    });
    assert.equal(code, 1);
    assert.match(text, /CIRCLE of (?:wide\/ deep\/|deep\/ wide\/)/);
    assert.match(text, /deep\/ -> wide\/: deep\/three\.ts \(wide\/four\.ts\)/);
    assert.match(text, /wide\/ -> deep\/: wide\/five\.ts \(deep\/two\.ts\)/);
  });

  test("finds that every folder of src imports in one direction", async () => {
    const { code, text } = await new Promise<{ code: unknown; text: string }>((resolve) => {
      execFile(process.execPath, [tool], { maxBuffer: 2 ** 24 }, (error, stdout) => {
        resolve({ code: error === null ? 0 : error.code, text: stdout });
      });
    });
    assert.equal(code, 0, text);
  });
});
