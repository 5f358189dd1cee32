import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { depositIn } from "../../src/cli/grants/deposit/parse-line.ts";
import { program } from "../../src/cli/program.ts";
import { blocksFor } from "./block-runners.ts";

describe("docs/deposits.md", () => {
  test("the line that it shows is one", () => {
    const line = blocksFor("deposits").find(({ language }) => language === "json");
    const read = depositIn(line?.text ?? "", undefined);
    assert.deepEqual([read.externalId, read.provider, read.scope], ["user-42", "google", "openid email"]);
  });

  test("the command that it shows has flags that there are", () => {
    const shown = blocksFor("deposits").find(({ language }) => language === "text");
    const words = (shown?.text ?? "").trim().split(/\s+/);
    const grants = program().commands.find((command) => command.name() === "grants");
    const deposit = grants?.commands.find((command) => command.name() === "deposit");
    const flags = new Set(deposit?.options.map(({ long }) => long));
    assert.deepEqual(words.slice(0, 3), ["onbehalf", "grants", "deposit"]);
    assert.deepEqual(
      words.filter((word) => word.startsWith("--") && !flags.has(word)),
      [],
    );
  });
});
