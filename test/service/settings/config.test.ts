import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
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

  test("the configuration: a key file that everybody may read or change is refused, unless it is allowed", async (t) => {
    const keyFile = join(await temporaryFolder(t), "master.key");
    await writeFile(keyFile, `${key}\n`);
    const settings = { store: "sqlite::memory:", keyFile };
    for (const [mode, refused] of [
      [0o600, false],
      [0o400, false],
      [0o640, false],
      [0o644, true],
      [0o604, true],
      [0o602, true],
      [0o666, true],
    ] as const) {
      await chmod(keyFile, mode);
      const read = (): unknown => storeConfig(settings);
      if (refused) {
        assert.throws(read, (error) => {
          assert.ok(isOnbehalfError(error, "configuration_invalid"));
          const [problem = ""] = error.details.problems;
          assert.match(
            problem,
            new RegExp(`^ONBEHALF_KEY_FILE: everybody .* \\(mode ${mode.toString(8)}\\): chmod 600 `),
          );
          assert.match(problem, /ONBEHALF_OPEN_KEY_FILE=allow$/);
          return true;
        });
      } else assert.doesNotThrow(read, mode.toString(8));
      assert.doesNotThrow(() => storeConfig({ ...settings, openKeyFile: "allow" }));
    }
  });

  test("the configuration: each problem alone is found, and names its setting", () => {
    const table: readonly (readonly [Settings, RegExp])[] = [
      [{ store: "mysql://x" }, /^ONBEHALF_STORE must be/],
      [{ store: "sqlite:/no/such/folder/x.db" }, /^ONBEHALF_STORE: the folder \/no\/such\/folder does not exist/],
      [{ store: "sqlite:file:x.db" }, /^ONBEHALF_STORE: .*needs the path of a file/],
      [{ storeDirect: "postgres://db.example/grants" }, /^ONBEHALF_STORE_DIRECT is for a PostgreSQL store/],
      [{ rescueDir: import.meta.filename }, /^ONBEHALF_RESCUE_DIR: .* is a file: name a folder/],
      [{ store: "postgres://user:planted@" }, /^ONBEHALF_STORE: /],
      [{ key: "obm_x" }, /^ONBEHALF_KEY: the master key is malformed/],
      [{ key: `${key},${key.slice(0, -1)}` }, /^ONBEHALF_KEY: the master key is malformed/],
      [{ keyFile: "x" }, /^ONBEHALF_KEY and ONBEHALF_KEY_FILE are both set/],
      [{ keyCommand: "age -d x" }, /^ONBEHALF_KEY and ONBEHALF_KEY_COMMAND are both set: keep one$/],
      [{ keyFile: "x", keyCommand: "y" }, /^ONBEHALF_KEY, ONBEHALF_KEY_FILE and ONBEHALF_KEY_COMMAND are all set/],
      [{ clientSecretFile: "/no/such/file" }, /are both set: keep one$/],
      [{ googleBaseUrl: "http://example.com" }, /^ONBEHALF_GOOGLE_BASE_URL must be an https URL/],
      [{ googleBaseUrl: "nonsense" }, /^ONBEHALF_GOOGLE_BASE_URL must be an https URL/],
      [{ publicUrl: "https://user@example.com" }, /^ONBEHALF_PUBLIC_URL must be a URL without/],
      [{ allowedHosts: "onbehalf.internal, http://x" }, /^ONBEHALF_ALLOWED_HOSTS must list hosts in full/],
      [{ allowedHosts: "*.example.com" }, /^ONBEHALF_ALLOWED_HOSTS must list hosts in full/],
      [{ googleDpop: "yes" }, /^ONBEHALF_GOOGLE_DPOP must be on or off/],
      [{ openKeyFile: "yes" }, /^ONBEHALF_OPEN_KEY_FILE must be allow or refuse$/],
      [{ privateApis: "yes" }, /^ONBEHALF_PRIVATE_APIS must be allow or refuse/],
      [{ allowedHosts: "x:80" }, /^ONBEHALF_ALLOWED_HOSTS must list hosts in full/],
      [{ publicUrl: "https://example.com/?x" }, /^ONBEHALF_PUBLIC_URL must be a URL without/],
      [
        { allowedOrigins: "https://a.example, https://b.example/path" },
        /^ONBEHALF_ALLOWED_ORIGINS: https:\/\/b\.example\/path must be an origin/,
      ],
      [{ rotation: "sometimes" }, /^ONBEHALF_ROTATION must be/],
      [{ keeper: "yes" }, /^ONBEHALF_KEEPER must be/],
      [{ exchangesPerSecond: "0" }, /^ONBEHALF_EXCHANGES_PER_SECOND must be/],
      [
        { webhookUrl: "http://app.example/hook", webhookSecret: `whsec_${"A".repeat(32)}` },
        /^ONBEHALF_WEBHOOK_URL must be/,
      ],
      [
        { webhookUrl: "https://a:b@app.example/", webhookSecret: `whsec_${"A".repeat(32)}` },
        /^ONBEHALF_WEBHOOK_URL must be/,
      ],
      [{ webhookUrl: "https://app.example/hook" }, /^ONBEHALF_WEBHOOK_SECRET is missing/],
      [{ webhookSecret: `whsec_${"A".repeat(32)}` }, /^ONBEHALF_WEBHOOK_URL is missing/],
      [{ webhookUrl: "https://app.example/hook", webhookSecret: "whsec_short" }, /^ONBEHALF_WEBHOOK_SECRET must be/],
      [{ eventsKeptDays: "1" }, /^ONBEHALF_EVENTS_KEPT_DAYS must be/],
      [{ consentEndsSoonDays: "91" }, /^ONBEHALF_CONSENT_ENDS_SOON_DAYS must be/],
      [{ tokenMemoryMb: "0" }, /^ONBEHALF_TOKEN_MEMORY_MB must be/],
      [{ tokenMemoryMb: "64MB" }, /^ONBEHALF_TOKEN_MEMORY_MB must be/],
      [{ tokenMemoryMb: "65537" }, /^ONBEHALF_TOKEN_MEMORY_MB must be/],
      [{ logLevel: "loud" }, /^ONBEHALF_LOG_LEVEL must be/],
      [{ host: "http://127.0.0.1" }, /^HOST must be an address/],
      [{ host: "127.0.0.1:8787" }, /^HOST must be an address/],
      [{ host: "[::1]" }, /^HOST must be an address/],
      [{ host: "*" }, /^HOST must be an address/],
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

  test("the configuration: every setting that is taken as it stands is looked at, and its value not shown", () => {
    const ways: readonly (readonly [(value: string) => string, RegExp])[] = [
      [(value) => `"${value}"`, /stands in quotes/],
      [(value) => `'${value}'`, /stands in quotes/],
      [(value) => `${value.slice(0, 3)}\u200B${value.slice(3)}`, /has an invisible character/],
      [(value) => `${value.slice(0, 3)}\u0000${value.slice(3)}`, /has a control character/],
      [(value) => `${value}\${PLANTED}`, /has a variable in it that was not replaced/],
      [() => "${PLANTED}", /has a variable in it that was not replaced/],
      [() => "changeme", /is a placeholder/],
    ];
    const filled: Settings = {
      store: "postgres://user:planted@db.example/grants",
      storeDirect: "postgres://user:planted@db.example/grants",
      key,
      keyFile: "planted.txt",
      openKeyFile: "refuse",
      keyCommand: "planted --out planted",
      clientSecretFile: "planted.json",
      clientId: "1-x.apps.googleusercontent.com",
      clientSecret: "GOCSPX-planted",
      googleBaseUrl: "https://planted.example",
      rotation: "strict",
      popupRedirectUri: "https://planted.example",
      keeper: "process",
      exchangesPerSecond: "50",
      allowedOrigins: "https://planted.example",
      publicUrl: "https://planted.example",
      logLevel: "debug",
      host: "127.0.0.1",
      port: "8787",
    };
    const alone: Partial<Record<keyof Settings, Settings>> = {
      keyFile: { store: "sqlite::memory:", clientId: "x", clientSecret: "s" },
      keyCommand: { store: "sqlite::memory:", clientId: "x", clientSecret: "s" },
      clientSecretFile: { store: "sqlite::memory:", key },
    };
    for (const setting of Object.keys(settingNames) as (keyof Settings)[]) {
      for (const [spoil, expected] of ways) {
        const others = alone[setting] ?? whole;
        const problems = problemsOf({ ...others, [setting]: spoil(filled[setting] ?? "planted") });
        const named = problems.filter((problem) => problem.startsWith(`${settingNames[setting]} `));
        assert.equal(named.length, 1, `${setting}: ${problems.join("\n")}`);
        assert.match(named[0] ?? "", expected);
        assert.doesNotMatch(named[0] ?? "", /planted|obm_/i);
      }
    }
  });

  test("the configuration: a key command is looked at outside of its quotes, not run, and its words are not shown", () => {
    const others: Settings = {
      store: "sqlite::memory:",
      clientId: "1-x.apps.googleusercontent.com",
      clientSecret: "s",
    };
    const right = [
      "cat master.key",
      "sh -c 'age -d ${PLANTED} | base64 -d'",
      `sh -c "kms $PLANTED; exit"`,
      "'/opt/my tools/kms' 'planted key'",
      "/no/such/program",
      "aws kms decrypt --query Plaintext --output text",
    ];
    for (const keyCommand of right) assert.deepEqual(problemsOf({ ...others, keyCommand }), [], keyCommand);
    const wrong: readonly (readonly [string, RegExp])[] = [
      ["cat planted | base64 -d", /the key command has an unquoted \| in it/],
      ["cat $PLANTED", /the key command has an unquoted \$ in it/],
      ["cat `planted`", /has an unquoted ` in it/],
      ["cat ~/planted.key", /has an unquoted ~ in it/],
      ["cat planted; true", /has an unquoted ; in it/],
      ["cat planted > /dev/stdout", /has an unquoted > in it/],
      ["sh -c 'planted", /has a ' that is not closed/],
      ["''", /the key command names no program|stands in quotes/],
    ];
    for (const [keyCommand, expected] of wrong) {
      const [problem = "", ...more] = problemsOf({ ...others, keyCommand });
      assert.match(problem, expected);
      assert.match(problem, /^ONBEHALF_KEY_COMMAND\b/);
      assert.doesNotMatch(problem, /planted/i);
      assert.deepEqual(more, []);
    }
  });

  test("the configuration: keys and origins may stand in lines of their own", () => {
    const another = generateMasterKey().expose();
    assert.deepEqual(problemsOf({ ...whole, key: `${key}\n${another}` }), []);
    const allowedOrigins = "https://a.example\n  https://b.example";
    assert.deepEqual(problemsOf({ ...whole, allowedOrigins }), []);
  });

  test("the configuration: commands look at the settings that they use, and at no others", () => {
    const clientSecret = '"planted"';
    assert.equal(storeConfig({ ...whole, clientSecret }).store.kind, "sqlite");
    assert.throws(() => serviceConfig({ ...whole, clientSecret }), /^.*ONBEHALF_CLIENT_SECRET stands in quotes/);
  });

  test("the configuration: a popup's redirect is a word or a URL", () => {
    for (const popupRedirectUri of ["postmessage", "https://app.example"]) {
      assert.deepEqual(problemsOf({ ...whole, popupRedirectUri }), []);
    }
    assert.match(
      problemsOf({ ...whole, popupRedirectUri: "app.example" }).join(),
      /^ONBEHALF_POPUP_REDIRECT_URI must be/,
    );
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
    const standin = { client_id: "x", client_secret: "y", token_uri: "http://127.0.0.1:4600/token" };
    await writeFile(path, JSON.stringify({ web: standin }));
    assert.match(
      problemsOf({ ...rest, clientSecretFile: path }).join(),
      /belongs to another provider: its token_uri is http:\/\/127/,
    );
    assert.deepEqual(problemsOf({ ...rest, clientSecretFile: path, googleBaseUrl: "http://127.0.0.1:4600" }), []);
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
