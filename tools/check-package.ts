/** What is published: its entry points and types as others resolve them. Looks at dist/ as it was built before. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.ts";

const folder = mkdtempSync(join(tmpdir(), "onbehalf-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
// Without the scripts of a pack: they would build once more.
const packed = await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder]);
const [tarball = ""] = readdirSync(folder);
const codes = [
  packed,
  await run("publint", ["--strict", join(folder, tarball)]),
  await run("attw", [join(folder, tarball), "--profile", "esm-only", "--quiet"]),
];
process.exit(Math.max(...codes));
