import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { launchChromium, needsChromium } from "../browser/chromium.ts";
import { Demo } from "../support/demo.ts";
import { nextAct as highlighted, saysHappened, unfold, visit } from "../support/demo-page.ts";
import { codeOf, order, setUp, shellWord } from "../support/page-modules.ts";
import type { CodeRun } from "../support/page-modules.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs a program that knows nothing of the demo: no variable of the tests, and an empty folder to stand in. */
async function run(program: string, args: readonly string[], cwd: string): Promise<Ran> {
  const child = spawn(program, args, { cwd, env: { PATH: process.env["PATH"] }, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { stdout, stderr, code };
}

/** What a command prints where it does what the button does. */
const printed: Readonly<Record<string, RegExp>> = {
  "sign-in": /"email":"ada@example\.com".*"offline":true/,
  write: /"name": "note\.txt"/,
  read: /"name": "note\.txt"/,
  later: /"access_token":"ya29\./,
  readers: /\}\s+100 200\n$/,
  untick: /"error":"insufficient_scope".*drive\.appdata/,
  remove: /^$/,
  "find-out": /^HTTP\/1\.1 409 [\s\S]*"error":"reauthorization_required"/,
  // As after the button, the page goes on with whoever signed in last.
  again: /"email":"carl@example\.com".*"offline":true/,
  disconnect: /"state":"revoked"/,
};

describe("the code beside the demo's acts", () => {
  describe("in real Chromium", needsChromium, () => {
    let browser: Browser;
    before(async () => {
      browser = await launchChromium();
    });
    after(() => browser.close());

    test("the demo's code: each act's commands, copied and pasted into a fresh shell, do what its button does", async (t) => {
      const away = await temporaryFolder(t);
      // A folder whose name a shell would take apart.
      const folder = join(await temporaryFolder(t), 'it\'s $HOME of "mine"');
      await using demo = await Demo.start({ args: ["--port", "0", "--standin-port", "0", "--data", folder] });
      const { page } = await visit(browser, demo, { permissions: ["clipboard-read", "clipboard-write"] });
      for (const act of order) {
        assert.equal(await highlighted(page), act);
        await unfold(page, act);
        await page.click(`#${act}-copy`);
        const copied = await page.evaluate<string>("navigator.clipboard.readText()");
        assert.ok(!copied.includes(demo.callerKey.slice(0, 12)), "the key stands in the page");
        const { stdout, stderr, code } = await run("bash", ["-c", copied], away);
        assert.deepEqual([code, stderr], [0, ""], act);
        assert.match(stdout, printed[act] ?? /./, act);
        await saysHappened(page, act);
        await page.locator(`#act-${act}.done`).waitFor();
      }
      await page.locator("#the-end").waitFor();
    });
  });

  test("the demo's code: each act's lines in TypeScript run as they stand, after what stands once in the program", async (t) => {
    const folder = await temporaryFolder(t);
    await using demo = await Demo.start({ args: ["--port", "0", "--standin-port", "0", "--data", folder] });
    for (const act of order) {
      const { stdout, stderr, code } = await run("node", [await program(folder, act, await runOf(demo))], folder);
      assert.deepEqual([code, stderr], [0, ""], act);
      assert.match(stdout, logged[act] ?? /^$/, act);
    }
    const now = await runOf(demo);
    const whole = [...setUp(now), ...order.flatMap((act) => codeOf(now)[act]?.typescript ?? [])];
    await writeFile(join(folder, "whole.mjs"), stripTypeScriptTypes(whole.join("\n")));
    const { stderr } = await run("node", ["--check", "whole.mjs"], folder);
    assert.equal(stderr, "", "the acts do not stand in one program");
    const { grants } = (await demo.call("/v1/grants")).body as { grants: { state: string }[] };
    assert.deepEqual(grants.map(({ state }) => state).sort(), ["active", "revoked"]);
  });

  test("the demo's code: a note with whatever in it is stored as it is", async (t) => {
    await using demo = await Demo.start();
    await demo.signIn("ada@example.com");
    const texts = [
      `Rain "since" two; it's \\ wet`,
      "$(touch stolen) `id` $HOME !! ${x}",
      "@/etc/passwd",
      "</etc/passwd",
      "a;type=text/html",
      "Größe: 3 — 寝る",
      "'; echo stolen; '",
      '\\\\n \\" end\\',
    ];
    const away = await temporaryFolder(t);
    for (const note of texts) {
      const { curl } = codeOf({ ...(await runOf(demo)), note })["write"] ?? { curl: [] };
      const { stdout, stderr } = await run("bash", ["-c", curl.join("\n")], away);
      const id = (JSON.parse(stdout) as { id: string }).id;
      const grant = (await runOf(demo)).grantId;
      const { body } = await demo.call(`/v1/grants/${grant}/proxy/www.googleapis.com/drive/v3/files/${id}?alt=media`);
      assert.deepEqual([body["text"], stderr], [note, ""]);
    }
  });

  test("the demo's code: a word of a shell stays one word, whatever is in it", async (t) => {
    const words = ["plain", "", "a b", "it's", '"', "$(id)", "`id`", "\\", "*", "~", "a\nb", "#[1-100]", "-n", "é"];
    const { stdout } = await run(
      "bash",
      ["-c", `printf '%s\\0' ${words.map(shellWord).join(" ")}`],
      await temporaryFolder(t),
    );
    assert.deepEqual(stdout.split("\0").slice(0, -1), words);
  });
});

/** What a program in TypeScript prints. */
const logged: Readonly<Record<string, RegExp>> = {
  "sign-in": /^g_\S+ Ada Lovelace true\n$/,
  read: /note\.txt/,
  later: /^\d{3} \d{4}-/,
  readers: /^100 1\n$/,
  untick: /^403 false\n$/,
  "find-out": /reason: 'invalid_grant'/,
  again: /^g_\S+ Ada Lovelace true\n$/,
  disconnect: /^revoked\n$/,
};

/** The program that a reader would have, with the sources in the package's place. */
async function program(folder: string, act: string, run: CodeRun): Promise<string> {
  const source = (path: string): string => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);
  const text = [...setUp(run), "", ...(codeOf(run)[act]?.typescript ?? []), "await vault.close();"]
    .join("\n")
    .replace('"onbehalf"', source("index.ts"))
    .replace('"onbehalf/sqlite"', source("store/sqlite/index.ts"));
  const file = join(folder, `${act}.ts`);
  await writeFile(file, text);
  return file;
}

async function runOf(demo: Demo): Promise<CodeRun> {
  const { body } = await demo.request(`${demo.service}/demo/state`);
  const grants = body["grants"] as { grant_id: string; profile: { email: string } }[];
  return {
    service: demo.service,
    standin: demo.standin,
    keyFile: String(body["caller_key_file"]),
    masterKeyFile: String(body["master_key_file"]),
    database: String(body["database"]),
    clientId: String(body["client_id"]),
    grantId: grants.find(({ profile }) => profile.email === "ada@example.com")?.grant_id ?? "g_nobody",
    email: "ada@example.com",
    newcomer: "carl@example.com",
    note: "Quiet night.",
  };
}
