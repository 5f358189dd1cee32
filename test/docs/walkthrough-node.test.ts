import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { checkout } from "../support/checkout-bin.ts";
import { installInto, offlineNpm, unpackedPackage } from "../support/packed-package.ts";
import { sampleLanguages } from "../support/sample-languages.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blocksFor } from "./block-runners.ts";
import { fileNameOf, runAsPasted } from "./page-session.ts";

const blocks = blocksFor("walkthrough-node");

describe("docs/walkthrough-node.md", { timeout: 120_000 }, () => {
  test("docs/walkthrough-node.md: from a client's file to a night, and to somebody who leaves", async (t) => {
    const folder = await temporaryFolder(t);
    const env = await sampleLanguages(folder);
    await runAsPasted(t, blocks, {
      folder,
      env: { ...env, PATH: [await offlineNpm(t), env["PATH"]].join(delimiter) },
      ports: [4600, 3000],
    });
  });

  test("docs/walkthrough-node.md: its modules are right for a strict compiler", async (t) => {
    const folder = await temporaryFolder(t);
    await installInto(folder, await unpackedPackage(t));
    const modules = join(folder, "node_modules");
    await mkdir(join(modules, "@types"), { recursive: true });
    // Some come with the package.
    for (const name of ["express", "@types/express", "@types/node"].filter(
      (each) => !existsSync(join(modules, each)),
    )) {
      await symlink(join(checkout, "node_modules", name), join(modules, name));
    }
    const files = blocks.flatMap((block) =>
      block.language === "ts" ? [{ name: fileNameOf(block) ?? "", block }] : [],
    );
    for (const { name, block } of files) await writeFile(join(folder, name), block.text);
    const flags = [
      "--strict",
      "--noUncheckedIndexedAccess",
      "--exactOptionalPropertyTypes",
      "--noEmit",
      "--skipLibCheck",
    ];
    const target = ["--module", "nodenext", "--target", "es2024", "--types", "node", "--allowImportingTsExtensions"];
    await promisify(execFile)("tsc", [...flags, ...target, ...files.map(({ name }) => name)], { cwd: folder });
  });
});
