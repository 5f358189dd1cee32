/** Programs that npm does not bring, at the paths where Debian puts them. */
import { existsSync } from "node:fs";

const programs = {
  caddy: { path: "/usr/bin/caddy", packages: "caddy" },
  "google-auth for Java": {
    path: "/usr/share/java/google-auth-library-oauth2-http.jar",
    packages: "libgoogle-auth-java libgoogle-api-client-java",
  },
  "google-auth for Python": {
    path: "/usr/lib/python3/dist-packages/google_auth_httplib2.py",
    packages: "python3-googleapi python3-oauth2client",
  },
  go: { path: "/usr/bin/go", packages: "golang-go golang-github-coreos-go-oidc-dev golang-golang-x-oauth2-dev" },
  java: { path: "/usr/bin/javac", packages: "default-jdk-headless libgoogle-gson-java" },
  nginx: { path: "/usr/sbin/nginx", packages: "nginx" },
  promtool: { path: "/usr/bin/promtool", packages: "prometheus" },
  python3: { path: "/usr/bin/python3", packages: "python3-jwt python3-requests python3-cryptography python3-yaml" },
  "systemd-analyze": { path: "/usr/bin/systemd-analyze", packages: "systemd" },
} as const;

export type Program = keyof typeof programs;

/**
 * Skips where a program is not installed, and says how to get it. Not in CI, where a block that nobody ran must not look
 * green; tools/install-test-programs.mjs installs all of them there.
 */
export function needsProgram(...names: readonly Program[]): { readonly skip: string | false } {
  const missing = names.filter((name) => !existsSync(programs[name].path));
  if (missing.length === 0 || process.env["CI"] === "true") return { skip: false };
  return { skip: `needs ${missing.map((name) => programs[name].packages).join(" ")} (apt-get install)` };
}
