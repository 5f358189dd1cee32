import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { build } from "esbuild";
import { migrations as postgresMigrations } from "../../src/store/postgres/migrations.ts";
import { migrations as sqliteMigrations } from "../../src/store/sqlite/migrations.ts";
import { checkout } from "../support/checkout-bin.ts";
import { administer, freshDatabase } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);

/** An app that embeds the vault, with databases of its own in mind as well. */
const app = `
import { generateMasterKey, keyringFromKeys, oidc, openVault } from "onbehalf";
import { postgres } from "onbehalf/postgres";
import { sqlite } from "onbehalf/sqlite";
async function main() {
  const vault = await openVault({
    provider: oidc({ name: "p", issuer: "https://p.example", clientId: "app", clientSecret: "secret" }),
    store: process.env.APP_STORE === undefined
      ? sqlite("real.db", { writerThread: process.env.APP_THREAD === "yes" })
      : postgres(process.env.APP_STORE),
    keyring: keyringFromKeys(generateMasterKey()),
  });
  const { grants } = await vault.grants();
  console.log(JSON.stringify(grants));
  await vault.close();
}
main().catch((error) => { console.error(error); process.exitCode = 1; });
`;

/** An app whose vault has its keeper in a process of its own. */
const withKeeper = `
import { generateMasterKey, keyringFromKeys, oidc, openVault } from "onbehalf";
import { sqlite } from "onbehalf/sqlite";
async function main() {
  const vault = await openVault({
    provider: oidc({ name: "p", issuer: "https://p.example", clientId: "app", clientSecret: "secret" }),
    store: sqlite("real.db"),
    keyring: keyringFromKeys(generateMasterKey()),
    keeper: "process",
    keeperProgram: process.env.APP_KEEPER,
  });
  console.log(JSON.stringify((await vault.grants()).grants));
  await vault.close();
}
main().catch((error) => console.log(error.code, error.hint));
`;

/** An app that runs the whole service in its bundle. */
const service = `
import { generateMasterKey } from "onbehalf";
import { runService } from "onbehalf/service";
const settings = { key: generateMasterKey().expose(), clientId: "1-x.apps.googleusercontent.com", clientSecret: "GOCSPX-secret-of-a-test", port: "0" };
runService(settings).catch((error) => console.log(error.code, error.hint));
`;

/** An app that answers with the service's handler in its bundle. */
const pages = `
import { generateMasterKey, keyringFromKeys, oidc, openVault } from "onbehalf";
import { service } from "onbehalf/service";
import { sqlite } from "onbehalf/sqlite";
async function main() {
  const vault = await openVault({
    provider: oidc({ name: "p", issuer: "https://p.example", clientId: "app", clientSecret: "secret" }),
    store: sqlite(":memory:"),
    keyring: keyringFromKeys(generateMasterKey()),
  });
  const handle = service(vault);
  for (const path of ["docs/errors.md", "docs/decisions/0002-keeper-process.md", "llms.txt", "README.md"]) {
    const answer = await handle(new Request("http://localhost/" + path));
    console.log(answer.status, (await answer.text()).split("\\n")[0]);
  }
  await vault.close();
}
main().catch((error) => { console.error(error); process.exitCode = 1; });
`;

/** A test of an app, bundled with the stand-in that it runs against. */
const withStandin = `
import { startStandin } from "onbehalf/standin";
async function main() {
  const standin = await startStandin();
  for (const path of ["/gsi/client", "/pages/pages.css", "/pages/relay-script.js", "/pages/mark.svg"]) {
    const response = await fetch(standin.url + path);
    const text = await response.text();
    console.log(response.status, path, text.length > 100, text.includes("of the app"));
  }
  await standin.close();
}
main().catch((error) => { console.error(error); process.exitCode = 1; });
`;

/** What the log needs in a bundle of ECMAScript modules. */
const requiring = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

