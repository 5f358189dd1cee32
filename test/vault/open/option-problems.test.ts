import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  generateMasterKey,
  google,
  isOnbehalfError,
  keyringFromKeys,
  oidc,
  openKeeper,
  openVault,
} from "../../../src/index.ts";
import type { VaultOptions } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";

const good = (): VaultOptions => ({
  provider: google({ clientId: "id", clientSecret: "s3cret" }),
  store: sqlite(":memory:"),
  keyring: keyringFromKeys(generateMasterKey()),
});

describe("the options of a vault", () => {
  const wrong: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ store: undefined }, /^store must be a store$/],
    [{ store: "sqlite:x.db" }, /^store must be a store$/],
    [{ keyring: undefined }, /^keyring must say where the master key comes from$/],
    [{ keyring: "obm_x" }, /^keyring must say/],
    [{ provider: null }, /^a provider must be a record$/],
    [{ provider: "google" }, /^a provider must be a record$/],
    [{ provider: undefined, providers: {} }, /^providers must be a list of providers$/],
    [{ provider: undefined, providers: [] }, /^a provider must be given$/],
    [{ onEvent: "log" }, /^onEvent must be a function$/],
    [{ clock: 7 }, /^clock must be a clock$/],
    [{ fetch: {} }, /^fetch must be a function/],
    [{ migrate: "no" }, /^migrate must be true or false$/],
    [{ exchangeRate: { perSecond: 0, burst: 1 } }, /^exchangeRate must have/],
    [{ exchangeRate: { perSecond: 50 } }, /^exchangeRate must have/],
    [{ exchangeTimeoutMs: Number.NaN }, /^exchangeTimeoutMs must be 1 to/],
    [{ rescueFolder: "" }, /^rescueFolder must be a path$/],
    [{ rescueFolder: '"/var/rescue"' }, /^rescueFolder stands in quotes$/],
  ];
  for (const [more, message] of wrong) {
    test(`the options of a vault are refused by name: ${JSON.stringify(more)}`, async () => {
      for (const open of [openVault, openKeeper]) {
        await assert.rejects(
          async () => open({ ...good(), ...more }),
          (error) => isOnbehalfError(error, "configuration_invalid") && message.test(error.message),
        );
      }
    });
  }

  test("the options of a vault must be there at all", async () => {
    for (const options of [undefined, null, 7, "x", []]) {
      await assert.rejects(openVault(options as never), (error) => isOnbehalfError(error, "configuration_invalid"));
    }
  });

  test("the options of a vault: what is wrong with several providers is told at once", async () => {
    const client = { clientId: "id", clientSecret: "s3cret\n" };
    const providers = [oidc({ name: "one", issuer: "https://a.example ", ...client }), google(client)];
    await assert.rejects(openVault({ ...good(), provider: undefined as never, providers }), (error) => {
      assert.ok(isOnbehalfError(error, "configuration_invalid"));
      assert.deepEqual(error.details.problems, [
        "provider one: issuer has white space around it",
        "provider one: clientSecret ends with a line end",
        "provider google: clientSecret ends with a line end",
      ]);
      return true;
    });
  });
});
