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

  const numbered: readonly (readonly [object, readonly string[] | undefined])[] = [
    [{ error_codes: [50173, 70008] }, ["50173", "70008"]],
    [{ error_codes: ["50173"] }, ["50173"]],
    [{ error_codes: [50173], error_description: "AADSTS70008: expired" }, ["50173"]],
    [{ error_description: "AADSTS700082: The refresh token has expired.\r\nTrace ID: 1234567: x" }, ["700082"]],
    [{ error_codes: [], error_description: "AADB2C90080: The provided grant has expired." }, ["90080"]],
    // What is no number, and a number that a person may have brought into the text.
    [{ error_codes: [null, 1.5, -1, "x", { a: 1 }, 10 ** 12] }, undefined],
    [{ error_codes: 50173 }, undefined],
    [{ error_description: "user AADSTS50076: is unknown" }, undefined],
    [{ error_description: "AADSTS12: short" }, undefined],
    [{ error_description: ["AADSTS50076: x"] }, undefined],
    [{ error_codes: Array.from({ length: 1_000 }, (_, at) => at) }, ["0", "1", "2", "3", "4", "5", "6", "7"]],
  ];
  for (const [members, numbers] of numbered) {
    test(`refusalWord reads the numbers ${String(numbers)} of ${JSON.stringify(members).slice(0, 60)}`, () => {
      assert.deepEqual(refusalWord({ error: "invalid_grant", ...members }, 400)?.numbers, numbers);
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