/** A project with the package as npm publishes it, and with migrations of its own everywhere a bundle may look. */
async function project(t: TestContext): Promise<string> {
  const folder = await temporaryFolder(t);
  await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], { cwd: checkout });
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz")) ?? "";
  await run("tar", ["-xzf", tarball], { cwd: folder });
  await mkdir(join(folder, "node_modules"));
  await cp(join(folder, "package"), join(folder, "node_modules/onbehalf"), { recursive: true });
  for (const name of await readdir(join(checkout, "node_modules"))) {
    await symlink(join(checkout, "node_modules", name), join(folder, "node_modules", name));
  }
  await writeFile(join(folder, "app.mjs"), app);
  for (const parent of [".", "dist", "src"]) {
    for (const dialect of ["sqlite", "postgres"]) {
      const own = join(folder, parent, "migrations", dialect);
      await mkdir(own, { recursive: true });
      await writeFile(join(own, "0001-initial.sql"), "CREATE TABLE of_the_app (id INTEGER);\n");
      await writeFile(join(own, "0099-later.sql"), "CREATE TABLE of_the_app_later (id INTEGER);\n");
    }
  }
  return folder;
}

async function bundle(
  folder: string,
  format: "esm" | "cjs",
  outfile: string,
  banner = "",
  entry = "app.mjs",
): Promise<void> {
  await build({
    absWorkingDir: folder,
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    format,
    outfile,
    banner: { js: banner },
    logLevel: "silent",
  });
}

