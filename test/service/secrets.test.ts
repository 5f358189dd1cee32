import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { divideSecrets, isSecretSetting } from "../../src/service/secrets/secret-names.ts";

const settings = { key: "obm_planted-master-key", clientSecret: "planted-secret", port: "0", keyFile: "k.txt" };

/** Variables that the process which serves must not have been started with, and those that it may. */
const variables: readonly (readonly [name: string, value: string, hidden: boolean])[] = [
  ["ONBEHALF_KEY", "x", true],
  ["ONBEHALF_MASTER_KEY", "x", true],
  ["ONBEHALF_CLIENT_SECRET", "x", true],
  ["ONBEHALF_KEY_FILE", "k.txt", true],
  ["ONBEHALF_STORE", "sqlite:./a.db", true],
  ["CALLER", "Bearer obk_0123456789abcdef_00", true],
  ["SESSION", "obs_0123456789abcdef", true],
  ["HANDLE", "obh_0123456789abcdef", true],
  ["GOOGLE", "GOCSPX-abcdef", true],
  ["ELSEWHERE", "the planted-secret once more", true],
  ["MASTER", "obm_planted-master-key,obm_older", true],
  ["AWS_SECRET_ACCESS_KEY", "x", true],
  ["VAULT_TOKEN", "x", true],
  ["VAULT_TOKEN_2", "x", true],
  ["apikey", "x", true],
  ["PGPASSWORD", "x", true],
  ["DATABASE_URL", "postgres://app:word@db.example/app", true],
  ["DATABASE_URL_2", "postgres://db.example/app?user=a&password=word", true],
  ["HTTPS_PROXY", "http://user:word@proxy.example:3128", true],
  ["REFRESH", "1//0gabcdef", true],
  ["ACCESS", "ya29.abcdef", true],
  ["PEM", "-----BEGIN RSA PRIVATE KEY-----\nx", true],
  ["PATH", "/usr/bin", false],
  ["PWD", "/srv", false],
  ["OLDPWD", "/srv", false],
  ["HOME", "/root", false],
  ["TZ", "Europe/Zurich", false],
  ["NODE_EXTRA_CA_CERTS", "/etc/ca.pem", false],
  ["NODE_OPTIONS", "--max-old-space-size=512", false],
  ["HTTP_PROXY", "http://proxy.example:3128", false],
  ["NO_PROXY", "10.0.0.0/8", false],
  ["SSH_AUTH_SOCK", "/tmp/agent", false],
  ["CREDENTIALS_DIRECTORY", "/run/credentials/onbehalf", false],
  ["PGHOST", "db.example", false],
  ["PORT", "8787", false],
  ["MONKEY", "x", false],
  ["KEYBOARD", "de", false],
];

describe("which variables a process that serves is not started with", () => {
  for (const [name, value, hidden] of variables) {
    test(`${name} is ${hidden ? "kept from it" : "left to it"}`, () => {
      const { open } = divideSecrets(settings, { [name]: value });
      assert.equal(name in open, !hidden);
    });
  }

  test("a variable that the file of providers names is kept from it, and its value wherever else it stands", () => {
    const environment = { WIKI: "plain-looking", COPY: "x plain-looking y", OTHER: "z" };
    const { open, keeper } = divideSecrets(settings, environment, ["WIKI", "NOT_SET"]);
    assert.deepEqual(Object.keys(open), ["OTHER"]);
    assert.equal(keeper.variables["WIKI"], "plain-looking");
  });

  test("who serves gets the settings without the secrets, and what drivers and proxies need; the keeper gets all", () => {
    const environment = Object.fromEntries(variables.map(([name, value]) => [name, value]));
    const { serving, keeper } = divideSecrets(settings, environment);
    assert.deepEqual(serving, {
      settings: { port: "0", keyFile: "k.txt" },
      variables: { PGPASSWORD: "x", HTTPS_PROXY: "http://user:word@proxy.example:3128" },
    });
    assert.deepEqual(keeper.settings, settings);
    assert.equal(keeper.variables["VAULT_TOKEN"], "x");
    assert.equal("ONBEHALF_KEY" in keeper.variables, false, "a setting is handed on as a setting");
  });

  test("a flag with a secret is not among the arguments that the process list shows", () => {
    assert.ok(isSecretSetting("key", "x"));
    assert.ok(isSecretSetting("keyCommand", "print-key --token t"));
    assert.ok(isSecretSetting("clientSecret", "x"));
    assert.ok(isSecretSetting("store", "postgres://app:word@db.example/app"));
    assert.ok(!isSecretSetting("store", "postgres://app@db.example/app"));
    assert.ok(!isSecretSetting("port", "8787"));
  });
});
