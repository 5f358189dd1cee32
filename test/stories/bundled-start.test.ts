/** What `onbehalf serve` loads in the package: bundles, as the build has made them. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { generateMasterKey } from "../../src/index.ts";
import { userAgent } from "../../src/outbound/user-agent.ts";
import { checkout } from "../support/checkout-bin.ts";
import { preloadedEverywhere } from "../support/preloaded.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const dist = join(checkout, "dist");
const programs = [
  "cli/serve/program.js",
  "cli/serve/serving-program.js",
  "service/keeper/process.js",
  "service/secrets/holder.js",
];
const bundles = [...programs, ...globSync("bundled/**/*.js", { cwd: dist })];

/** A module that every process loads first: it notes which files are loaded then, a line each. */
const noting = (folder: string): string => `
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";
const file = ${JSON.stringify(folder)} + "/" + process.pid + ".loaded";
registerHooks({
  load(url, context, next) {
    if (url.startsWith("file:")) appendFileSync(file, process.argv[1] + " " + url + "\\n");
    return next(url, context);
  },
});
`;

/** Starts the package's service. @param folder has its store @returns the line that it prints when it is ready, and a function that stops it */
async function started(t: TestContext, folder: string, settings: NodeJS.ProcessEnv) {
  const { NODE_TEST_CONTEXT: _runner, ...inherited } = process.env;
  const service = spawn(process.execPath, [join(dist, "cli/main.js"), "serve", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...inherited,
      ONBEHALF_STORE: `sqlite:${join(folder, "store.db")}`,
      ONBEHALF_KEY: generateMasterKey().expose(),
      ONBEHALF_CLIENT_ID: "client",
      ONBEHALF_CLIENT_SECRET: "secret",
      ONBEHALF_GOOGLE_BASE_URL: "http://127.0.0.1:9",
      ONBEHALF_LOG_LEVEL: "silent",
      PORT: "0",
      ...settings,
    },
  });
  const gone = once(service, "exit");
  t.after(() => service.kill("SIGKILL"));
  const [line] = (await once(createInterface({ input: service.stdout }), "line")) as [string];
  assert.match(line, /"service":"http/);
  const stop = async (): Promise<void> => {
    service.kill("SIGTERM");
    await gone;
  };
  return { line, stop };
}

/** Says which files the processes of the package's service have loaded until it serves, by the process's program. */
async function filesOfStart(t: TestContext, settings: NodeJS.ProcessEnv = {}): Promise<Map<string, string[]>> {
  const folder = await temporaryFolder(t);
  const preload = join(folder, "noting.mjs");
  await writeFile(preload, preloadedEverywhere(noting(folder)));
  const { stop } = await started(t, folder, { NODE_OPTIONS: `--import=${preload}`, ...settings });
  const loaded = new Map<string, string[]>();
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".loaded")) continue;
    for (const each of (await readFile(join(folder, name), "utf8")).trim().split("\n")) {
      const [program = "", url = ""] = each.split(" ");
      const file = relative(dist, new URL(url).pathname);
      if (file.endsWith(".mjs")) continue;
      loaded.set(relative(dist, program), [...(loaded.get(relative(dist, program)) ?? []), file]);
    }
  }
  await stop();
  return loaded;
}

