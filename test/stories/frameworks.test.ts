/**
 * The programs of docs/frameworks.md, from the packed package. Here with the packages of this checkout; with FRAMEWORKS=full
 * from empty folders, with the frameworks from the registry, and those that take long.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { build } from "esbuild";
import { generateMasterKey } from "../../src/index.ts";
import type { Standin } from "../../src/standin/index.ts";
import { blocksFor } from "../docs/block-runners.ts";
import { environment, project, tarballIn, started } from "../support/framework-project.ts";
import type { Packages } from "../support/framework-project.ts";
import { checkout, installCommand } from "../support/checkout-bin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testStandin } from "../support/test-standin.ts";

const run = promisify(execFile);
const isFull = process.env["FRAMEWORKS"] === "full";
const scope = "openid email https://www.googleapis.com/auth/drive.appdata";

let standin: Standin;
let counted = 0;
before(async () => {
  standin = await testStandin();
});
after(() => standin.close());

/** The page's files: those of the section on the vault, and those of a section. The first line of a block is its name. */
function filesOf(section: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const { section: at, text } of blocksFor("frameworks")) {
    const [, name] = /^\/\/ (\S+)\n/.exec(text) ?? [];
    if (name !== undefined && (at === section || at === "The vault")) files.set(name, text);
  }
  return files;
}

type Ask = (path: string, init?: RequestInit) => Promise<Response>;

/** A person of the app signs in by a form, another by JSON; each has a token, and the app calls Drive with it. */
async function assertWorks(ask: Ask): Promise<void> {
  const people = [`person${(counted += 1)}`, `person${(counted += 1)}`];
  const code = (who: string): string => standin.code({ kind: "native", email: `${who}@example.com`, scope });
  const post = (body: string, headers: Record<string, string>): Promise<Response> =>
    ask("/authcode", { method: "POST", headers, body });
  const guarded = { "x-requested-with": "XMLHttpRequest" };
  const [first = "", second = ""] = people;
  const authCode = code(first);
  const byForm = new URLSearchParams({ authCode }).toString();
  const form = { ...guarded, "content-type": "application/x-www-form-urlencoded" };
  const { "x-requested-with": _guard, ...forged } = form;
  assert.equal((await post(byForm, { ...forged, cookie: `user=${first}` })).status, 403, "a forged request");
  assert.equal((await post(byForm, form)).status, 401, "a session that names nobody");
  const signedIn = await post(byForm, { ...form, cookie: `user=${first}` });
  assert.equal(signedIn.status, 200, await signedIn.clone().text());
  assert.equal(((await signedIn.json()) as { email: string }).email, `${first}@example.com`);
  const byJson = await post(JSON.stringify({ authCode: code(second), user: { id: 1 } }), {
    ...guarded,
    "content-type": "application/json",
    cookie: `user=${second}`,
  });
  assert.equal(byJson.status, 200, await byJson.clone().text());
  assert.equal((await ask("/files")).status, 401);
  for (const who of people) {
    const files = await ask("/files", { headers: { cookie: `user=${who}` } });
    assert.equal(files.status, 200, await files.clone().text());
    assert.ok(Array.isArray(((await files.json()) as { files?: unknown }).files));
  }
  const stranger = await ask("/files", { headers: { cookie: `user=stranger${counted}` } });
  assert.equal(stranger.status, 404, "somebody who has not connected an account");
  assert.equal(
    ((await stranger.json()) as { error: string }).error,
    "grant_not_found",
    "an answer, and no page with a stack",
  );
}

const askAt =
  (url: string): Ask =>
  (path, init) =>
    fetch(`${url}${path}`, init);

