import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { generateMasterKey, isOnbehalfError } from "../../../src/index.ts";
import {
  serviceConfig,
  settingNames,
  settingsFrom,
  storeConfig,
  storeFrom,
} from "../../../src/service/settings/config.ts";
import type { Settings } from "../../../src/service/settings/config.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const key = generateMasterKey().expose();
const whole: Settings = {
  store: "sqlite::memory:",
  key,
  clientId: "1-x.apps.googleusercontent.com",
  clientSecret: "s",
};

function problemsOf(settings: Settings): readonly string[] {
  try {
    serviceConfig(settings);
  } catch (error) {
    assert.ok(isOnbehalfError(error, "configuration_invalid"), String(error));
    return error.details.problems;
  }
  return [];
}

describe("settings", () => {
  test("settings: a flag wins over its variable, and an empty one counts as absent", () => {
    assert.deepEqual(settingsFrom({ port: "1" }, { PORT: "2", HOST: " ::1 ", ONBEHALF_STORE: "" }), {
      port: "1",
      host: "::1",
    });
    assert.deepEqual(settingsFrom({ port: " " }, {}), {});
  });

  test("settings: a flag wins over what says the same in another way", () => {
    const environment = {
      ONBEHALF_KEY: "k",
      ONBEHALF_KEY_FILE: "kf",
      ONBEHALF_CLIENT_SECRET_FILE: "c",
      ONBEHALF_CLIENT_ID: "i",
      ONBEHALF_CLIENT_SECRET: "s",
    };
    assert.deepEqual(settingsFrom({ keyFile: "mine", clientSecretFile: "mine" }, environment), {
      keyFile: "mine",
      clientSecretFile: "mine",
    });
    // The secret comes from the environment, where it belongs; the id may be a flag.
    assert.deepEqual(settingsFrom({ key: "mine", clientId: "mine" }, environment), {
      key: "mine",
      clientId: "mine",
      clientSecret: "s",
    });
  });

  test("settings: what is read from the environment is what the table names", () => {
    const environment = Object.fromEntries(Object.values(settingNames).map((name) => [name, name.toLowerCase()]));
    const settings = settingsFrom({}, environment);
    assert.deepEqual(Object.keys(settings), Object.keys(settingNames));
  });
});

describe("configuration", () => {
  test("the configuration: the smallest that is enough, with its defaults", () => {
    const { host, port, logLevel, keeper, publicUrl, allowedOrigins, providers } = serviceConfig(whole);
    assert.deepEqual(
      { host, port, logLevel, keeper, publicUrl, allowedOrigins },
      { host: "127.0.0.1", port: 8787, logLevel: "info", keeper: true, publicUrl: undefined, allowedOrigins: [] },
    );
    assert.equal(providers[0]?.rotation, "none");
  });

  test("the configuration: each problem alone is found, and names its setting", () => {
    const table: readonly (readonly [Settings, RegExp])[] = [
      [{ store: "mysql://x" }, /^ONBEHALF_STORE must be/],
      [{ store: "sqlite:/no/such/folder/x.db" }, /^ONBEHALF_STORE: the folder \/no\/such\/folder does not exist/],
      [{ store: "sqlite:file:x.db" }, /^ONBEHALF_STORE: .*needs the path of a file/],
      [{ storeDirect: "postgres://db.example/grants" }, /^ONBEHALF_STORE_DIRECT is for a PostgreSQL store/],
      [{ store: "postgres://user:planted@" }, /^ONBEHALF_STORE: /],
      [{ key: "obm_x" }, /^ONBEHALF_KEY: the master key is malformed/],
      [{ key: `${key},${key.slice(0, -1)}` }, /^ONBEHALF_KEY: the master key is malformed/],
      [{ keyFile: "x" }, /^ONBEHALF_KEY and ONBEHALF_KEY_FILE are both set/],
      [{ clientSecretFile: "/no/such/file" }, /are both set: keep one$/],
      [{ googleBaseUrl: "http://example.com" }, /^ONBEHALF_GOOGLE_BASE_URL must be an https URL/],
      [{ googleBaseUrl: "nonsense" }, /^ONBEHALF_GOOGLE_BASE_URL must be an https URL/],
      [{ publicUrl: "https://user@example.com" }, /^ONBEHALF_PUBLIC_URL must be a URL without/],
      [{ publicUrl: "https://example.com/?x" }, /^ONBEHALF_PUBLIC_URL must be a URL without/],
      [
        { allowedOrigins: "https://a.example, https://b.example/path" },
        /^ONBEHALF_ALLOWED_ORIGINS: https:\/\/b\.example\/path must be an origin/,
      ],
      [{ rotation: "sometimes" }, /^ONBEHALF_ROTATION must be/],
      [{ keeper: "yes" }, /^ONBEHALF_KEEPER must be/],
      [{ exchangesPerSecond: "0" }, /^ONBEHALF_EXCHANGES_PER_SECOND must be/],
      [{ logLevel: "loud" }, /^ONBEHALF_LOG_LEVEL must be/],
      [{ port: "1e3" }, /^PORT must be/],
      [{ port: "65536" }, /^PORT must be/],
    ];
    for (const [settings, expected] of table) {
      const problems = problemsOf({ ...whole, ...settings });
      assert.match(problems[0] ?? "", expected);
      for (const problem of problems) {
        assert.ok(!problem.includes(key.slice(4, 40)) && !problem.includes("planted"), "a problem shows a secret");
      }
    }
  });

  test("the configuration: all problems are found at once", () => {
    const problems = problemsOf({ store: "x", port: "x", logLevel: "x", publicUrl: "x", keeper: "x", rotation: "x" });
    assert.equal(problems.length, 8, problems.join("\n"));
  });

  test("the configuration: the client's file is read, and its mistake named", async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, "client.json");
    const { clientId: _, clientSecret: __, ...rest } = whole;
    for (const [text, expected] of [
      ["{", /is not JSON/],
      ['{"type":"service_account"}', /is a service account's key/],
      ['{"web":{"client_id":"x"}}', /has no client_secret/],
    ] as const) {
      await writeFile(path, text);
      assert.match(problemsOf({ ...rest, clientSecretFile: path }).join(), expected);
    }
    await writeFile(path, '{"web":{"client_id":"x","client_secret":"y"}}');
    assert.deepEqual(problemsOf({ ...rest, clientSecretFile: path }), []);
    assert.match(problemsOf({ ...rest, clientSecretFile: join(folder, "none") }).join(), /none cannot be read/);
  });

  test("the configuration: commands that look after the store need no client, and those that open nothing no key", () => {
    assert.equal(storeConfig({ store: "sqlite::memory:", key }).store.kind, "sqlite");
    assert.equal(storeFrom({ store: "sqlite::memory:" }).kind, "sqlite");
    assert.equal(storeFrom({ store: "postgres://user:planted@db.example/grants" }).kind, "postgres");
    assert.throws(() => storeConfig({ store: "sqlite::memory:" }), /ONBEHALF_KEY/);
  });
});
