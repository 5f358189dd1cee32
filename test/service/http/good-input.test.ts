import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { testService } from "../../support/test-service.ts";
import { nameOf, routes, takesCode } from "./route-table.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const form = "application/x-www-form-urlencoded";
const json = "application/json";
const mark = Buffer.from([0xef, 0xbb, 0xbf]);

/** What real clients send: none of it can be read in two ways. */
const taken: readonly (readonly [string, string, (code: string) => string | Buffer])[] = [
  // Apache's client writes this by default; so does what was built on it.
  ["a form in ISO-8859-1", `${form}; charset=ISO-8859-1`, (code) => `authCode=${code}`],
  ["a form in US-ASCII", `${form}; charset=us-ascii`, (code) => `authCode=${code}`],
  ["a form in windows-1252", `${form};charset=windows-1252`, (code) => `authCode=${code}`],
  ["a form in Shift_JIS", `${form};charset=Shift_JIS`, (code) => `authCode=${code}`],
  ["a form with a quoted charset", `${form}; charset="UTF-8"`, (code) => `authCode=${code}`],
  ["a form with a quoted charset, in capitals", `${form.toUpperCase()} ; Charset="Latin1"`, (code) => `code=${code}`],
  ["a form with the charset in single quotes", `${form}; charset='utf-8'`, (code) => `code=${code}`],
  ["a form with an empty charset", `${form};charset=`, (code) => `code=${code}`],
  ["a form whose type came twice", `${form}, ${form}`, (code) => `code=${code}`],
  ["a form with tabs", `${form}\t;\tcharset\t=\tutf-8`, (code) => `code=${code}`],
  ["a form with a semicolon at the end", `${form};`, (code) => `code=${code}`],
  ["a form with one charset twice", `${form}; charset=utf-8; charset=UTF8`, (code) => `code=${code}`],
  ["a form with a boundary", `${form}; boundary="a;charset=utf-16"`, (code) => `code=${code}`],
  ["a form with what nobody knows", form, (code) => `code=${code}&state=x&authuser=0&hd=example.com&prompt=consent`],
  ["a form with bytes that are no text in what nobody knows", form, (code) => `code=${code}&name=J%E4ger`],
  ["a form with a byte order mark", form, (code) => Buffer.concat([mark, Buffer.from(`code=${code}`)])],
  ["a form with both names of the code", form, (code) => `code=${code}&authCode=${code}`],
  ["a form with an empty redirect_uri, as a phone's", form, (code) => `code=${code}&redirect_uri=`],
  ["a phone's form with an empty redirect_uri", form, (code) => `code=${code}&source=ios&redirect_uri=&scope=`],
  ["JSON with an empty redirect_uri", json, (code) => JSON.stringify({ code, source: "android", redirect_uri: "" })],
  ["a form in UTF-8", form, (code) => `code=${code}&name=J\u00e4ger`],
  ["JSON in ISO-8859-1", `${json}; charset=ISO-8859-1`, (code) => JSON.stringify({ code })],
  ["JSON of a vendor", "application/vnd.api+json", (code) => JSON.stringify({ code })],
  ["JSON as text", "text/json; charset=utf-8", (code) => JSON.stringify({ code })],
  ["JSON with a byte order mark", json, (code) => Buffer.concat([mark, Buffer.from(JSON.stringify({ code }))])],
  [
    "JSON as a sign-in library has it",
    json,
    (code) =>
      JSON.stringify({
        authCode: code,
        expires_in: 3599,
        serverAuthCode: null,
        idToken: null,
        verified: true,
        user: { id: "1", code: "another", scope: {} },
        granted: [{ authCode: "another" }],
      }),
  ],
  ["JSON with a nested name twice", json, (code) => `{"code":"${code}","user":{"a":1,"a":{"code":"x","code":[]}}}`],
  ["JSON with a string full of braces", json, (code) => `{"note":"}{\\"code\\":1","code":"${code}"}`],
];

const lists: readonly (readonly [string, string, (code: string) => string])[] = [
  ["an array", json, (code) => JSON.stringify({ code, scope: ["openid", "email", "https://a.example/b"] })],
  [
    "an array called scopes",
    json,
    (code) => JSON.stringify({ code, scopes: ["openid", "email", "https://a.example/b"] }),
  ],
  ["text with spaces", form, (code) => `code=${code}&scope=openid+email++https://a.example/b`],
  ["text with commas", form, (code) => `code=${code}&scopes=openid,email,%20https://a.example/b`],
  [
    "both names, in another order",
    json,
    (code) =>
      JSON.stringify({
        code,
        scope: "https://a.example/b email openid",
        scopes: ["openid", "email", "https://a.example/b"],
      }),
  ],
];

for (const route of routes.filter(takesCode)) {
  describe(nameOf(route), () => {
    const post = async (
      t: Parameters<typeof testService>[0],
      type: string,
      body: (code: string) => string | Buffer,
    ) => {
      const { url, key, fixture, faults } = await testService(t, { shared });
      const response = await fetch(url + route.path, {
        method: "POST",
        headers: { "content-type": type, "x-requested-with": "com.example.app", authorization: `Bearer ${key}` },
        body: body(fixture.code("ada@example.com")),
      });
      const text = await response.text();
      assert.equal(response.status, 200, text);
      assert.deepEqual(faults, []);
      return JSON.parse(text) as Record<string, unknown>;
    };

    for (const [name, type, body] of taken) {
      test(`a body that has one meaning is taken: ${name}`, async (t) => {
        assert.equal((await post(t, type, body))["email"], "ada@example.com");
      });
    }
    for (const [name, type, body] of lists) {
      test(`scopes that were asked for are read from ${name}`, async (t) => {
        assert.deepEqual((await post(t, type, body))["missing_scopes"], ["https://a.example/b"]);
      });
    }
  });
}
