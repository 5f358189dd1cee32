import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { test } from "node:test";

/** Packages that a file and everything it imports from beginning to end needs; what is imported lazily not counted. */
function packagesOf(entry: URL, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(entry.href)) return packages;
  seen.add(entry.href);
  const text = readFileSync(entry, "utf8");
  for (const [, from = ""] of text.matchAll(/^(?:import|export)\s(?!type\s)[^;]*?from "([^"]+)";/gm)) {
    if (from.startsWith(".")) for (const each of packagesOf(new URL(from, entry), seen)) packages.add(each);
    else if (!isBuiltin(from)) packages.add(from);
  }
  return packages;
}

const lean: Readonly<Record<string, readonly string[]>> = {
  "../src/index.ts": ["jose", "oauth4webapi"],
  "../src/store/sqlite/index.ts": [],
  "../src/store/postgres/index.ts": [],
  "../src/node/index.ts": ["@hono/node-server", "@hono/node-server/utils/response"],
  "../src/mcp/index.ts": [],
  "../src/googleapis/index.ts": [],
  "../src/client/index.ts": [],
  "../src/browser/index.ts": [],
};

for (const [entry, allowed] of Object.entries(lean)) {
  test(`${entry.slice(3)} stays small to embed`, () => {
    assert.deepEqual([...packagesOf(new URL(entry, import.meta.url))].sort(), allowed);
  });
}

test("each subpath of the package is compiled from its source in a checkout, whether or not the package was built", () => {
  const json = (name: string): unknown => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"));
  const { exports } = json("package.json") as { exports: Readonly<Record<string, { readonly types: string }>> };
  const { compilerOptions } = json("tsconfig.json") as {
    compilerOptions: { readonly paths: Readonly<Record<string, readonly string[]>> };
  };
  const expected = Object.entries(exports).map(([subpath, { types }]) => [
    `onbehalf${subpath.slice(1)}`,
    [types.replace("./dist/", "./src/").replace(/\.d\.ts$/, ".ts")],
  ]);
  assert.deepEqual(compilerOptions.paths, Object.fromEntries(expected));
});
