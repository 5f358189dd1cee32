import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { errorsPageModule } from "../../../tools/embedded-errors-page.ts";

test("the errors page in the code is docs/errors.md; if not, run: node tools/embed-errors-page.ts", () => {
  const module = readFileSync(new URL("../../../src/vault/http/errors-page-text.ts", import.meta.url), "utf8");
  assert.equal(module.replaceAll("\r\n", "\n"), errorsPageModule());
});
