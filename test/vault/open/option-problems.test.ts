import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
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
    [{ telemetry: { trace: {} } }, /^telemetry must be the module @opentelemetry\/api$/],
    [{ fetch: {} }, /^fetch must be a function/],
    [{ migrate: "no" }, /^migrate must be true or false$/],
    [{ exchangeRate: { perSecond: 0, burst: 1 } }, /^exchangeRate must have/],
    [{ exchangeRate: { perSecond: 50 } }, /^exchangeRate must have/],
    [{ webhook: { url: "http://app.example/", secrets: [`whsec_${"A".repeat(32)}`] } }, /^webhook must have url/],
    [{ webhook: { url: "https://app.example/", secrets: [] } }, /^webhook must have url/],
    [{ eventsKeptDays: 1 }, /^eventsKeptDays must be a number of days/],
    [{ consentEndsSoonDays: 91 }, /^consentEndsSoonDays must be a number of days/],
    [{ tokenMemoryMb: 0 }, /^tokenMemoryMb must be a number of MiB/],
    [{ tokenMemoryMb: Number.NaN }, /^tokenMemoryMb must be a number of MiB/],
    [{ tokenMemoryMb: "64" }, /^tokenMemoryMb must be a number of MiB/],
    [{ exchangeTimeoutMs: Number.NaN }, /^exchangeTimeoutMs must be 1 to/],
    [{ keyRing: 1 }, /^keyRing is no option$/],
    [{ key_ring: 1 }, /^key_ring is no option$/],
    [{ onEvents: () => undefined }, /^onEvents is no option$/],
    [{ exchangeTimeout: 5 }, /^exchangeTimeout is no option$/],
    [{ "a\nb": 1 }, /^a member is no option$/],
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

  test("the options of a vault: a misspelt one is told of first, with the name that was meant", async () => {
    const { keyring: keyRing, ...rest } = good();
    await assert.rejects(openVault({ ...rest, keyRing } as never), (error) => {
      assert.ok(isOnbehalfError(error, "configuration_invalid"));
      assert.deepEqual(
        [error.details.problems, error.hint],
        [["keyRing is no option", "keyring must say where the master key comes from"], "write keyring"],
      );
      return true;
    });
    const vault = await openVault({ ...good(), keyRing: undefined } as never);
    await vault.close();
  });

  const record = oidc({ name: "one", issuer: "https://id.example", clientId: "id", clientSecret: "s3cret" });
  const notNumbers = [Number.NaN, -1, 0, Infinity, "3600", null, {}];
  const wrongMembers: readonly (readonly [member: string, values: readonly unknown[]])[] = [
    ["accessTokenTtlSeconds", notNumbers],
    ["keepAliveDays", notNumbers],
    ["announcedEnds", ["moves", null, ["a"], { a: "never" }, { a: true }]],
    ["canonicalScopes", ["email", null, ["a"], { a: 1 }, { a: "" }]],
    ["forwardHeaders", ["x-a", null, {}, [1], ["x a"], ["x-a: 1"], ["*a"], [""]]],
    ["tokenRefusals", [403, null, {}, [403], [{}], [{ status: "403" }], [{ status: 99 }], [{ status: 403, word: 7 }]]],
    ["tokenRefusals", [[{ status: 403, word: "" }], [{ status: Number.NaN }], [null]]],
    ["refusals", ["dead", null, ["a"], { a: "deadly" }, { a: "toString" }, { a: null }]],
    ["connectionsPage", ["", "id.example/apps", "javascript:alert(1)", 7, null]],
    ["rotation", ["sometimes", null, {}, { graceSeconds: -1 }, { graceSeconds: "30" }, { graceSeconds: Number.NaN }]],
    ["apiHosts", ["api.example", null, [1]]],
    ["privateApis", ["yes", 1]],
    ["tokenHosts", ["token.example", {}, [null]]],
    ["authorizedParties", ["a", [null]]],
    ["alsoIssuedAs", ["https://id.example/"]],
    ["idTokenAlgorithms", ["RS256", null, [""]]],
    ["redirectUriFor", [null, "https://app.example", { ios: 7 }]],
    ["clientAuthentication", ["tls_client_auth", null]],
    ["revocationEndsSiblings", ["yes", null]],
    ["endpoints", ["discovery", null, []]],
    ["offlineHint", [7, null]],
    ["client", [null, "id"]],
  ];
  for (const [member, values] of wrongMembers) {
    for (const value of values) {
      test(`a provider's ${member} is refused by its name: ${inspect(value)}`, async () => {
        await assert.rejects(
          async () => openVault({ ...good(), provider: { ...record, [member]: value } }),
          (error) => {
            assert.ok(isOnbehalfError(error, "configuration_invalid"));
            assert.match(error.message, new RegExp(`^provider one: ${member} must be `));
            return true;
          },
        );
      });
    }
  }

  test("a provider's record with every member as it must be is taken", async () => {
    const all = {
      accessTokenTtlSeconds: 0.5,
      keepAliveDays: 1,
      announcedEnds: { a: "moves", b: "fixed" },
      canonicalScopes: { a: "b", "https://graph.example/*": "*" },
      forwardHeaders: ["x-a", "X-B-*", "*"],
      tokenRefusals: [{ status: 403, word: "BAD" }, { status: 200 }],
      refusals: { a: "dead", "a/b": "ours" },
      connectionsPage: "https://id.example/apps",
      rotation: { graceSeconds: 0 },
      redirectUriFor: { ios: "" },
    };
    const endpoints = {
      authorizationEndpoint: "https://id.example/a",
      tokenEndpoint: "https://id.example/t",
      jwksUri: "https://id.example/k",
    };
    const vault = await openVault({ ...good(), provider: { ...record, ...all, endpoints } as never });
    await vault.close();
  });

  test("oidc() and google() without an object of options say so", () => {
    for (const make of [oidc, google]) {
      for (const options of [undefined, null, "id", 7, []]) {
        assert.throws(
          () => make(options as never),
          (error) => isOnbehalfError(error, "configuration_invalid") && error.message.startsWith("the options of "),
        );
      }
    }
    assert.throws(
      () => google({ baseUrl: 7 } as never),
      (error) => isOnbehalfError(error, "configuration_invalid"),
    );
  });

  test("oidc() with endpoints that are no object is refused when a vault is opened", async () => {
    for (const endpoints of [7, "https://id.example", null]) {
      const provider = oidc({ name: "one", issuer: "https://id.example", clientId: "id", endpoints } as never);
      await assert.rejects(
        openVault({ ...good(), provider }),
        (error) => isOnbehalfError(error, "configuration_invalid") && /: endpoints must be/.test(error.message),
      );
    }
  });

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
