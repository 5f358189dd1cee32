/**
 * Agents that are killed: the MCP SDK's client, with tokens in a vault whose keeper is a process, at a provider that replaces
 * each refresh token and ends all that came of one that comes again. Beside it, the same with tokens in JSON files.
 * `AGENTS=full`: five minutes on each store. CONTRIBUTING.md names the run by hand.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readOptions } from "../../tools/agents/options.ts";
import { runAgents } from "../../tools/agents/run.ts";
import { table, violationsOf } from "../../tools/agents/verdict.ts";

const isFull = process.env["AGENTS"] === "full";
const seed = Number(process.env["AGENTS_SEED"] ?? 20_261_126);

for (const store of isFull ? (["sqlite", "postgres"] as const) : (["sqlite"] as const)) {
  const seconds = isFull ? 300 : 20;
  test(
    `${store}: no grant of a vault is lost, and no call fails for want of authorization, where agents are killed for ${seconds} s (AGENTS_SEED=${seed})`,
    { skip: process.platform === "linux" ? false : "it reads /proc", timeout: (seconds + 300) * 1_000 },
    async (t) => {
      const size = isFull ? [] : ["--agents", "4", "--every", "2"];
      const report = await runAgents(readOptions(["--store", store, "--seconds", String(seconds), ...size], seed));
      t.diagnostic(table(report));
      assert.deepEqual(violationsOf(report), [], table(report));
      assert.ok(report.vault.kills > 0);
    },
  );
}
