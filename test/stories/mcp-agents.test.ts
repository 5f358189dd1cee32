import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { generateMasterKey } from "../../src/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import { sdks } from "../mcp/sdks.ts";
import { agree } from "../standin/mcp/app.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const program = fileURLToPath(new URL("../mcp/agent-process.ts", import.meta.url));
const count = 20;
const expected = Array.from({ length: count }, (_, a) => ({ sum: a + 1 }));

interface Agent {
  readonly child: ChildProcessWithoutNullStreams;
  /** The next line that it prints. */
  next(): Promise<unknown>;
}

function agent(t: TestContext, key: string, args: readonly string[]): Agent {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, AGENT_KEY: key } });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    child,
    async next() {
      const { value, done } = await lines.next();
      assert.ok(done !== true, said);
      return JSON.parse(value) as unknown;
    },
  };
}

for (const version of sdks.keys()) {
  test(
    `agents of SDK ${version}: one is killed while the person is away, another takes the code in, two refresh once for forty calls`,
    { timeout: 120_000 },
    async (t) => {
      await using standin = await startStandin({ kind: "mcp" });
      const key = generateMasterKey().expose();
      const args = [version, standin.server, `${await temporaryFolder(t)}/grants.db`];
      const first = agent(t, key, [...args, "begin"]);
      const url = new URL(String(await first.next()));
      const ended = once(first.child, "exit");
      first.child.kill("SIGKILL");
      await ended;
      const answer = await agree(url);
      assert.equal(await agent(t, key, [...args, "finish", answer.toString()]).next(), "finished");

      const agents = [1, 2].map(() => agent(t, key, [...args, "call", String(count)]));
      for (const each of agents) assert.equal(await each.next(), "connected");
      // The server has its token end, and the agents' own clocks know nothing of that.
      standin.advance(3_700_000);
      for (const { child } of agents) child.stdin.write("go\n");
      for (const each of agents) assert.deepEqual(await each.next(), expected);
      const { counts, entries } = standin.log();
      assert.equal(counts["refreshed"], 1);
      assert.equal(entries.filter(({ path }) => path === "/register").length, 1);
    },
  );
}
