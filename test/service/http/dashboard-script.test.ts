import assert from "node:assert/strict";
import { test } from "node:test";
import { buildPage } from "../../../tools/dashboard-page.ts";

/** What whoever opens one view loads at most, bytes before compression. */
const mostBytes = 50_000;

test("no view of the dashboard loads more than 50 kB of script, and each script that is loaded is there", async () => {
  const files = await buildPage();
  const scripts = [...files].filter(([name]) => name.endsWith(".js"));
  /** The scripts that one brings with it, itself among them. */
  const withIt = (name: string, seen = new Set<string>()): ReadonlySet<string> => {
    if (seen.has(name)) return seen;
    seen.add(name);
    const text = files.get(name) ?? assert.fail(`${name} is nowhere`);
    for (const [, other = ""] of text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) withIt(other, seen);
    return seen;
  };
  const views = [...(files.get("app.js") ?? "").matchAll(/import\("\.\/([^"]+)"\)/g)].map(([, name = ""]) => name);
  assert.equal(views.length, 6);
  for (const view of views) {
    const loaded = new Set([...withIt("app.js"), ...withIt(view)]);
    const bytes = [...loaded].reduce((sum, name) => sum + Buffer.byteLength(files.get(name) ?? ""), 0);
    assert.ok(bytes <= mostBytes, `${view} comes with ${bytes} bytes`);
    assert.ok(loaded.size < scripts.length, `${view} loads every view`);
  }
});
