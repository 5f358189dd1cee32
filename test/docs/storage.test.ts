import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { systemClock } from "../../src/core/clock.ts";
import { postgres } from "../../src/store/postgres/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { read, save } from "../../src/store/suite/rows.ts";
import { administer, freshDatabase } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blocksFor } from "./block-runners.ts";
import type { Block } from "./fenced-blocks.ts";

const root = new URL("../../", import.meta.url);
const markdown = readFileSync(new URL("docs/storage.md", root), "utf8");
const blocks = blocksFor("storage");

const used = new Set<Block>();

function blockWith(part: string): Block {
  const found = blocks.find(({ text }) => text.includes(part));
  assert.ok(found !== undefined, `no block with ${part}`);
  used.add(found);
  return found;
}

/** Runs a TypeScript block in a folder, with our modules as they are in this checkout. */
async function run(block: Block, folder: string, ...flags: string[]): Promise<string> {
  const sources: Record<string, string> = {
    "onbehalf/sqlite": "src/store/sqlite/index.ts",
    "onbehalf/postgres": "src/store/postgres/index.ts",
    "onbehalf/store-suite": "src/store/suite/index.ts",
  };
  const text = block.text.replaceAll(/"(onbehalf\/[^"]+)"/g, (_, name: string) => {
    return JSON.stringify(new URL(sources[name] ?? `no source for ${name}`, root).href);
  });
  await writeFile(`${folder}/block.ts`, text);
  // Within a test run, a test run of our own would think that it is part of the outer one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return (await promisify(execFile)(process.execPath, [...flags, "block.ts"], { cwd: folder, env })).stdout;
}

describe("docs/storage.md", () => {
  test("docs/storage.md makes both stores as it says", async (t) => {
    await run(blockWith("oneMachine"), await temporaryFolder(t));
    await run(blockWith("directConnectionString"), await temporaryFolder(t));
  });

  test("docs/storage.md makes a backup of a store in use that holds everything", async (t) => {
    const folder = await temporaryFolder(t);
    const store = sqlite(`${folder}/onbehalf.db`);
    await store.open({ clock: systemClock });
    t.after(() => store.close());
    const { grantId } = await save(store);
    await run(blockWith("backup("), folder);
    await copyFile(`${folder}/backup.db`, `${folder}/restored.db`);
    const restored = sqlite(`${folder}/restored.db`);
    await restored.open({ clock: systemClock, migrate: false });
    t.after(() => restored.close());
    assert.equal((await read(restored, grantId)).generation, 1);
  });

  test("docs/storage.md runs the suite as it says", async (t) => {
    const report = await run(blockWith("storeSuite("), await temporaryFolder(t), "--test", "--test-reporter=tap");
    assert.match(report, /^# fail 0$/m);
    assert.doesNotMatch(report, /^# pass [0-9]$/m, "ten tests at least");
  });

  test("docs/storage.md gives the rights that serving takes", async (t) => {
    const database = await freshDatabase(t);
    const owning = postgres(database);
    await owning.open({ clock: systemClock });
    await owning.close();
    await administer(database, "CREATE ROLE onbehalf_serve LOGIN PASSWORD 'serve'");
    t.after(() => administer(database, "DROP OWNED BY onbehalf_serve; DROP ROLE onbehalf_serve"));
    await administer(database, blockWith("onbehalf_serve").text);
    const url = new URL(database);
    Object.assign(url, { username: "onbehalf_serve", password: "serve" });
    const serving = postgres(url.href);
    await serving.open({ clock: systemClock });
    await serving.announceOwner?.({ node: "n", pid: 1, startedAt: "1", vault: "v" });
    assert.equal((await save(serving)).generation, 1);
    assert.deepEqual(serving.notes?.(), []);
    await serving.close();
  });

  test("docs/storage.md has no block besides those that were run", () => {
    assert.deepEqual(
      blocks.filter((block) => !used.has(block)).map(({ line }) => line),
      [],
    );
  });

  test("docs/storage.md names every table of both schemas, and no other", () => {
    const schemas = ["sqlite", "postgres"].map((name) =>
      readFileSync(new URL(`migrations/${name}/schema.sql`, root), "utf8"),
    );
    const tables = schemas.flatMap((text) => [...text.matchAll(/^CREATE TABLE (\w+)/gm)].map(([, name]) => name));
    const stored = /^## What is stored$[^]*?(?=^## )/m.exec(markdown)?.[0] ?? "";
    const rows = [...stored.matchAll(/^\| (?:PostgreSQL: )?`(\w+)`/gm)].map(([, name]) => name);
    assert.deepEqual(new Set(rows), new Set([...tables, "onbehalf_migrations"]));
  });
});
