/**
 * Installs what some tests drive and npm does not bring: Chromium, PgBouncer, Google's Python and Java clients, and what runs
 * the pages' samples: Python, Go, Java, and the proxies, systemd and Prometheus whose configurations are shown. All of it is
 * some 320 MB to load, and takes a minute.
 * Runs on any Node, before `npm ci`. On Debian as root it installs what is missing; elsewhere it says what to install,
 * and the tests that need it say so too.
 */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";

const packages = [
  "chromium",
  "pgbouncer",
  "python3-oauth2client",
  "python3-googleapi",
  "python3-jwt",
  "python3-requests",
  "python3-cryptography",
  "python3-yaml",
  "golang-go",
  "golang-github-coreos-go-oidc-dev",
  "golang-golang-x-oauth2-dev",
  "default-jdk-headless",
  "libgoogle-gson-java",
  "libgoogle-auth-java",
  "libgoogle-api-client-java",
  "nginx",
  "caddy",
  "systemd",
  "prometheus",
];

const say = (line) => process.stdout.write(`install-test-programs: ${line}\n`);

const isInstalled = (name) => {
  const { status, stdout } = spawnSync("dpkg-query", ["-W", "-f", "${db:Status-Status}", name], { encoding: "utf8" });
  return status === 0 && stdout === "installed";
};

/** By which Debian asks whether a service that comes with a package may be started: not nginx and Caddy, for a test. */
const policy = "/usr/sbin/policy-rc.d";

function withoutServices(install) {
  if (existsSync(policy)) return install();
  writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    return install();
  } finally {
    rmSync(policy);
  }
}

const apt = (...args) =>
  spawnSync("apt-get", ["-y", "-q", ...args], {
    stdio: "inherit",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  }).status === 0;

function main() {
  if (!existsSync("/usr/bin/apt-get") || !existsSync("/usr/bin/dpkg-query")) {
    say(
      "not a Debian: tests whose program is missing are skipped, and say which; " +
        "Chromium must be /usr/bin/chromium, and oauth2client and googleapiclient belong to /usr/bin/python3",
    );
    return;
  }
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) {
    say(`${packages.join(", ")}: all there`);
    return;
  }
  if (process.getuid?.() !== 0) {
    say(`missing: ${missing.join(" ")}; to run all tests: sudo apt-get install ${missing.join(" ")}`);
    return;
  }
  say(`apt-get install ${missing.join(" ")}`);
  const install = (...names) => withoutServices(() => apt("install", "--no-install-recommends", ...names));
  // The lists of a fresh machine may be too old to find the packages with.
  if (install(...missing) || (apt("update") && install(...missing))) return;
  // One that this Debian does not have must not keep the others out.
  const failed = missing.filter((name) => !install(name));
  if (failed.length === 0) return;
  say(`could not install ${failed.join(" ")}: with CI=true their tests will fail, otherwise they are skipped`);
}

main();
