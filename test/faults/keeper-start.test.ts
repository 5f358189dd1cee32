/** A keeper that cannot start, or that cannot start again: who reads the terminal or the log learns it at once, and why. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { generateMasterKey } from "../../src/index.ts";
import { signal } from "../../tools/chaos/processes.ts";
import { startServiceProcess } from "./service-process.ts";
import { preloadedEverywhere } from "../support/preloaded.ts";
import { testVault, until } from "../support/test-vault.ts";
import type { TestVault } from "../support/test-vault.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** A module that every process loads first; in a keeper it runs this line. */
async function inKeepers({ path }: TestVault, line: string): Promise<string> {
  const file = join(dirname(path), "in-keepers.mjs");
  await writeFile(
    file,
    preloadedEverywhere(
      `import { existsSync } from "node:fs";\nif (/keeper\\/process/.test(process.argv[1])) { ${line} }\n`,
    ),
  );
  return `--import=${file}`;
}

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

async function serve(
  t: TestContext,
  { path, key, standin }: TestVault,
  flags: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { NODE_TEST_CONTEXT: _runner, ...inherited } = process.env;
  const child = spawn(process.execPath, [...flags, main, "serve", "--json"], {
    env: {
      ...inherited,
      ONBEHALF_STORE: `sqlite:${path}`,
      ONBEHALF_KEY: key.expose(),
      ONBEHALF_CLIENT_ID: standin.clientId,
      ONBEHALF_CLIENT_SECRET: standin.clientSecret,
      ONBEHALF_GOOGLE_BASE_URL: standin.url,
      PORT: "0",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr, stdout };
}

const permissions = ["--permission", "--allow-fs-read=*", "--allow-fs-write=*", "--allow-worker", "--allow-net"];

describe("a keeper that cannot start", () => {
  for (const [name, line, expected] of [
    ["is killed", "process.kill(process.pid, 'SIGKILL');", /keeper's process ended before it was ready, by SIGKILL/],
    ["ends with a code", "process.exit(7);", /ended before it was ready, with exit code 7 \(keeper_unavailable\)/],
    ["cannot be loaded", "throw new TypeError('broken');", /ended before it was ready, with exit code 1/],
    ["ends once it was told to open", "process.once('message', () => process.exit(9));", /with exit code 9/],
  ] as const) {
    test(`serve ends with the reason where its keeper ${name}`, async (t) => {
      const fixture = await testVault(t, {});
      const preload = await inKeepers(fixture, line);
      const { code, stderr, stdout } = await serve(t, fixture, [], { NODE_OPTIONS: preload });
      assert.equal(code, 1, stderr);
      assert.match(stderr, expected);
      assert.match(stderr, /hint: look at the lines before this one/);
      assert.equal((JSON.parse(stdout) as { error: string }).error, "keeper_unavailable");
    });
  }

  test("serve ends with the reason where the process that holds its secrets ends", async (t) => {
    const fixture = await testVault(t, {});
    const preload = join(dirname(fixture.path), "in-holder.mjs");
    await writeFile(preload, preloadedEverywhere("if (/secrets.holder/.test(process.argv[1])) process.exit(3);\n"));
    const { code, stderr } = await serve(t, fixture, [], { NODE_OPTIONS: `--import=${preload}` });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /process that holds the keys and secrets from the environment does not answer \(keeper_unav/);
  });

  test("serve ends with the reason where the system makes no process for its keeper", async (t) => {
    const fixture = await testVault(t, {});
    const { code, stderr } = await serve(t, fixture, permissions);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /keeper's process could not be started \(ERR_ACCESS_DENIED\)/);
  });

  test("serve ends with what the keeper says where the store is sealed with another key", async (t) => {
    const fixture = await testVault(t, {});
    await fixture.open();
    const { code, stderr } = await serve(t, fixture, [], { ONBEHALF_KEY: generateMasterKey().expose() });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /sealed with another master key .*\(key_invalid\)/);
  });
});

test("a keeper dies and the next one cannot start: the log says both, and tokens are served meanwhile", async (t) => {
  const fixture = await testVault(t, {});
  const mark = `${fixture.path}.mark`;
  const preload = await inKeepers(fixture, `if (existsSync(${JSON.stringify(mark)})) process.exit(7);`);
  const service = await startServiceProcess(t, fixture, { NODE_OPTIONS: preload, ONBEHALF_LOG_LEVEL: "info" });
  await writeFile(mark, "");
  for (const pid of service.keepers()) signal(pid, "SIGKILL");
  await until(() => /keeper's process ended by SIGKILL; another one is started/.test(service.log()));
  await until(() => /ended before it was ready, with exit code 7.*the start of another keeper/.test(service.log()));
  assert.equal((await fetch(`${service.url}/healthz`)).status, 200);
  assert.equal((await fetch(`${service.url}/readyz`)).status, 503);
});

test("serve says at the start that its rescue folder cannot be used", async (t) => {
  const fixture = await testVault(t, {});
  const file = `${fixture.path}.file`;
  await writeFile(file, "");
  for (const [folder, expected] of [
    [`${file}/rescue`, /"problem":"[^"]*\.file is a file, and no rescue folder/],
    ["/proc/sys/rescue", /the rescue folder \/proc\/sys\/rescue cannot be read and written|is no/],
  ] as const) {
    const service = await startServiceProcess(t, fixture, {
      ONBEHALF_RESCUE_DIR: folder,
      ONBEHALF_LOG_LEVEL: "warn",
    });
    await until(() => /rescue_folder_unusable/.test(service.log()));
    assert.match(service.log(), expected);
  }
});
