import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { trustedIssuersIn } from "../../src/service/settings/trusted-issuers-file.ts";
import { blocksFor } from "./block-runners.ts";

test("the file of trusted issuers in docs/http-api.md can be used as it stands", (t) => {
  const blocks = blocksFor("http-api, trusted issuers");
  const folder = mkdtempSync(join(tmpdir(), "onbehalf-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "issuers.json");
  for (const { text } of blocks) {
    writeFileSync(path, text);
    const problems: string[] = [];
    assert.equal(trustedIssuersIn(path, problems).length, 1);
    assert.deepEqual(problems, []);
  }
  assert.equal(blocks.length, 1);
});
