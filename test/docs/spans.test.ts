import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blocksFor } from "./block-runners.ts";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/monitoring.md", root), "utf8");
const [, section = ""] = /^## Spans\n([^]*?)^## /m.exec(page) ?? [];

/** What the block leaves to its reader. */
const before = `
import { generateMasterKey, keyringFromKeys, oidc, openVault } from "${new URL("src/index.ts", root).href}";
import { sqlite } from "${new URL("src/store/sqlite/index.ts", root).href}";
const options = {
  provider: oidc({ name: "example", issuer: "https://issuer.example", clientId: "app" }),
  store: sqlite(":memory:"),
  keyring: keyringFromKeys(generateMasterKey()),
};
`;

describe("docs/monitoring.md, spans", () => {
  test("its block opens a vault", async (t) => {
    const [block] = blocksFor("monitoring, spans");
    const api = JSON.stringify(import.meta.resolve("@opentelemetry/api"));
    const file = join(await temporaryFolder(t), "spans.mjs");
    const text = (block?.text ?? "").replace('"@opentelemetry/api"', api);
    await writeFile(file, `${before}${text}\nconsole.log(vault.spans !== undefined);\nawait vault.close();\n`);
    assert.equal(execFileSync(process.execPath, [file], { encoding: "utf8" }), "true\n");
  });

  test("its table of attributes has each one that may stand in a span, and no other", () => {
    const source = readFileSync(new URL("src/core/spans/spans.ts", root), "utf8");
    const [, union = ""] = /export type SpanAttribute =([^;]*);/.exec(source) ?? [];
    const [, rows = ""] = /\| attribute +\|[^\n]*\n([^]*?)\n\n/.exec(section) ?? [];
    assert.deepEqual(
      [...rows.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name),
      [...union.matchAll(/"([^"]+)"/g)].map(([, name]) => name),
    );
  });
});
