import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { flawIn, flawInCopy } from "../../src/core/verbatim.ts";

describe("a value that is taken as it stands", () => {
  const flawed: readonly (readonly [string, RegExp])[] = [
    ["s3cret\n", /^ends with a line end$/],
    ["s3cret\r\n", /^ends with a line end$/],
    ["s3cret\r", /^ends with a line end$/],
    [" s3cret", /^has white space around it$/],
    ["s3cret ", /^has white space around it$/],
    ["s3cret\t", /^has white space around it, and has a control character/],
    ["s3cret \n", /^ends with a line end, and has white space around it$/],
    ['"s3cret"', /^stands in quotes$/],
    ["'s3cret'", /^stands in quotes$/],
    ["`s3cret`", /^stands in quotes$/],
    ["“s3cret”", /^stands in quotes$/],
    ['\\"s3cret\\"', /^stands in quotes$/],
    ['"s3cret"\n', /^ends with a line end, and stands in quotes$/],
    ["\uFEFFs3cret", /^has a byte order mark in it$/],
    ["s3\u0000cret", /^has a control character/],
    ["s3\ncret", /^has a control character/],
    ["s3\u001Bcret", /^has a control character/],
    ["s3\u200Bcret", /^has an invisible character/],
    ["s3\u00A0cret", /^has an invisible character/],
    ["s3cret\u2060", /^has an invisible character/],
    ["s3cret\u00A0", /^has white space around it/],
    ["s3\uFFFDcret", /^is not UTF-8 text$/],
    ["${CLIENT_SECRET}", /^has a variable in it that was not replaced$/],
    ["https://${HOST}/x", /^has a variable in it that was not replaced$/],
    ["$CLIENT_SECRET", /^has a variable in it that was not replaced$/],
    ["%CLIENT_SECRET%", /^has a variable in it that was not replaced$/],
    ["{{ client_secret }}", /^has a variable in it that was not replaced$/],
    ["$(cat secret)", /^has a variable in it that was not replaced$/],
  ];
  for (const [value, is] of flawed) {
    test(`a value that is taken as it stands is flawed: ${JSON.stringify(value)}`, () => {
      const flaw = flawIn(value);
      assert.match(flaw?.is ?? "", is);
      assert.ok(!JSON.stringify(flaw).includes("s3"), "the value is not repeated");
    });
  }

  test("a value that is taken as it stands may be a placeholder, where somebody else makes up the value", () => {
    for (const value of [
      "<client-secret>",
      "YOUR_CLIENT_SECRET",
      "your-client-id.apps.googleusercontent.com",
      "changeme",
      "xxxx",
      "GOCSPX-****abcd",
      "undefined",
      "[object Object]",
      "[secret]",
      "...",
    ]) {
      assert.equal(flawIn(value), undefined, value);
      assert.equal(flawInCopy(value)?.is, "is a placeholder and no value", value);
    }
  });

  test("a value that is taken as it stands is fine where it is odd and meant", () => {
    for (const value of [
      "",
      "s",
      "my-app",
      "it's",
      'a"b',
      "pa$word",
      "50%",
      "a b",
      "üñí",
      "1234-abc.apps.googleusercontent.com",
      "$1$x",
      "{x}",
      "x8Q~a.b-c_d*",
      "urn:app:1",
      "日本",
    ]) {
      assert.equal(flawInCopy(value), undefined, value);
    }
  });

  test("a value that is taken as it stands is fine where it is any visible ASCII without a quote or dollar at an end", () => {
    const character = fc.constantFrom(..."ABCdef012-_.~!#&+/=:@^|".split(""));
    const value = fc.string({ unit: character, minLength: 4, maxLength: 60 });
    fc.assert(fc.property(value, (value) => assert.equal(flawIn(value), undefined)));
  });
});