describe("the start of the package's service", () => {
  test("loads bundles, and hardly a file beside them, in each of its processes", async (t) => {
    const loaded = await filesOfStart(t);
    assert.deepEqual([...loaded.keys()].sort(), [
      "cli/main.js",
      "service/keeper/process.js",
      "service/secrets/holder.js",
    ]);
    for (const [program, files] of loaded) {
      const others = files.filter((file) => !bundles.includes(file));
      const allowed = new Set(["cli/main.js", "cli/terminal/node-version.js", "service/secrets/held-variable.js"]);
      assert.deepEqual(
        others.filter((file) => !allowed.has(file)),
        [],
        `${program} loads files that should be part of its bundle`,
      );
      // The first two are the process before and after it is put in the place of itself.
      const most = { "cli/main.js": 25, "service/keeper/process.js": 4, "service/secrets/holder.js": 1 }[program] ?? 0;
      assert.ok(files.length <= most, `${program} loads ${files.length} files: ${files.join(", ")}`);
    }
  });

  test("needs no driver of a database that it does not use, no page, and nothing that writes metrics", async (t) => {
    const files = [...(await filesOfStart(t)).values()].flat();
    const texts = [...new Set(files)].map((file) => readFileSync(join(dist, file), "utf8"));
    for (const text of texts) assert.doesNotMatch(text, /pg-pool|SASLprep|collectDefaultMetrics\(config/);
    assert.ok(!files.includes("service/pages/pages.js"));
  });

  test("is followed by counters to read, its own and those of the process", async (t) => {
    const { line, stop } = await started(t, await temporaryFolder(t), { ONBEHALF_METRICS_PORT: "0" });
    const { metrics } = JSON.parse(line) as { readonly metrics: string };
    const answer = await fetch(`${metrics}/metrics`);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    assert.match(text, /^onbehalf_/m);
    assert.match(text, /^process_cpu_seconds_total /m);
    await stop();
  });

  test("without a keeper's process, one process does all, from the same bundle", async (t) => {
    const loaded = await filesOfStart(t, { ONBEHALF_KEEPER: "none" });
    assert.deepEqual([...loaded.keys()], ["cli/main.js"]);
    assert.ok(loaded.get("cli/main.js")?.includes("cli/serve/serving-program.js"));
  });
});

describe("the package's bundles", () => {
  test("are of the version of the package", () => {
    const texts = bundles.map((bundle) => readFileSync(join(dist, bundle), "utf8"));
    const versions = new Set(texts.flatMap((text) => text.match(/onbehalf\/\d+\.\d+\.\d+/g) ?? []));
    assert.deepEqual([...versions], [userAgent]);
    assert.ok(texts[bundles.indexOf("service/keeper/process.js")]?.includes(JSON.stringify(userAgent)));
  });

  test("have nothing of the stand-in, the demo, tests or what only builds them", () => {
    for (const bundle of bundles) {
      const { sources } = JSON.parse(readFileSync(join(dist, `${bundle}.map`), "utf8")) as {
        readonly sources: readonly string[];
      };
      const from = sources.map((source) => relative(checkout, join(dist, bundle, "..", source)));
      assert.deepEqual(
        from.filter((file) => !/^(?:dist|node_modules)\//.test(file) && !file.includes("without-http2")),
        [],
        bundle,
      );
      assert.deepEqual(
        from.filter((file) => /^dist\/(?:standin|demo|browser|mcp|client|googleapis|store\/suite)\//.test(file)),
        [],
        bundle,
      );
    }
  });

  test("come with the license of each package of which they have something", () => {
    const licenses = readFileSync(join(dist, "bundled/LICENSES.txt"), "utf8");
    const packages = bundles.flatMap((bundle) => {
      const { sources } = JSON.parse(readFileSync(join(dist, `${bundle}.map`), "utf8")) as {
        readonly sources: readonly string[];
      };
      return sources.flatMap((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? []);
    });
    assert.ok(packages.includes("hono"));
    for (const name of packages) assert.match(licenses, new RegExp(`^${name} \\d+\\.`, "m"), name);
  });

  test("name the files that they were made of in a stack trace", async (t) => {
    const folder = await temporaryFolder(t);
    // The first thing that the program of the holder does with what it is given is to read it as JSON.
    const preload = join(folder, "uncaught.mjs");
    await writeFile(preload, "process.on('uncaughtExceptionMonitor', (error) => console.error(error.stack));");
    const program = join(dist, "service/secrets/holder.js");
    const child = spawn(process.execPath, [`--import=${preload}`, program], { stdio: ["pipe", "ignore", "pipe"] });
    child.stdin.end('{"address":1}');
    const said = (await child.stderr.toArray()).join("");
    assert.match(said, /\/dist\/service\/secrets\/held-secrets\.js:\d+:\d+\)?\n/);
    const [, line = "0"] = /held-secrets\.js:(\d+)/.exec(said) ?? [];
    assert.match(
      readFileSync(join(dist, "service/secrets/held-secrets.js"), "utf8").split("\n")[Number(line) - 1] ?? "",
      /address\.split/,
    );
  });

  test("end with the same words as the files where a setting is wrong", async (t) => {
    const cwd = await temporaryFolder(t);
    const { NODE_TEST_CONTEXT: _runner, ...inherited } = process.env;
    const told = async (main: string): Promise<{ readonly code: unknown; readonly stderr: string }> => {
      const env = { ...inherited, ONBEHALF_STORE: "mysql:x", PORT: "99999" };
      const { promise, resolve } = Promise.withResolvers<{ readonly code: unknown; readonly stderr: string }>();
      execFile(process.execPath, [main, "serve"], { cwd, env }, (error, _stdout, stderr) =>
        resolve({ code: error?.code, stderr }),
      );
      return promise;
    };
    const [built, source] = [await told(join(dist, "cli/main.js")), await told(join(checkout, "src/cli/main.ts"))];
    assert.equal(built.code, 1);
    assert.match(built.stderr, /ONBEHALF_STORE must be sqlite:PATH/);
    assert.deepEqual(built, source);
    const help = await promisify(execFile)(process.execPath, [join(dist, "cli/main.js"), "serve", "--help"]);
    assert.match(help.stdout, /Usage: onbehalf serve \[options\]/);
  });
});
