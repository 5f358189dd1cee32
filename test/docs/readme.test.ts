import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { generateMasterKey } from "../../src/index.ts";
import { testStandin } from "../support/test-standin.ts";
import type { Standin } from "../../src/standin/index.ts";
import { checkout, installCommand } from "../support/checkout-bin.ts";
import { anchorsOf, blocksOf } from "./fenced-blocks.ts";

const readme = readFileSync(`${checkout}README.md`, "utf8");
const blocks = blocksOf(readme);
const scope = "openid email https://www.googleapis.com/auth/drive.appdata";

async function folderWithClient(t: TestContext, standin: Standin): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const web = { client_id: standin.clientId, client_secret: standin.clientSecret };
  await writeFile(join(folder, "client_secret.json"), JSON.stringify({ web }));
  return folder;
}

function blockOf(section: string, index: number): string {
  const block = blocks.filter((each) => each.section === section)[index];
  assert.ok(block, `README has no block ${index} under ${section}`);
  return block.text;
}

describe("README.md", { timeout: 60_000 }, () => {
  test("README.md: the library's block does what it says", async (t) => {
    await using standin = await testStandin();
    const folder = await folderWithClient(t, standin);
    const source = blockOf("In your server", 0)
      // The one difference from a reader's own program: Google is the stand-in.
      .replace(
        'clientSecretFile: "client_secret.json"',
        `clientSecretFile: "client_secret.json", baseUrl: "${standin.url}"`,
      )
      .replace(
        "await vault.revoke(grant);",
        "console.log(folder.status, expiresAt > new Date(), token.slice(0, 5));\n$&\nconsole.log((await vault.grant(grant)).state);",
      );
    const code = standin.code({ kind: "native", email: "ada@example.com", scope });
    // Beside the package, so that its own name is found.
    const program = join(checkout, "dist", `readme-${process.pid}.mjs`);
    t.after(() => rm(program, { force: true }));
    await writeFile(program, `const code = ${JSON.stringify(code)};\n${source}`);
    const { stdout } = await promisify(execFile)(process.execPath, [program], {
      cwd: folder,
      env: { ...process.env, ONBEHALF_KEY: generateMasterKey().expose() },
    });
    assert.equal(
      stdout,
      "ada@example.com [\n  'openid',\n  'https://www.googleapis.com/auth/userinfo.email',\n" +
        "  'https://www.googleapis.com/auth/drive.appdata'\n]\n200 true ya29.\nrevoked\n",
    );
  });

  test("README.md: the service's blocks do what they say", async (t) => {
    await using standin = await testStandin();
    const folder = await folderWithClient(t, standin);
    const env = { ...process.env, PATH: await installCommand(folder), ONBEHALF_GOOGLE_BASE_URL: standin.url };
    const serve = spawn(
      "bash",
      [
        "-euo",
        "pipefail",
        "-c",
        `${blockOf("As a service", 0)} --port 0 --json`.replace("\nonbehalf serve", "\nexec onbehalf serve"),
      ],
      { cwd: folder, env },
    );
    serve.stderr.pipe(process.stderr);
    t.after(async () => {
      if (serve.exitCode !== null) return;
      serve.kill("SIGTERM");
      await new Promise((resolve) => serve.once("exit", resolve));
    });
    const ready = await new Promise<string>((resolve, reject) => {
      serve.stdout.on("data", (chunk: Buffer) => resolve(chunk.toString()));
      serve.once("exit", (code) => reject(new Error(`serve ended with ${code}`)));
    });
    const { service } = JSON.parse(ready) as { service: string };
    const key = (await readFile(join(folder, "caller.key"), "utf8")).trim();
    const taken = await fetch(`${service}/v1/grants`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
      body: new URLSearchParams({
        code: standin.code({ kind: "native", email: "ada@example.com", scope }),
        source: "android",
        external_id: "user-42",
      }),
    });
    assert.equal(taken.status, 200);
    const asked = blockOf("As a service", 1).replace("http://127.0.0.1:8787", service);
    const { stdout } = await promisify(execFile)("bash", ["-c", asked], { cwd: folder, env });
    const answer = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(answer["token_type"], "Bearer");
    assert.match(String(answer["access_token"]), /^ya29\./);
  });

  test("README.md: its other blocks name scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync(`${checkout}package.json`, "utf8")) as {
      scripts: Record<string, string>;
    };
    for (const [, script = ""] of readme.matchAll(/npm (?:run )?(start|test|\w+)$/gm)) {
      assert.ok(script in scripts, script);
    }
  });
});

for (const page of [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...readdirSync(`${checkout}docs`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
]) {
  test(`the links of ${page} lead somewhere`, () => {
    const text = readFileSync(join(checkout, page), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? join(checkout, page) : join(checkout, dirname(page), path);
      assert.ok(existsSync(file), `${target} does not exist`);
      if (anchor !== undefined)
        assert.ok(anchorsOf(readFileSync(file, "utf8")).has(anchor), `${target}: no such heading`);
    }
  });
}
