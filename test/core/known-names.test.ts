import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { unknownNames } from "../../src/core/known-names.ts";

const known = ["apiHosts", "tokenHosts", "clientSecret", "exchangeTimeoutMs", "refusals", "name"];

const mistaken: Readonly<Record<string, string | undefined>> = {
  apihosts: "apiHosts",
  api_hosts: "apiHosts",
  apiHost: "apiHosts",
  tokenHost: "tokenHosts",
  tokenHsots: "tokenHosts",
  client_secret: "clientSecret",
  clientSecert: "clientSecret",
  exchangeTimeout: "exchangeTimeoutMs",
  refusal: "refusals",
  nmae: undefined,
  nam: undefined,
  whatever: undefined,
  constructor: undefined,
  ["x".repeat(64)]: undefined,
};

describe("a member that nobody knows", () => {
  for (const [name, meant] of Object.entries(mistaken)) {
    test(`${name} probably means ${meant ?? "nothing that there is"}`, () => {
      assert.deepEqual(unknownNames({ [name]: 1 }, known), [{ name, meant }]);
    });
  }

  test("a member that is known, or left out by undefined, is not among those that nobody knows", () => {
    assert.deepEqual(unknownNames({ apiHosts: 1, apiHost: undefined }, known), []);
  });

  test("a member that nobody knows is not shown where its name may be a secret, and costs no time where it is long", () => {
    const odd = unknownNames({ "a\nb": 1, "GOCSPX-x y": 1, ["tokenHosts".repeat(100_000)]: 1 }, known);
    assert.deepEqual(new Set(odd.map(({ name }) => name)), new Set(["a member"]));
  });
});
