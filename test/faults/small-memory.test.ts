import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { signal } from "../../tools/chaos/processes.ts";
import { testVault, until } from "../support/test-vault.ts";
import { startServiceProcess } from "./service-process.ts";

/** The lines of a file of Linux's process table. */
const linesOf = (pid: number, name: string): string[] => readFileSync(`/proc/${pid}/${name}`, "latin1").split("\0");

test(
  "serve and its keepers keep small young spaces, a keeper's twice as large, and two arenas, and know every flag that they set",
  { skip: process.platform !== "linux" && "it is looked for in Linux's process table" },
  async (t) => {
    const service = await startServiceProcess(t, await testVault(t, {}));
    const [first = 0] = service.keepers();
    const looks = (pid: number, youngMB: number): void => {
      const sizes = linesOf(pid, "cmdline").filter((flag) => flag.startsWith("--max-semi-space-size"));
      assert.deepEqual(sizes, [`--max-semi-space-size=${youngMB}`]);
      assert.ok(linesOf(pid, "environ").includes("MALLOC_ARENA_MAX=2"));
    };
    looks(service.pid, 4);
    looks(first, 8);
    signal(first, "SIGKILL");
    await until(() => service.keepers().some((pid) => pid !== first));
    const second = service.keepers().find((pid) => pid !== first) ?? 0;
    looks(second, 8);
    await until(async () => (await fetch(`${service.url}/readyz`)).status === 200);
    assert.doesNotMatch(service.log(), /unrecognized flag|bad option/, "this Node does not know a flag");
  },
);

test(
  "what the operator says about young space and arenas comes first",
  { skip: process.platform !== "linux" && "it is looked for in Linux's process table" },
  async (t) => {
    const settings = { NODE_OPTIONS: "--max-semi-space-size=8", MALLOC_ARENA_MAX: "3" };
    const service = await startServiceProcess(t, await testVault(t, {}), settings);
    for (const pid of [service.pid, ...service.keepers()]) {
      assert.ok(!linesOf(pid, "cmdline").some((flag) => flag.startsWith("--max-semi-space-size")));
      assert.ok(linesOf(pid, "environ").includes("MALLOC_ARENA_MAX=3"));
      assert.ok(linesOf(pid, "environ").includes("NODE_OPTIONS=--max-semi-space-size=8"));
    }
  },
);
