import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { fixedClock, generateMasterKey, google, keyringFromKeys, openVault } from "../../src/index.ts";
import { startServer } from "../../src/service/index.ts";
import { testStandin } from "../support/test-standin.ts";
import type { Standin } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { checkout, installCommand } from "../support/checkout-bin.ts";
import { blocksFor } from "./block-runners.ts";
import { permissions } from "../../src/vault/http/callers.ts";

const run = promisify(execFile);
const scope = "openid email profile https://www.googleapis.com/auth/drive.appdata";

/** An empty folder with a client file, and the environment that the examples ask for. */
async function clientFolder(t: TestContext, standin: Standin): Promise<{ cwd: string; env: NodeJS.ProcessEnv }> {
  const cwd = await mkdtemp(join(tmpdir(), "onbehalf-"));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  const web = { client_id: standin.clientId, client_secret: standin.clientSecret };
  await writeFile(join(cwd, "client_secret.json"), JSON.stringify({ web }));
  const env = { ...process.env, PORT: "0", ONBEHALF_KEY: generateMasterKey().expose(), GOOGLE_BASE_URL: standin.url };
  return { cwd, env };
}

/** Rejects when a program ends that should go on. */
async function endedEarly(program: ChildProcess): Promise<never> {
  const [code] = (await once(program, "exit")) as [number | null];
  throw new Error(`it ended with ${String(code)} before it was ready`);
}

