import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { missingScopes, scopeList, scopesToAsk } from "../../src/browser/scopes.ts";

const email = "https://www.googleapis.com/auth/userinfo.email";
const profile = "https://www.googleapis.com/auth/userinfo.profile";
const appData = "https://www.googleapis.com/auth/drive.appdata";

describe("scopes in the page", () => {
  const cases: [name: string, asked: string, granted: string, missing: string[]][] = [
    [
      "all granted, under google's names",
      `openid email profile ${appData}`,
      `${email} ${profile} openid ${appData}`,
      [],
    ],
    ["asked by the long name, granted by the short", email, "email", []],
    ["one box unticked", `openid email ${appData}`, `openid ${email}`, [appData]],
    ["the older name of the app folder", "https://www.googleapis.com/auth/drive.appfolder", appData, []],
    ["nothing granted", "email profile", "", ["email", "profile"]],
    ["more than asked is no lack", "openid", `openid ${appData}`, []],
    ["a prefix is another scope", appData, "https://www.googleapis.com/auth/drive", [appData]],
    ["case counts (RFC 6749 section 3.3)", "EMAIL", email, ["EMAIL"]],
    ["spaces and repeats", "  email   email ", "", ["email"]],
  ];
  for (const [name, asked, granted, missing] of cases) {
    test(`scopes in the page: ${name}`, () => assert.deepEqual(missingScopes(asked, granted), missing));
  }

  test("scopes in the page: openid is there once somebody signed in, and offline_access once a refresh token is held", () => {
    assert.deepEqual(missingScopes("openid offline_access files", "files", true), []);
    assert.deepEqual(missingScopes("openid offline_access files", "files", false), ["offline_access"]);
    assert.deepEqual(missingScopes("offline_access mail", "files", true), ["mail"]);
  });

  test("scopes in the page: openid is asked for once, whatever the page asks", () => {
    assert.deepEqual(scopesToAsk("email"), ["openid", "email"]);
    assert.deepEqual(scopesToAsk(["email", "openid"]), ["openid", "email"]);
    assert.deepEqual(scopesToAsk(""), ["openid"]);
  });

  test("scopes in the page: what is missing and what is granted never overlap, and together cover what was asked", () => {
    const scope = fc.constantFrom<string>("openid", "email", "profile", email, profile, appData, "a", "b");
    fc.assert(
      fc.property(fc.array(scope), fc.array(scope), (asked, granted) => {
        const missing = missingScopes(asked, granted);
        const both = missingScopes(asked, [...granted, ...missing]);
        assert.deepEqual(both, []);
        assert.ok(missing.every((one) => asked.includes(one) && !granted.includes(one)));
        assert.deepEqual(missingScopes(scopeList(asked).join(" "), granted.join(" ")), missing);
      }),
    );
  });
});
