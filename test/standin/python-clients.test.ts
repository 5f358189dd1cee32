import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { testStandin } from "../support/test-standin.ts";
import { appData } from "./talk.ts";

/** Debian's own Python: its packages are not seen by others that may come first on the PATH. */
const python = "/usr/bin/python3";
const packages = "python3-oauth2client python3-googleapi";
const present = spawnSync(python, ["-c", "import oauth2client.client, googleapiclient.discovery"]).status === 0;
// In CI a test that did not run must not look like one that passed.
const skip = present || process.env["CI"] === "true" ? false : `apt-get install ${packages} runs this test`;

const script = fileURLToPath(new URL("python_clients.py", import.meta.url));

interface Kept {
  readonly listed: string[];
  readonly content: string;
  readonly kind: string;
}

interface Results {
  readonly oauth2client: Readonly<Record<string, unknown>>;
  readonly basic: Readonly<Record<string, unknown>>;
  readonly google_auth: { readonly email: string; readonly issuer: string; readonly multipart: Kept };
}

const kept: Kept = { listed: ["a.txt"], content: "hello", kind: "drive#file" };

describe("Google's Python clients", { skip }, () => {
  test("Google's Python clients sign in, verify by certificates, refresh, keep a file, and revoke by GET and then POST", async () => {
    assert.ok(present, `apt-get install ${packages}`);
    await using standin = await testStandin();
    const given = [script, standin.url, standin.clientId, standin.clientSecret];
    // No proxy settings reach it: the stand-in is on this machine.
    const { stdout } = await promisify(execFile)(python, ["-W", "ignore", "-B", ...given], {
      env: {},
      timeout: 60_000,
    });
    const results = JSON.parse(stdout) as Results;
    assert.deepEqual(results.oauth2client, {
      page: 200,
      email: "ada@example.com",
      new_token: true,
      has_refresh_token: true,
      scopes: [
        appData,
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/userinfo.profile",
        "openid",
      ],
      multipart: kept,
      resumable: kept,
      folder: "application/vnd.google-apps.folder",
      missing: 404,
      after_revocation: "invalid_grant: Token has been expired or revoked.",
    });
    assert.deepEqual(results.basic, { email: "carl@example.com", has_refresh_token: true });
    assert.deepEqual(results.google_auth, {
      email: "carl@example.com",
      issuer: "https://accounts.google.com",
      multipart: kept,
    });
    const revocations = standin.log().entries.filter(({ path }) => path === "/revoke");
    assert.deepEqual(
      revocations.map(({ method, status }) => [method, status]),
      [
        ["GET", 405],
        ["POST", 200],
      ],
    );
  });
});
