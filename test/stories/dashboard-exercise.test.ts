import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { checkout } from "../support/checkout-bin.ts";

test("the exercise before the dashboard prints a link that lets somebody in, plays the administrator, and ends when it is stopped", async (t) => {
  const child = spawn(process.execPath, ["tools/dashboard-exercise.ts"], { cwd: checkout, stdio: "pipe" });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const until = async (wanted: RegExp): Promise<string> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) assert.fail(`nothing like ${wanted.source} came`);
      if (wanted.test(value)) return value;
    }
  };
  const page = await fetch(await until(/^http:\/\/127\.0\.0\.1:\d+\/dashboard\/link\//));
  assert.match(await page.text(), /Sign in to the dashboard/);
  child.stdin.write("allow\n");
  await until(/administrator has allowed/);
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [0, null]);
});