/** Every example has a test of its name here, and one that has none fails. */
const tests: Readonly<Record<string, (t: TestContext) => Promise<void>>> = {
  "app-server.ts": async (t) => {
    await using standin = await testStandin();
    const { cwd, env } = await clientFolder(t, standin);
    const server = spawn(process.execPath, [`${checkout}examples/app-server.ts`], { cwd, env });
    // Whatever the test finds wrong, the server must not outlive it.
    t.after(() => server.kill("SIGKILL"));
    server.stderr.pipe(process.stderr);
    const [line] = (await Promise.race([once(server.stdout, "data"), endedEarly(server)])) as [Buffer];
    const url = line.toString().trim();
    const body = new URLSearchParams({ authCode: standin.code({ kind: "native", email: "ada@example.com", scope }) });
    const refused = await fetch(`${url}/authcode`, { method: "POST", body });
    assert.equal(refused.status, 403);
    const headers = { "x-requested-with": "XMLHttpRequest" };
    const signedIn = await fetch(`${url}/authcode`, { method: "POST", body, headers });
    assert.equal(signedIn.status, 200);
    const { sub } = (await signedIn.json()) as { sub: string };
    const folder = await fetch(`${url}/people/${sub}/folder`);
    assert.equal(((await folder.json()) as { kind: string }).kind, "drive#file");
    assert.equal((await fetch(`${url}/people/1/folder`)).status, 404);
    server.kill("SIGTERM");
    assert.deepEqual(await once(server, "exit"), [0, null]);
  },

  "nightly-job.ts": async (t) => {
    await using standin = await testStandin();
    const { cwd, env } = await clientFolder(t, standin);
    {
      const { clientId, clientSecret, url: baseUrl } = standin;
      await using vault = await openVault({
        provider: google({ clientId, clientSecret, baseUrl }),
        store: sqlite(join(cwd, "onbehalf.db")),
        keyring: keyringFromKeys(env["ONBEHALF_KEY"] ?? ""),
      });
      // One more than stand on a page.
      const others = Array.from({ length: 99 }, (_, index) => `person-${index}@example.com`);
      for (const email of ["ada@example.com", "carl@example.com", ...others]) {
        await vault.exchangeCode({ code: standin.code({ kind: "native", email, scope }), source: "android" });
      }
    }
    standin.revoke("carl@example.com");
    const { stdout } = await run(process.execPath, [`${checkout}examples/nightly-job.ts`], { cwd, env });
    const lines = stdout.trim().split("\n").sort();
    assert.equal(lines.length, 101);
    assert.deepEqual(lines.slice(0, 2), [
      "ada@example.com: 200",
      "carl@example.com: must sign in again (invalid_grant)",
    ]);
    for (const line of lines.slice(2)) assert.match(line, /^person-\d+@example\.com: 200$/);
  },

  "another-provider.ts": async (t) => {
    await using standin = await testStandin({ issuer: "self", rotation: "strict" });
    const { cwd, env } = await clientFolder(t, standin);
    const redirectUri = "http://127.0.0.1:3000/callback";
    const { stdout } = await run(process.execPath, [`${checkout}examples/another-provider.ts`], {
      cwd,
      env: {
        ...env,
        ISSUER: standin.url,
        CLIENT_ID: standin.clientId,
        CLIENT_SECRET: standin.clientSecret,
        REDIRECT_URI: redirectUri,
        CODE: standin.code({ kind: "redirect", email: "ada@example.com", scope, redirectUri, accessType: "offline" }),
      },
    });
    assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+ \d+: 4 scopes until \d{4}-/);
  },

  "your-own.test.ts": async () => {
    // Inside a test run, node would take it for one of its own test files.
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
    const { stdout } = await run(process.execPath, ["--test", `${checkout}examples/your-own.test.ts`], { env });
    assert.match(stdout, /pass 1\b/);
  },

  "README.md": async (t) => {
    await using standin = await testStandin();
    const { cwd, env } = await clientFolder(t, standin);
    await rm(join(cwd, "client_secret.json"));
    await symlink(`${checkout}examples`, join(cwd, "examples"));
    const blocks = blocksFor("examples").map(({ text }) => text);
    assert.equal(blocks.length, 3);
    // The first one installs, and starts a stand-in: both are here already. npx finds what stands on the PATH.
    const path = [await installCommand(cwd), dirname(process.execPath)].join(delimiter);
    await writeFile(join(cwd, "npx"), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    const program = [
      (blocks[1] ?? "")
        .replace("http://127.0.0.1:4600", standin.url)
        .replace("app-server.ts &", "app-server.ts > address &"),
      'SERVER=$!; trap "kill $SERVER" EXIT; until [ -s address ]; do sleep 0.05; done',
      (blocks[2] ?? "").replace("http://127.0.0.1:3000", '"$(cat address)"'),
    ].join("\n");
    const { stdout } = await run("bash", ["-euc", program], { cwd, env: { ...env, PATH: path }, timeout: 45_000 });
    assert.match(stdout, /"email":"ada@example\.com"/);
    assert.match(stdout, /\nada@example\.com: 200\n$/);
  },

  "service.sh": async (t) => {
    const clock = fixedClock(Date.now());
    await using standin = await testStandin({ clock });
    const { cwd, env } = await clientFolder(t, standin);
    await using vault = await openVault({
      provider: google({ clientId: standin.clientId, clientSecret: standin.clientSecret, baseUrl: standin.url }),
      store: sqlite(":memory:"),
      keyring: keyringFromKeys(generateMasterKey()),
      clock,
    });
    const server = await startServer(vault, { port: 0 });
    t.after(() => server.close());
    const { key } = await vault.callers.create("shell", { allow: permissions });
    const { stdout } = await run("bash", [`${checkout}examples/service.sh`], {
      cwd,
      env: {
        ...env,
        ONBEHALF: server.url,
        KEY: key.expose(),
        CODE: standin.code({ kind: "native", email: "ada@example.com", scope }),
      },
    });
    assert.match(stdout, /"access_token":"ya29\./);
    assert.match(stdout, /"kind": "drive#file"/);
  },
};

/** The compilers that apps have: the oldest whose `--init` writes what today's does, and the project's own. */
const compilers = ["tools/older-typescript/node_modules/typescript/bin/tsc", "node_modules/typescript/bin/tsc"];

describe("examples under tsc --init", { timeout: 120_000 }, () => {
  for (const compiler of compilers) {
    test(`examples under tsc --init compile in an app's own project: ${compiler}`, async (t) => {
      const cwd = await mkdtemp(join(tmpdir(), "onbehalf-"));
      t.after(() => rm(cwd, { recursive: true, force: true }));
      await mkdir(join(cwd, "node_modules"));
      await symlink(checkout, join(cwd, "node_modules", "onbehalf"));
      await symlink(`${checkout}node_modules/@types`, join(cwd, "node_modules", "@types"));
      await writeFile(join(cwd, "package.json"), '{"type":"module"}');
      for (const name of readdirSync(`${checkout}examples`).filter((each) => each.endsWith(".ts"))) {
        await copyFile(`${checkout}examples/${name}`, join(cwd, name));
      }
      await run(process.execPath, [`${checkout}${compiler}`, "--init"], { cwd });
      const compiled = run(process.execPath, [`${checkout}${compiler}`, "--noEmit", "--project", "."], { cwd });
      await compiled.catch((error: { stdout: string }) => assert.fail(error.stdout));
    });
  }
});

describe("examples", { timeout: 60_000 }, () => {
  for (const name of readdirSync(`${checkout}examples`)) {
    test(`examples: ${name}`, async (t) => {
      const body = tests[name];
      assert.ok(body, "there is no test that runs it");
      await body(t);
    });
  }
});
