import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { refusalWord } from "../../src/oauth/refusal-word.ts";

/** What providers send in place of tokens, the status, and what is read from it. */
const refusals: readonly (readonly [string, number, object, string | undefined, string?])[] = [
  ["RFC 6749", 400, { error: "invalid_grant", error_description: "Token revoked" }, "invalid_grant"],
  ["Google", 400, { error: "invalid_grant", error_subtype: "invalid_rapt" }, "invalid_grant", "invalid_rapt"],
  ["Entra", 400, { error: "invalid_grant", suberror: "bad_token", error_codes: [50173] }, "invalid_grant", "bad_token"],
  ["GitHub, with 200", 200, { error: "bad_refresh_token", error_uri: "https://docs" }, "bad_refresh_token"],
  ["Slack, with 200", 200, { ok: false, error: "invalid_refresh_token" }, "invalid_refresh_token"],
  ["Facebook", 400, { error: { message: "Error", type: "OAuthException", code: 190 } }, "OAuthException"],
  ["a Google API", 401, { error: { code: 401, status: "UNAUTHENTICATED" } }, "UNAUTHENTICATED"],
  ["Fitbit", 401, { success: false, errors: [{ errorType: "invalid_grant", message: "x" }] }, "invalid_grant"],
  ["a list of words", 400, { errors: ["invalid_grant"] }, "invalid_grant"],
  ["HubSpot", 400, { status: "BAD_REFRESH_TOKEN", message: "missing" }, "BAD_REFRESH_TOKEN"],
  ["a plain member", 400, { errorCode: "TOKEN_EXPIRED" }, "TOKEN_EXPIRED"],
  ["no word", 400, { error: "<script>alert(1)</script>" }, "unreadable_error"],
  ["no word at all", 400, { error: "" }, "unreadable_error"],
  // Nothing here names an error, so nothing proves that a token endpoint wrote it.
  ["a gateway's message", 403, { message: "Forbidden" }, undefined],
  ["numbers alone", 400, { error: 400, code: "400" }, undefined],
  ["null", 400, { error: null, errors: [] }, undefined],
  ["an empty object", 400, {}, undefined],
  ["a 200 that has a status", 200, { status: "ok", code: "fine" }, undefined],
];

describe("refusalWord", () => {
  for (const [name, status, body, error, subtype] of refusals) {
    test(`refusalWord reads ${String(error)} in a refusal of the form: ${name}`, () => {
      const word = refusalWord(body as Record<string, unknown>, status);
      assert.deepEqual([word?.error, word?.subtype], [error, subtype]);
    });
  }

  test("refusalWord gives a word that is safe to store and to show, whatever comes", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.integer({ min: 200, max: 599 }), (body, status) => {
        const word = refusalWord(body, status);
        if (word !== undefined) assert.match(word.error, /^[\w.-]{1,64}$/);
      }),
    );
  });
});
