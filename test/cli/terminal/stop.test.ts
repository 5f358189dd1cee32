import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { generateMasterKey } from "../../../src/index.ts";
import { testStandin } from "../../support/test-standin.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const main = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));

test("a connection that a client keeps open does not keep the service from stopping", async (t) => {
  await using standin = await testStandin();
  const child = spawn(process.execPath, [main, "serve", "--json", "--port", "0"], {
    stdio: ["ignore", "pipe", "ignore"],
    env: {
      ONBEHALF_STORE: `sqlite:${join(await temporaryFolder(t), "onbehalf.db")}`,
      ONBEHALF_KEY: generateMasterKey().expose(),
      ONBEHALF_CLIENT_ID: standin.clientId,
      ONBEHALF_CLIENT_SECRET: standin.clientSecret,
      ONBEHALF_GOOGLE_BASE_URL: standin.url,
    },
  });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const { service } = JSON.parse(line) as { service: string };

  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${service}/healthz`, { agent }, resolve).on("error", reject);
  });
  await answer.resume().toArray();
  assert.equal(answer.statusCode, 200);
  assert.equal(Object.keys(agent.freeSockets).length, 1, "the connection is still open");

  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [0, null]);
});
