/** A project as a reader of docs/frameworks.md makes it: the packed package, a framework, and the page's files. */
import { execFile, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { generateMasterKey } from "../../src/index.ts";
import type { Standin } from "../../src/standin/index.ts";
import { checkout } from "./checkout-bin.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const run = promisify(execFile);

/** What npm would publish, built before; packed once for all projects of this process. */
let packing: Promise<string> | undefined;

async function packed(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], { cwd: checkout });
  return tarballIn(folder);
}

export async function tarballIn(folder: string): Promise<string> {
  return join(folder, (await readdir(folder)).find((name) => name.endsWith(".tgz")) ?? "");
}

/** How a project gets its packages. */
export type Packages =
  /** Those of this checkout, by links; the package itself as it is packed. `instead`: other names for some. */
  | { readonly linked: true; readonly instead?: Readonly<Record<string, string>> }
  /** From the registry into an empty folder, as `npm install` takes them. */
  | { readonly install: readonly string[] };

/** Makes a project in a folder of its own. */
export async function project(
  t: TestContext,
  files: ReadonlyMap<string, string>,
  packages: Packages,
  standin: Pick<Standin, "url" | "clientId" | "clientSecret">,
): Promise<string> {
  const folder = await temporaryFolder(t);
  const tarball = await (packing ??= packed());
  await writeFile(join(folder, "package.json"), '{ "name": "an-app", "private": true, "type": "module" }\n');
  if ("install" in packages) {
    await run("npm", ["install", "--no-audit", "--no-fund", tarball, ...packages.install], { cwd: folder });
  } else {
    await mkdir(join(folder, "node_modules/onbehalf"), { recursive: true });
    // Its files and no link: Node would look for what it imports beside the place that a link leads to.
    await run("tar", ["-xzf", tarball, "--strip-components=1", "-C", join(folder, "node_modules/onbehalf")]);
    for (const name of await readdir(join(checkout, "node_modules"))) {
      const target = packages.instead?.[name] ?? name;
      await symlink(join(checkout, "node_modules", target), join(folder, "node_modules", name));
    }
  }
  for (const [name, text] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(
      join(folder, name),
      // The one difference from a reader's own program: Google is the stand-in.
      text.replace('"client_secret.json"', `"client_secret.json", baseUrl: ${JSON.stringify(standin.url)}`),
    );
  }
  const web = { client_id: standin.clientId, client_secret: standin.clientSecret };
  await writeFile(join(folder, "client_secret.json"), JSON.stringify({ web }));
  return folder;
}

/** Only what a program needs, so that nothing of this run decides what it does. */
export function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, TMPDIR, NEXT_TELEMETRY_DISABLED: "1", ...more };
}

/** Starts a program of a project, until the test has ended. Resolves once it answers. */
export async function started(
  t: TestContext,
  folder: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const port = await freePort();
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: environment({ PORT: String(port), ONBEHALF_KEY: generateMasterKey().expose(), ...more }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = new Promise((resolve) => {
    child.once("close", resolve);
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  t.after(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually(
    () =>
      fetch(`${url}/files`).then(
        () => true,
        () => {
          if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said}`);
          return false;
        },
      ),
    Boolean,
  );
  return url;
}
