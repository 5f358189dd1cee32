import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { depositIn } from "../../../../src/cli/grants/deposit/parse-line.ts";
import { fails } from "../../../support/fails.ts";

const token = "1//0planted-token";

describe("a line of a file of deposits", () => {
  for (const [what, line, expected] of [
    ["the two members that it needs", { external_id: "u", refresh_token: token }, { provider: "google" }],
    ["a provider of its own", { external_id: "u", refresh_token: token, provider: "slack" }, { provider: "slack" }],
    ["nulls, as queries write them", { external_id: "u", refresh_token: token, scope: null, provider: null }, {}],
    ["a scope with commas", { external_id: "u", refresh_token: token, scope: "a,b  c" }, { scope: "a b c" }],
    ["a scope as a list", { external_id: "u", refresh_token: token, scope: ["a", "b c"] }, { scope: "a b c" }],
    ["an empty scope", { external_id: "u", refresh_token: token, scope: "" }, { scope: undefined }],
    ["a user id that is a number", { external_id: 42, refresh_token: token }, { externalId: "42" }],
    [
      "an access token and its end in any form",
      { external_id: "u", refresh_token: token, access_token: "x", expires_at: 1 },
      {},
    ],
    [
      "columns that nobody asked for",
      { external_id: "u", refresh_token: token, id: 7, createdAt: "x", tenant: {} },
      {},
    ],
  ] as const) {
    test(`a line with ${what} is read`, () => {
      const read = depositIn(JSON.stringify(line), "google");
      assert.equal(read.refreshToken.expose(), token);
      for (const [name, value] of Object.entries(expected)) assert.equal(read[name as "scope"], value);
    });
  }

  for (const [what, text, about] of [
    ["no JSON", `{"refresh_token": "${token}"`, "one line"],
    ["a list", `["${token}"]`, "a JSON object"],
    ["a text", `"${token}"`, "a JSON object"],
    ["null", "null", "a JSON object"],
    ["no token", '{"external_id":"u"}', "refresh_token is missing"],
    ["no external id", `{"refresh_token":"${token}"}`, "external_id is missing"],
    ["a token that is a number", '{"external_id":"u","refresh_token":1}', "refresh_token must be a text"],
    ["a token in an object", `{"external_id":"u","refresh_token":{"iv":"${token}"}}`, "refresh_token must be a text"],
    ["an id that is no whole number", `{"external_id":1.5,"refresh_token":"${token}"}`, "external_id must be a text"],
    ["a scope in an object", `{"external_id":"u","refresh_token":"${token}","scope":{}}`, "scope must be"],
    ["names of another library", `{"externalId":"u","refreshToken":"${token}"}`, "is spelled in another way"],
  ] as const) {
    test(`a line with ${what} is refused, and nothing of it is repeated`, () => {
      assert.throws(() => depositIn(text, "google"), fails("invalid_request", about, [token, "planted"]));
    });
  }
});