/** Moves the lines of the body parsers, or takes them out. */
function withParsers(where: "after" | "none"): (text: string) => string {
  return (text) => {
    const parsers = text.match(/^app\.use\(express\..*\n/gm) ?? [];
    assert.equal(parsers.length, 2);
    const without = text.replaceAll(/^app\.use\(express\..*\n/gm, "");
    return where === "none" ? without : without.replace("app.listen", `${parsers.join("")}app.listen`);
  };
}

interface Program {
  readonly section: string;
  readonly install: readonly string[];
  readonly instead?: Readonly<Record<string, string>>;
  readonly change?: (server: string) => string;
}

const express = { section: "Express", install: ["express@5.3.0"] };
const express4 = { section: "Express", install: ["express@4.22.3"], instead: { express: "express4" } };
const programs: Readonly<Record<string, Program>> = {
  "node:http": { section: "node:http", install: [] },
  "Express 5, behind body parsers": express,
  "Express 5, before body parsers": { ...express, change: withParsers("after") },
  "Express 5, without body parsers": { ...express, change: withParsers("none") },
  "Express 4, behind body parsers": express4,
  "Express 4, before body parsers": { ...express4, change: withParsers("after") },
  "Fastify 5": { section: "Fastify", install: ["fastify@5.12.8", "@fastify/formbody@9.0.1"] },
  Hono: { section: "Hono", install: ["hono@4.13.19", "@hono/node-server@2.1.8"] },
};

function packagesOf({ install, instead = {} }: Program): Packages {
  return isFull ? { install } : { linked: true, instead };
}

describe("docs/frameworks.md", { timeout: isFull ? 1_800_000 : 300_000 }, () => {
  for (const [name, program] of Object.entries(programs)) {
    test(`in ${name}, with the packed package, people sign in by form and JSON, and the app calls Drive`, async (t) => {
      const files = filesOf(program.section);
      files.set("server.ts", (program.change ?? String)(files.get("server.ts") ?? ""));
      const folder = await project(t, files, packagesOf(program), standin);
      await assertWorks(askAt(await started(t, folder, ["server.ts"])));
    });
  }

  for (const format of ["esm", "cjs"] as const) {
    test(`bundled by esbuild as ${format}, people sign in by form and JSON, and the app calls Drive`, async (t) => {
      const folder = await project(t, filesOf("node:http"), packagesOf({ section: "", install: [] }), standin);
      const outfile = format === "esm" ? "dist/server.mjs" : "dist/server.cjs";
      await build({
        absWorkingDir: folder,
        entryPoints: ["server.ts"],
        bundle: true,
        platform: "node",
        format,
        outfile,
        logLevel: "silent",
      });
      // What the bundle has left out would be missed.
      await rm(join(folder, "node_modules"), { recursive: true, force: true });
      await assertWorks(askAt(await started(t, folder, [outfile])));
    });
  }

  test("the shapes of SvelteKit, Bun and Deno: what their files export takes codes and calls Drive", async (t) => {
    const files = new Map([...filesOf("SvelteKit"), ...filesOf("Bun, Deno, and what else speaks fetch")]);
    files.set(
      "shapes.ts",
      `import { createServer } from "node:http";
import { toNode } from "onbehalf/node";
import server from "./fetch-server.ts";
import { POST } from "./src/routes/authcode/+server.ts";
createServer((request, response) => {
  // SvelteKit gives an event; Bun and Deno call fetch with an argument of their own after the request.
  const svelte = request.headers["x-shape"] === "svelte";
  toNode((web) => (svelte ? POST({ request: web }) : server.fetch(web, { port: 1 })))(request, response);
}).listen(Number(process.env.PORT));
`,
    );
    const folder = await project(t, files, packagesOf({ section: "", install: [] }), standin);
    const url = await started(t, folder, ["shapes.ts"]);
    await assertWorks(askAt(url));
    const headers = { "x-requested-with": "x", "x-shape": "svelte", cookie: "user=cy" };
    const body = new URLSearchParams({ authCode: standin.code({ kind: "native", email: "cy@example.com", scope }) });
    assert.equal((await fetch(`${url}/authcode`, { method: "POST", headers, body })).status, 200);
  });

  test("the page's vault is not opened by an import: a build has neither key nor client", async (t) => {
    const folder = await project(t, filesOf("node:http"), packagesOf({ section: "", install: [] }), standin);
    await rm(join(folder, "client_secret.json"));
    const program = 'const { takeCode } = await import("./vault.ts"); console.log(typeof takeCode);';
    const args = ["--input-type=module", "--eval", program];
    const { stdout } = await run(process.execPath, args, { cwd: folder, env: environment() });
    assert.equal(stdout, "function\n");
    assert.ok(!(await readdir(folder)).some((name) => name.startsWith("onbehalf.db")));
  });

  test("a vault that could not be opened is tried again with the next request", async (t) => {
    const folder = await project(t, filesOf("node:http"), packagesOf({ section: "", install: [] }), standin);
    const secret = join(folder, "client_secret.json");
    await rename(secret, `${secret}.later`);
    const program = `
      const { vault } = await import("./vault.ts");
      const { rename } = await import("node:fs/promises");
      console.log(await vault().then(() => "opened", (error) => error.code));
      await rename("client_secret.json.later", "client_secret.json");
      console.log(await vault().then(() => "opened", (error) => error.code));
      await (await vault()).close();
    `;
    const args = ["--input-type=module", "--eval", program];
    const env = environment({ ONBEHALF_KEY: generateMasterKey().expose() });
    const { stdout } = await run(process.execPath, args, { cwd: folder, env });
    assert.equal(stdout, "configuration_invalid\nopened\n");
  });

  test("the commands of the page make a key and a bundle", async (t) => {
    const folder = await project(
      t,
      filesOf("node:http"),
      packagesOf({ section: "", install: ["esbuild@0.28.2"] }),
      standin,
    );
    const [install = "", bundle = ""] = blocksFor("frameworks, shell").map(({ text }) => text);
    assert.match(install, /^npm install onbehalf$/m);
    // The package is there: it is not on the registry while it is tested.
    const key = `${install.replace("npm install onbehalf", ":")}\nprintf %s "$ONBEHALF_KEY"`;
    const bin = join(folder, "node_modules/.bin");
    const env = { ...environment(), PATH: `${await installCommand(folder)}:${bin}:${process.env["PATH"] ?? ""}` };
    const shell = async (text: string): Promise<string> =>
      (await run("bash", ["-euo", "pipefail", "-c", text.replaceAll("npx ", "")], { cwd: folder, env })).stdout;
    assert.match(await shell(key), /^obm_\S+$/);
    await shell(bundle);
    assert.ok((await readFile(join(folder, "dist/server.mjs"), "utf8")).length > 10_000);
  });
});

describe(
  "docs/frameworks.md, with what takes long",
  { skip: !isFull && "FRAMEWORKS=full runs it", timeout: 1_800_000 },
  () => {
    for (const bundler of ["turbopack", "webpack"]) {
      test(`Next.js 16, built by ${bundler} and started, takes codes and calls Drive`, async (t) => {
        const files = filesOf("Next.js");
        files.set("app/layout.tsx", layout);
        files.set("app/page.tsx", "export default function Page() { return <p>an app</p>; }\n");
        const next = ["next@16.4.6", "react@19.2.0", "react-dom@19.2.0", "typescript@5.9.3", "@types/react@19.2.0"];
        const folder = await project(t, files, { install: next }, standin);
        // As create-next-app has it.
        await writeFile(join(folder, "package.json"), '{ "name": "an-app", "private": true }\n');
        const cli = "node_modules/next/dist/bin/next";
        await run(process.execPath, [cli, "build", `--${bundler}`], {
          cwd: folder,
          env: environment(),
          maxBuffer: 2 ** 24,
        });
        await assertWorks(askAt(await started(t, folder, [cli, "start", "-H", "127.0.0.1"])));
      });
    }

    test("bundled by Rollup, people sign in by form and JSON, and the app calls Drive", async (t) => {
      const packages = ["rollup@4.68.8", "@rollup/plugin-node-resolve@16.0.3", "@rollup/plugin-commonjs@29.0.0"];
      const files = new Map(
        [...filesOf("node:http")].map(([name, text]) => [
          name.replace(".ts", ".mjs"),
          stripTypeScriptTypes(text).replaceAll("./vault.ts", "./vault.mjs"),
        ]),
      );
      const folder = await project(t, files, { install: packages }, standin);
      const plugins = ["-p", "@rollup/plugin-node-resolve", "-p", "@rollup/plugin-commonjs"];
      await run(
        process.execPath,
        ["node_modules/rollup/dist/bin/rollup", "server.mjs", "-d", "dist", "-f", "es", ...plugins],
        { cwd: folder },
      );
      await rm(join(folder, "node_modules"), { recursive: true });
      await assertWorks(askAt(await started(t, folder, ["dist/server.js"])));
    });

    const compilers: Readonly<Record<string, readonly string[]>> = {
      // Types of Node that are newer than the compiler do not compile.
      "TypeScript 5.4, with types of Node of its time": ["typescript@5.4.5", "@types/node@20.19.0"],
      "TypeScript 5.9": ["typescript@5.9.3"],
      "TypeScript 7": ["typescript@7.0.2"],
      "TypeScript 7, in a project with types of Node": ["typescript@7.0.2", "@types/node@24.10.1"],
    };
    for (const [name, install] of Object.entries(compilers)) {
      test(`${name} compiles the page's programs and every subpath, with all types checked`, async (t) => {
        const files = new Map(
          ["The vault", "node:http", "Express", "SvelteKit", "Bun, Deno, and what else speaks fetch"].flatMap(
            (section) => [...filesOf(section)].filter(([, text]) => !text.includes('from "express"')),
          ),
        );
        files.set("subpaths.ts", await everySubpath());
        const folder = await project(t, files, { install }, standin);
        for (const [module, moduleResolution] of [
          ["nodenext", "nodenext"],
          ["esnext", "bundler"],
        ]) {
          for (const lib of [["es2022"], ["es2022", "dom"], ["esnext", "dom", "dom.iterable"]]) {
            const strict = { strict: true, skipLibCheck: false, noEmit: true, allowImportingTsExtensions: true };
            const compilerOptions = { target: "es2022", module, moduleResolution, lib, ...strict };
            await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["**/*.ts"] }));
            const failed = await run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "."], {
              cwd: folder,
            }).then(
              () => "",
              (error: { readonly stdout: string }) => error.stdout,
            );
            assert.equal(failed, "", `${moduleResolution} ${lib.join(" ")}`);
          }
        }
      });
    }

    test("the page's programs compile with the types of their frameworks, all of them checked", async (t) => {
      const files = new Map<string, string>();
      for (const section of ["node:http", "Express", "Fastify", "Hono"]) {
        for (const [name, text] of filesOf(section)) {
          files.set(name === "server.ts" ? `server-${files.size}.ts` : name, text);
        }
      }
      const install = [...new Set(Object.values(programs).flatMap((program) => program.install))].filter(
        (name) => !name.startsWith("express@4"),
      );
      const folder = await project(
        t,
        files,
        { install: [...install, "@types/express@5.0.6", "typescript@7.0.2"] },
        standin,
      );
      const flags = [
        "--strict",
        "--skipLibCheck",
        "false",
        "--noEmit",
        "--allowImportingTsExtensions",
        "--esModuleInterop",
      ];
      const [target, module, lib] = [
        ["--target", "es2022"],
        ["--module", "nodenext"],
        ["--lib", "esnext,dom"],
      ];
      await assert.doesNotReject(
        run(
          process.execPath,
          ["node_modules/typescript/bin/tsc", ...flags, ...target, ...module, ...lib, ...files.keys()],
          {
            cwd: folder,
          },
        ),
      );
    });

    test("a package that npm packs from a fresh clone is whole: installed into an empty folder, its demo runs", async (t) => {
      const folder = await temporaryFolder(t);
      const clone = join(folder, "clone");
      await run("git", ["clone", "-q", checkout, clone]);
      await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: clone });
      await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: clone });
      await rm(clone, { recursive: true });
      await assertDemoRuns(t, join(folder, "app"), await tarballIn(folder));
    });

    test("a dependency on the Git address is whole: its demo runs", async (t) => {
      await assertDemoRuns(t, join(await temporaryFolder(t), "app"), `git+file://${checkout}`);
    });
  },
);

