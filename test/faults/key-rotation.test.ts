import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe, test } from "node:test";

/** With `KEYS=full`, on a hundred thousand grants. */
const isFull = process.env["KEYS"] === "full";
const grants = isFull ? 100_000 : 600;
const timeout = isFull ? 1_200_000 : 120_000;

async function outputOf(store: string): Promise<{ readonly code: number | null; readonly text: string }> {
  const child = spawn(process.execPath, ["tools/key-rotation/main.ts", "--store", store, "--grants", String(grants)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, text };
}

describe("replacing data keys under traffic, with a kill every five seconds", () => {
  for (const store of ["sqlite", "postgres"]) {
    test(
      `every grant opens at every moment, and nothing is left under an old key: ${store}`,
      { timeout },
      async (t) => {
        const { code, text } = await outputOf(store);
        t.diagnostic(text);
        assert.equal(code, 0, text);
        assert.match(text, /done in \d+ s with [1-9]\d* kills/);
      },
    );
  }
});
