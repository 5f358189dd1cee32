/** An operator pastes a secret into the wrong setting: what is said of it must not show it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { generateMasterKey } from "../../../src/index.ts";
import { failureOf } from "../../../src/cli/terminal/failure.ts";
import { serviceConfig, settingNames, settingsFrom } from "../../../src/service/settings/config.ts";
import type { Setting, Settings } from "../../../src/service/settings/config.ts";
import { SecretPlanter, findPlanted, secretKinds } from "../../support/planted-secrets.ts";

const sound: Settings = {
  store: "sqlite::memory:",
  key: generateMasterKey().expose(),
  clientId: "1-x.apps.googleusercontent.com",
  clientSecret: "s",
};

/** What a setting must be to be read at all, with the secret in it. */
const around: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => `"${secret}"`,
  (secret) => `${secret}\n${secret}`,
  (secret) => `postgres://user:${secret}@127.0.0.1:x/${secret}`,
  (secret) => `postgres://user:${secret}@[/db?sslmode=${secret}`,
  (secret) => `sqlite:/nowhere/${secret}/x.db`,
  (secret) => `https://user:${secret}@vault.example/`,
  (secret) => `http://vault.example/?${secret}`,
  (secret) => `grace:${secret}`,
  (secret) => `/run/secrets/${secret}`,
  (secret) => `{"web":{"client_secret":"${secret}"}}`,
];

describe("a secret in a setting", () => {
  const planter = new SecretPlanter();
  for (const setting of Object.keys(settingNames) as Setting[]) {
    test(`a secret in a setting is never repeated: ${settingNames[setting]}`, () => {
      for (const kind of secretKinds) {
        for (const form of around) {
          const value = form(planter.plant(kind));
          for (const others of [sound, {}]) {
            try {
              serviceConfig(settingsFrom({}, variablesOf({ ...others, [setting]: value })));
            } catch (error) {
              const said = [inspect(error, { depth: 20, showHidden: true }), ...failureOf(error).lines].join("\n");
              const found = findPlanted(said);
              assert.equal(found, undefined, `${settingNames[setting]}=${value}`);
            }
          }
        }
      }
    });
  }
});

function variablesOf(settings: Settings): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [settingNames[name as Setting], value]));
}
