import assert from "node:assert/strict";
import { test } from "node:test";
import { flagsForKeeper, nodeOptionsForKeeper } from "../../src/keeper-process/node-flags.ts";

test("a keeper's process is given flags about trust, network, permissions and memory", () => {
  const flags = [
    "--use-system-ca",
    "--tls-min-v1.2",
    "--dns-result-order=ipv4first",
    "--max-http-header-size",
    "65536",
    "--permission",
    "--allow-fs-read=*",
    "--allow-child-process",
    "--max_old_space_size=300",
    "--no-warnings",
  ];
  assert.deepEqual(flagsForKeeper(flags), flags);
});

test("a keeper's process is given nothing that runs the app's code, opens a debugger, or is a test runner's", () => {
  for (const flags of [
    ["--import", "./instrument.mjs"],
    ["--import=tsx"],
    ["-r", "dotenv/config"],
    ["--require=./first.cjs"],
    ["--experimental-loader", "./loader.mjs"],
    ["--inspect"],
    ["--inspect-brk=0.0.0.0:9229"],
    ["--inspect_port=0"],
    ["-e", "console.log(1)"],
    ["--eval=1"],
    ["--print", "1"],
    ["--test", "--test-isolation=none"],
    ["--watch"],
    ["--cpu-prof"],
    ["--env-file=.env"],
    ["--env-file", ".env"],
    ["--conditions", "development"],
    // The keys of its connections: with them, whoever has the traffic reads refresh tokens.
    ["--tls-keylog=keys.log"],
  ]) {
    assert.deepEqual(flagsForKeeper(flags), []);
    assert.deepEqual(flagsForKeeper(["--use-system-ca", ...flags, "--no-warnings"]), [
      "--use-system-ca",
      "--no-warnings",
    ]);
    assert.equal(nodeOptionsForKeeper(flags.join(" ")), "");
  }
});

test("NODE_OPTIONS keeps what stands in quotes together", () => {
  const options = `--import "./my file.mjs" --openssl-config="/etc/my ssl.cnf" --require="a \\"b\\" --use-system-ca" --use-openssl-ca`;
  assert.equal(nodeOptionsForKeeper(options), `--openssl-config="/etc/my ssl.cnf" --use-openssl-ca`);
  assert.equal(nodeOptionsForKeeper(""), "");
});

test("NODE_OPTIONS reads a flag in quotes as Node does", () => {
  for (const flag of [`"--import=./otel.mjs"`, `"-r" "./first.cjs"`, `-"-require=./a b.cjs"`, `"\\--inspect"`]) {
    assert.equal(
      nodeOptionsForKeeper(`--use-system-ca ${flag} "--use-env-proxy"`),
      `--use-system-ca "--use-env-proxy"`,
    );
  }
});
