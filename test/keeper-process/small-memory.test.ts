import assert from "node:assert/strict";
import { test } from "node:test";
import { keeperMemoryFlags, smallMemoryFlags, smallMemoryVariables } from "../../src/keeper-process/small-memory.ts";

test("a process of the service is started with a small young space, beside the flags that it has", () => {
  assert.deepEqual(smallMemoryFlags([]), ["--max-semi-space-size=4"]);
  assert.deepEqual(smallMemoryFlags(["--enable-source-maps"], "--max-old-space-size=300"), [
    "--enable-source-maps",
    "--max-semi-space-size=4",
  ]);
});

test("a keeper's young space is twice its service's, also where the service has handed its own flags on", () => {
  assert.deepEqual(keeperMemoryFlags([]), ["--max-semi-space-size=8"]);
  const service = smallMemoryFlags(["--no-warnings"]);
  assert.deepEqual(keeperMemoryFlags(service), ["--no-warnings", "--max-semi-space-size=8"]);
  for (const flags of [["--max-semi-space-size=2"], ["--max_semi_space_size", "4"], ["--max-semi-space-size=16"]]) {
    assert.deepEqual(keeperMemoryFlags(smallMemoryFlags(flags)), flags);
  }
  assert.deepEqual(keeperMemoryFlags([], "--max-semi-space-size=4"), []);
});

test("a size of the young space that the operator has given stays, however it was written", () => {
  for (const flags of [
    ["--max-semi-space-size=16"],
    ["--max_semi_space_size=16"],
    ["--max-semi-space-size", "16"],
    ["--no-warnings", "--max-semi-space_size=1"],
  ]) {
    assert.deepEqual(smallMemoryFlags(flags), flags);
  }
  for (const options of ["--max-semi-space-size=16", "--no-warnings --max_semi_space_size=16"])
    assert.deepEqual(smallMemoryFlags([], options), []);
});

test("malloc gets two arenas, unless the operator has said how many", () => {
  assert.deepEqual(smallMemoryVariables({ PORT: "1" }), { PORT: "1", MALLOC_ARENA_MAX: "2" });
  assert.deepEqual(smallMemoryVariables({ MALLOC_ARENA_MAX: "8" }), { MALLOC_ARENA_MAX: "8" });
});