const layout = `import type { ReactNode } from "react";
export default function Layout({ children }: { children: ReactNode }) {
  return <html lang="en"><body>{children}</body></html>;
}
`;

async function everySubpath(): Promise<string> {
  const { exports } = JSON.parse(await readFile(join(checkout, "package.json"), "utf8")) as { exports: object };
  const names = Object.keys(exports).map((subpath) => subpath.replace(".", "onbehalf"));
  return names.map((name, at) => `export * as all${at} from ${JSON.stringify(name)};\n`).join("");
}

/** Installs a package into an empty folder, and starts the demo as its page says. */
async function assertDemoRuns(t: TestContext, folder: string, what: string): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), "{}\n");
  await run("npm", ["install", "--no-audit", "--no-fund", what], { cwd: folder, maxBuffer: 2 ** 24 });
  const demo = spawn(
    "node_modules/.bin/onbehalf",
    ["demo", "--json", "--no-open", "--port", "0", "--standin-port", "0"],
    {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const closed = once(demo, "close");
  t.after(async () => {
    demo.kill("SIGTERM");
    await closed;
  });
  const [line] = (await once(createInterface(demo.stdout), "line")) as [string];
  const { page } = JSON.parse(line) as { page: string };
  const answer = await fetch(page);
  assert.equal(answer.status, 200);
  const text = await answer.text();
  for (const [, path = ""] of text.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
    assert.equal((await fetch(new URL(path, page))).status, 200, path);
  }
}
