import { execFile } from "node:child_process";
import { chmod, cp, mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { checkout } from "./checkout-bin.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const run = promisify(execFile);

/** Unpacks what npm would publish, for one test. @returns the folder of the package */
export async function unpackedPackage(t: TestContext): Promise<string> {
  const folder = await temporaryFolder(t);
  await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], { cwd: checkout });
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz")) ?? "";
  await run("tar", ["-xzf", tarball], { cwd: folder });
  return join(folder, "package");
}

/**
 * Puts the unpacked package into a project, with the packages that it depends on and no other: those of this checkout,
 * because no test reaches a registry.
 *
 * @param unpacked from `unpackedPackage`
 */
export async function installInto(project: string, unpacked: string): Promise<void> {
  const modules = join(project, "node_modules");
  await mkdir(join(modules, ".bin"), { recursive: true });
  await cp(unpacked, join(modules, "onbehalf"), { recursive: true });
  const { bin, dependencies } = JSON.parse(await readFile(join(unpacked, "package.json"), "utf8")) as {
    readonly bin: Readonly<Record<string, string>>;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  for (const [name, path] of Object.entries(bin)) {
    await chmod(join(modules, "onbehalf", path), 0o755);
    await symlink(join("../onbehalf", path), join(modules, ".bin", name));
  }
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(checkout, "node_modules", name), join(modules, name));
  }
}

/**
 * A folder for the PATH whose `npm` does `npm install onbehalf OTHERS` as above, and leaves the rest to npm: so a page's
 * commands run as they stand. The others, such as a framework, are those of this checkout.
 */
export async function offlineNpm(t: TestContext): Promise<string> {
  const folder = await temporaryFolder(t);
  const unpacked = await unpackedPackage(t);
  const installer = join(folder, "install.mjs");
  await writeFile(
    installer,
    `import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { installInto } from ${JSON.stringify(import.meta.filename)};
const [, , ...others] = process.argv;
await installInto(process.cwd(), ${JSON.stringify(unpacked)});
for (const name of others) symlinkSync(${JSON.stringify(`${checkout}node_modules/`)} + name, "node_modules/" + name);
if (!existsSync("package.json")) writeFileSync("package.json", JSON.stringify({ dependencies: { onbehalf: "*" } }));
`,
  );
  const { stdout } = await run("bash", ["-c", "command -v npm"]);
  await writeFile(
    join(folder, "npm"),
    `#!/bin/sh
case "$*" in "install onbehalf"*) shift 2; exec "${process.execPath}" "${installer}" "$@" ;; esac
exec "${stdout.trim()}" "$@"
`,
    { mode: 0o755 },
  );
  return folder;
}
