import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import type { KeyStatus } from "../../../src/index.ts";
import { checkAddress } from "../../../src/service/doctor/check-address.ts";
import { checkAcceptance } from "../../../src/cli/doctor/check-acceptance.ts";
import { checkClientFile, checkClientId } from "../../../src/cli/doctor/check-client.ts";
import { checkDisk, checkMode } from "../../../src/service/doctor/check-files.ts";
import { checkKeys } from "../../../src/service/doctor/check-keys.ts";
import { checkNode } from "../../../src/cli/doctor/check-node.ts";
import { checkClock, checkProvider } from "../../../src/service/doctor/check-provider.ts";
import { checkRescue } from "../../../src/service/doctor/check-rescue.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import type { Finding } from "../../../src/service/doctor/finding.ts";
import type { Verdict } from "../../../src/cli/doctor/check-acceptance.ts";
import { checkListening, tryToListen } from "../../../src/cli/doctor/check-listening.ts";
import { checkVariables } from "../../../src/service/doctor/check-variables.ts";

const statuses = (findings: readonly Finding[]): string => findings.map(({ status }) => status).join(" ");

describe("doctor's checks", () => {
  test("doctor checks: listening: a port that another program has may be our own service's; an address that is not here is wrong", async (t) => {
    const taken = createServer().listen(0, "127.0.0.1");
    t.after(() => taken.close());
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const inUse = checkListening("127.0.0.1", port, await tryToListen("127.0.0.1", port));
    assert.equal(inUse.status, "warn");
    assert.match(inUse.hint ?? "", /^if that is this service, all is well; otherwise another program listens there/);
    assert.equal(checkListening("127.0.0.1", port, "EADDRINUSE", true).status, "ok");
    const elsewhere = checkListening("192.0.2.1", 8787, await tryToListen("192.0.2.1", 8787));
    assert.equal(elsewhere.status, "fail");
    assert.match(elsewhere.message, /EADDRNOTAVAIL.*look at HOST/);
    assert.equal(checkListening("127.0.0.1", 0, await tryToListen("127.0.0.1", 0)).status, "ok");
  });

  test("doctor checks: variables: what looks like a setting and is none is named, with the one that is meant, and without its value", () => {
    const found = checkVariables({
      ONBEHALF_KEY_FILE: "x",
      ONBEHALF_CLIENT_SECRETS_FILE: "planted",
      ONBEHALF_KEYFILE: "planted",
      ONBEHALF_SOMETHING_ELSE: "planted",
      PORTS: "1",
    });
    assert.deepEqual(
      found.map(({ hint = "" }) => /ONBEHALF_[A-Z_]+|--help/.exec(hint)?.[0]),
      ["ONBEHALF_CLIENT_SECRET_FILE", "ONBEHALF_KEY_FILE", "--help"],
    );
    assert.equal(statuses(found), "warn warn warn");
    assert.doesNotMatch(JSON.stringify(found), /planted/);
  });

  test("doctor checks: whatever is not ok says what to do", () => {
    const found = [
      checkNode("20.1.0"),
      ...checkDisk({ path: "x.db", exists: true, fileSystem: 0x6969 }),
      ...checkMode("key file", { path: "key.txt", exists: true, mode: 0o644 }, "fail"),
      checkProvider("google", { url: "https://x", sentAt: 0, receivedAt: 1, failure: "ENOTFOUND" }),
    ];
    assert.equal(statuses(found), "fail fail fail fail");
    for (const { hint } of found) assert.notEqual(hint ?? "", "");
  });

  test("doctor checks: disk: network file systems by their numbers, also as signed words", () => {
    for (const [fileSystem, expected] of [
      [0xef53, "ok"], // ext4
      [0x58465342, "ok"], // XFS
      [0x01021994, "ok"], // tmpfs
      [0x794c7630, "ok"], // overlay
      [0x6969, "fail"],
      [0xff534d42, "fail"],
      [0xff534d42 | 0, "fail"],
      [0xfe534d42, "fail"],
      [0x65735546, "warn"],
      [0x01021997, "warn"],
    ] as const) {
      assert.equal(statuses(checkDisk({ path: "x.db", exists: true, fileSystem })), expected, fileSystem.toString(16));
    }
    assert.deepEqual(checkDisk({ path: "x.db", exists: true }), [], "a system that does not tell");
  });

  test("doctor checks: file mode: only what is open to everybody counts; who is in the group is the operator's choice", () => {
    for (const [mode, expected] of [
      [0o600, "ok"],
      [0o400, "ok"],
      [0o640, "ok"],
      [0o660, "ok"],
      [0o644, "warn"],
      [0o602, "warn"],
      [0o777, "warn"],
    ] as const) {
      assert.equal(statuses(checkMode("store file", { path: "x.db", exists: true, mode }, "warn")), expected);
    }
    assert.deepEqual(checkMode("store file", { path: "x.db", exists: false }, "warn"), []);
  });

  test("doctor checks: rescue: a folder that is there or can be made, and what waits in it", async (t) => {
    const folder = await temporaryFolder(t);
    const file = { kind: "sqlite", location: `${folder}/x.db` };
    const server = { kind: "postgres", location: "postgres://db/x" };
    assert.equal(checkRescue({ kind: "sqlite", location: ":memory:" }, undefined).status, "warn");
    assert.equal(
      checkRescue(file, undefined).message,
      `answers that the store cannot take are kept in ${folder}/x.db-rescue`,
    );
    assert.match(checkRescue(server, undefined).message, /are kept in \/.*\/onbehalf-rescue$/);
    assert.equal(checkRescue(server, `${folder}/not/yet/there`).status, "ok");
    await writeFile(`${folder}/file`, "");
    assert.equal(checkRescue(server, `${folder}/file`).status, "warn");
    assert.equal(checkRescue(server, `${folder}/file/below`).status, "warn");
    await symlink(`${folder}/not/mounted`, `${folder}/link`);
    await symlink(`${folder}/circle`, `${folder}/circle`);
    for (const path of ["link", "link/below", "circle"]) {
      assert.match(checkRescue(server, `${folder}/${path}`).message, /is a link that leads to no folder/, path);
    }
    await mkdir(`${folder}/x.db-rescue`);
    assert.equal(checkRescue(file, undefined).status, "ok");
    await writeFile(`${folder}/x.db-rescue/1.answer`, "{}");
    assert.match(checkRescue(file, undefined).message, /holds 1 answer that/);
  });

  test("doctor checks that a master key opens the store's keys", () => {
    const status = (...masters: readonly (readonly [id: string, given: boolean, wraps: number])[]): KeyStatus => ({
      instance: "i",
      masterKeys: masters.map(([masterKeyId, given, wraps]) => ({ masterKeyId, given, wraps })),
      dataKeys: masters.flatMap(([masterKeyId, opens, wraps]) =>
        Array.from({ length: wraps }, (_, keyId) => ({
          keyId,
          keyClass: "read",
          masterKeyId,
          opens,
          state: "current" as const,
        })),
      ),
    });
    const table: readonly (readonly [KeyStatus, string, RegExp])[] = [
      [status(["a", true, 4]), "ok", /master key a opens the store/],
      [status(["a", true, 0], ["b", false, 4]), "fail", /another master key \(b\)/],
      [status(["new", true, 0], ["old", true, 4]), "ok warn", /not sealed with the first master key \(new\)/],
      [status(["new", true, 2], ["old", true, 2]), "ok warn", /not sealed with the first master key \(new\)/],
      [status(["new", true, 4], ["old", true, 0]), "ok warn", /nothing is sealed with old any more/],
      [{ masterKeys: [], dataKeys: [] }, "ok", /no keys yet/],
      [status(["a", true, 0]), "fail", /has lost the keys/],
    ];
    for (const [given, expected, message] of table) {
      const findings = checkKeys(given);
      assert.equal(statuses(findings), expected);
      assert.match(findings.at(-1)?.message ?? "", message);
    }
  });

  test("doctor checks: client: of which kind; what is no client at all is a problem of the settings", () => {
    const file = (client: object): Finding[] => checkClientFile("c.json", JSON.stringify(client));
    const members = { client_id: "1-x.apps.googleusercontent.com", client_secret: "GOCSPX-planted" };
    assert.equal(statuses(file({ web: members })), "ok");
    assert.equal(statuses(file({ installed: members })), "warn");
    assert.match(file({ installed: members })[0]?.hint ?? "", /type web application/);
    assert.doesNotMatch(JSON.stringify(file({ web: members })), /GOCSPX/);
    assert.deepEqual(file({ type: "service_account" }), []);
    assert.deepEqual(checkClientFile("c.json", undefined), []);
    assert.equal(checkClientId("1-x.apps.googleusercontent.com").status, "ok");
    assert.equal(checkClientId("1-x").status, "warn");
  });

  test("doctor checks that the provider takes the client, and says nothing where the answer does", () => {
    const client = "1-x.apps.googleusercontent.com";
    const verdict = (error: string, description?: string): Verdict => ({
      status: 401,
      error,
      ...(description === undefined ? {} : { description }),
    });
    assert.equal(statuses(checkAcceptance("google", client, verdict("invalid_grant"))), "ok");
    for (const error of ["invalid_client", "unauthorized_client", "disabled_client"]) {
      const [finding] = checkAcceptance("google", client, verdict(error, "Unauthorized"));
      assert.equal(finding?.status, "fail");
      assert.match(finding?.message ?? "", new RegExp(`refuses .*${error}.*client_secret_post`));
    }
    for (const unknown of [
      verdict("deleted_client"),
      verdict("invalid_client", "The OAuth client was not found."),
      verdict("invalid_client", "AADSTS700016: Application with identifier 'x' was not found in the directory"),
      verdict("invalid_client", "client does not exist"),
    ]) {
      const [finding] = checkAcceptance("google", client, unknown);
      assert.equal(finding?.status, "fail");
      assert.match(finding?.message ?? "", new RegExp(`^google knows no client ${client}`));
    }
    for (const error of ["", "slow_down", "not_invalid_client", "temporarily_unavailable", "ya29.planted \u001b[0m"]) {
      const [finding] = checkAcceptance("google", client, { status: 503, error });
      assert.equal(finding?.status, "warn", error);
      assert.match(finding?.message ?? "", /^google does not say whether it accepts client/);
      assert.doesNotMatch(finding?.message ?? "", /planted/);
    }
    assert.deepEqual(checkAcceptance("google", client, undefined), [], "the provider cannot be reached");
  });

  test("doctor checks that the provider can be reached and is the configured one", () => {
    const answer = { url: "https://x/certs", sentAt: 1000, receivedAt: 1080 };
    assert.equal(checkProvider("google", { ...answer, status: 200, keys: 2 }).status, "ok");
    assert.match(checkProvider("google", { ...answer, status: 200, keys: 2 }).message, /in 80 ms with 2 keys/);
    assert.match(checkProvider("google", { ...answer, status: 200, keys: 1 }).message, /in 80 ms with 1 key: /);
    assert.equal(checkProvider("google", { ...answer, status: 200 }).status, "fail", "a captive portal's page");
    assert.equal(checkProvider("google", { ...answer, status: 503 }).status, "fail");
    assert.equal(checkProvider("google", { ...answer, failure: "ECONNREFUSED" }).status, "fail");
  });

  test("doctor checks: clock: from when on it is worth a word, and from when on ID tokens are refused", () => {
    const at = Date.UTC(2026, 10, 22, 12);
    const date = "Sun, 22 Nov 2026 12:00:00 GMT";
    for (const [skewMs, expected, words] of [
      [0, "ok", /0\.5 s behind/],
      [1_500, "ok", /1\.0 s ahead of/],
      [8_000, "warn", /7\.5 s ahead of/],
      [-8_000, "warn", /8\.5 s behind/],
      [59_000, "warn", /58\.5 s ahead of/],
      [62_000, "fail", /61\.5 s ahead of/],
      [-3_600_000, "fail", /3600\.5 s behind/],
    ] as const) {
      const findings = checkClock("google", { url: "", sentAt: at + skewMs - 20, receivedAt: at + skewMs + 20, date });
      assert.equal(statuses(findings), expected);
      assert.match(findings[0]?.message ?? "", words);
    }
    assert.deepEqual(checkClock("google", { url: "", sentAt: 0, receivedAt: 1 }), [], "no answer, no clock");
    assert.deepEqual(checkClock("google", { url: "", sentAt: 0, receivedAt: 1, date: "soon" }), []);
  });

  test("doctor checks: clock: a stand-in's own clock was moved, and this machine's is not to be set", () => {
    const sentAt = Date.UTC(2026, 10, 22, 11);
    const date = "Sun, 22 Nov 2026 12:00:00 GMT";
    for (const [url, expected] of [
      ["https://www.googleapis.com/oauth2/v3/certs", /^set the clock, best with NTP; until then/],
      ["http://127.0.0.1.example.com/certs", /^set the clock, best with NTP; until then/],
      ["http://127.0.0.1:4600/oauth2/v3/certs", /^start a stand-in .+ anew/],
      ["http://localhost:4600/oauth2/v3/certs", /^start a stand-in .+ anew/],
      ["http://[::1]:4600/oauth2/v3/certs", /^start a stand-in .+ anew/],
    ] as const) {
      const [finding] = checkClock("google", { url, sentAt, receivedAt: sentAt, date });
      assert.equal(finding?.status, "fail");
      assert.match(finding.hint ?? "", expected, url);
    }
  });

  test("doctor checks: address: what people are told fits what is listened on", () => {
    for (const [host, publicUrl, expected] of [
      ["127.0.0.1", undefined, "ok"],
      ["localhost", undefined, "ok"],
      ["::1", undefined, "ok"],
      ["0.0.0.0", undefined, "warn"],
      ["10.0.0.5", undefined, "warn"],
      ["0.0.0.0", "https://app.example.com", "ok"],
      ["127.0.0.1", "https://app.example.com", "ok"],
      ["0.0.0.0", "http://localhost:8787", "warn"],
      ["127.0.0.1", "http://127.0.0.1:8787", "ok"],
    ] as const) {
      assert.equal(checkAddress({ host, port: 8787, publicUrl }).status, expected, `${host} ${publicUrl ?? ""}`);
    }
  });
});
