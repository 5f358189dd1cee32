import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { checkout } from "./support/checkout-bin.ts";

interface Manifest {
  readonly private?: boolean;
  readonly version?: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
}
interface Locked {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

const json = (path: string): unknown => JSON.parse(readFileSync(`${checkout}${path}`, "utf8"));
const bench = json("bench/package.json") as Manifest;
const root = json("package.json") as Manifest;

/** What is measured beside us must cost nobody anything who does not measure. */
describe("the package of the measurements", () => {
  test("bench/ is a package of its own that nobody publishes, and the package that is published does not have it", () => {
    assert.equal(bench.private, true);
    assert.ok(!(root.files ?? []).some((each) => each.startsWith("bench")));
  });

  test("bench/ names each of its packages by one version, and the locked one is that", () => {
    const { packages } = json("bench/package-lock.json") as {
      packages: Readonly<Record<string, Manifest & Locked>>;
    };
    assert.deepEqual(packages[""]?.dependencies, bench.dependencies);
    for (const [name, version] of Object.entries(bench.dependencies)) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
      assert.equal(packages[`node_modules/${name}`]?.version, version);
    }
  });

  test("bench/package-lock.json has the hash of every package, downloads from one registry, and runs nothing at installing", () => {
    const { packages } = json("bench/package-lock.json") as { packages: Readonly<Record<string, Locked>> };
    const { packages: ours } = json("package-lock.json") as { packages: Readonly<Record<string, Locked>> };
    const hostsOf = (locked: Readonly<Record<string, Locked>>): string[] => [
      ...new Set(
        Object.values(locked).flatMap(({ resolved = "" }) => (URL.canParse(resolved) ? [new URL(resolved).host] : [])),
      ),
    ];
    assert.deepEqual(hostsOf(packages), hostsOf(ours));
    for (const [path, { integrity = "", hasInstallScript }] of Object.entries(packages)) {
      if (path === "") continue;
      assert.match(integrity, /^sha512-\S{88}$/, path);
      assert.notEqual(hasInstallScript, true, path);
    }
  });

  test("no peer that only bench/ needs is installed with the project", () => {
    assert.ok(!("better-auth" in { ...root.dependencies, ...root.devDependencies }));
  });
});