describe("the package in a bundle", () => {
  for (const [format, outfile] of [
    ["esm", "dist/server/app.mjs"],
    ["cjs", "dist/server/app.cjs"],
    ["esm", "dist/app.mjs"],
    ["esm", "dist/server/deep/er/app.mjs"],
  ] as const) {
    test(`the packed package, bundled as ${format} into ${outfile}, opens a vault and leaves the app's migrations alone`, async (t) => {
      const folder = await project(t);
      await bundle(folder, format, outfile);
      const { stdout, stderr } = await run(process.execPath, [outfile], { cwd: folder });
      assert.deepEqual({ stdout, stderr }, { stdout: "[]\n", stderr: "" });
      const file = new DatabaseSync(join(folder, "real.db"), { readOnly: true });
      t.after(() => file.close());
      const names = file.prepare("SELECT name FROM onbehalf_migrations ORDER BY name").all();
      assert.deepEqual(
        names.map(({ name }) => name),
        sqliteMigrations.map(({ name }) => name),
      );
      assert.deepEqual(file.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'of_the_app%'").all(), []);
    });
  }

  for (const format of ["esm", "cjs"] as const) {
    test(`an app that was bundled as ${format} lets a thread write to its SQLite file`, async (t) => {
      const folder = await project(t);
      const outfile = format === "esm" ? "dist/app.mjs" : "dist/app.cjs";
      await bundle(folder, format, outfile);
      const env = { ...process.env, APP_THREAD: "yes" };
      const { stdout, stderr } = await run(process.execPath, [outfile], { cwd: folder, env });
      assert.deepEqual({ stdout, stderr }, { stdout: "[]\n", stderr: "" });
    });
  }

  for (const format of ["esm", "cjs"] as const) {
    test(`an app that was bundled as ${format} starts its keeper's process from a bundle of its own, and without one says what to do`, async (t) => {
      const folder = await project(t);
      await writeFile(join(folder, "app.mjs"), withKeeper);
      const [outfile, keeper] =
        format === "esm"
          ? ["dist/server/app.mjs", "dist/server/keeper-process.mjs"]
          : ["dist/server/app.cjs", "dist/server/keeper-process.cjs"];
      await bundle(folder, format, outfile);
      await bundle(folder, format, keeper, format === "esm" ? requiring : "", "onbehalf/keeper-process");
      await mkdir(join(folder, "dist/server/child"));
      for (const name of ["process.js", "process.mjs", "child/process.js"]) {
        await writeFile(join(folder, "dist/server", name), 'require("node:fs").writeFileSync("stolen", "");');
      }
      const env = { ...process.env, APP_KEEPER: join(folder, keeper) };
      const { stdout, stderr } = await run(process.execPath, [outfile], { cwd: folder, env });
      assert.deepEqual({ stdout, stderr }, { stdout: "[]\n", stderr: "" });
      const without = await run(process.execPath, [outfile], { cwd: folder });
      assert.match(without.stdout, /^configuration_invalid leave onbehalf out of the bundle.*keeperProgram/);
      assert.ok(!(await readdir(folder)).includes("stolen"));
    });
  }

  for (const format of ["esm", "cjs"] as const) {
    test(`a service that was bundled as ${format} runs no program of the app as its keeper, and says what to do`, async (t) => {
      const folder = await project(t);
      await writeFile(join(folder, "app.mjs"), service);
      const outfile = format === "esm" ? "dist/server/app.mjs" : "dist/server/app.cjs";
      await bundle(folder, format, outfile, format === "esm" ? requiring : "");
      for (const name of ["process.js", "process.ts", "process.mjs"]) {
        await writeFile(join(folder, "dist/server", name), 'require("node:fs").writeFileSync("stolen", "");');
      }
      const { stdout } = await run(process.execPath, [outfile], { cwd: folder });
      assert.match(stdout, /^configuration_invalid leave onbehalf out of the bundle/);
      assert.ok(!(await readdir(folder)).includes("stolen"));
    });
  }

  for (const format of ["esm", "cjs"] as const) {
    test(`a service that was bundled as ${format} serves its pages, and no page of the app`, async (t) => {
      const folder = await project(t);
      await writeFile(join(folder, "app.mjs"), pages);
      for (const parent of [".", "dist", "dist/server"]) {
        await mkdir(join(folder, parent, "docs"), { recursive: true });
        for (const name of ["docs/errors.md", "llms.txt", "README.md"]) {
          await writeFile(join(folder, parent, name), "# Of the app\n");
        }
      }
      const outfile = format === "esm" ? "dist/server/app.mjs" : "dist/server/app.cjs";
      await bundle(folder, format, outfile, format === "esm" ? requiring : "");
      const { stdout } = await run(process.execPath, [outfile], { cwd: folder });
      assert.deepEqual(stdout.trim().split("\n"), [
        "200 # Errors",
        "200 # 0002 A keeper process",
        "200 # Onbehalf",
        "200 # Onbehalf",
      ]);
    });
  }

  for (const format of ["esm", "cjs"] as const) {
    test(`the stand-in, bundled as ${format} into a test of the app, serves its own files`, async (t) => {
      const folder = await project(t);
      await writeFile(join(folder, "app.mjs"), withStandin);
      const outfile = format === "esm" ? "dist/server/app.mjs" : "dist/server/app.cjs";
      await bundle(folder, format, outfile);
      for (const name of ["gsi-client.js", "pages.css", "relay-script.js", "mark.svg"]) {
        await writeFile(join(folder, "dist/server", name), "of the app");
      }
      const { stdout } = await run(process.execPath, [outfile], { cwd: folder });
      assert.deepEqual(stdout.trim().split("\n"), [
        "200 /gsi/client true false",
        "200 /pages/pages.css true false",
        "200 /pages/relay-script.js true false",
        "200 /pages/mark.svg true false",
      ]);
    });
  }

  test("the packed package, bundled with its PostgreSQL driver, opens a vault and leaves the app's migrations alone", async (t) => {
    const folder = await project(t);
    await bundle(folder, "cjs", "dist/server/app.cjs");
    const database = await freshDatabase(t);
    const env = { ...process.env, APP_STORE: database };
    const { stdout, stderr } = await run(process.execPath, ["dist/server/app.cjs"], { cwd: folder, env });
    assert.deepEqual({ stdout, stderr }, { stdout: "[]\n", stderr: "" });
    assert.deepEqual(
      await administer(database, "SELECT name FROM onbehalf_migrations ORDER BY name"),
      postgresMigrations.map(({ name }) => ({ name })),
    );
    assert.deepEqual(await administer(database, "SELECT relname FROM pg_class WHERE relname LIKE 'of_the_app%'"), []);
  });
});
