import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allowedReturn, returnFlaw, withResult } from "../../src/core/return-url.ts";
import type { AllowedReturn } from "../../src/core/return-url.ts";

function list(...texts: readonly string[]): readonly AllowedReturn[] {
  return texts.map((text) => {
    const entry = allowedReturn(text);
    assert.ok("text" in entry, `${text} ${"must" in entry ? entry.must : ""}`);
    return entry;
  });
}

const exact = "https://app.example/settings";
const under = "https://app.example/team/*";

describe("returnFlaw", () => {
  const allowed = list(exact, under, "http://127.0.0.1:3000/*", "com.example.app:/connected");
  const good = [
    exact,
    "HTTPS://APP.example/settings",
    "https://app.example:443/settings",
    "https://app.example/team/",
    "https://app.example/team/a/b?tab=2&x=..%2F",
    "https://app.example/team/a.b/...",
    "http://127.0.0.1:3000/",
    "http://127.0.0.1:3000/x",
    "com.example.app:/connected",
  ];
  for (const address of good) {
    test(`a person may be sent back to ${address}`, () => assert.equal(returnFlaw(address, allowed), undefined));
  }

  const notListed = [
    "https://app.example/settings/",
    "https://app.example/settings?x=1",
    "https://app.example/Settings",
    "https://app.example/settings2",
    "https://app.example/%73ettings",
    "https://app.example/team",
    "https://app.example/teams/a",
    "https://app.example.attacker.example/team/",
    "https://attacker.example/https://app.example/team/",
    "https://app.example:8443/team/",
    "http://127.0.0.1:3001/",
    "http://localhost:3000/",
    "com.example.app:/connected2",
    "com.example.app:/connected?x=1",
    "COM.example.app:/connected",
    "https://xn--pp-yia.example/team/",
  ];
  for (const address of notListed) {
    test(`${address} is on no such list`, () => assert.equal(returnFlaw(address, allowed)?.kind, "not-listed"));
  }

  const malformed = [
    "",
    "/team/",
    "app.example/team/",
    "//app.example/team/",
    "https:app.example/team/",
    "https:/app.example/team/",
    "https:///app.example/team/",
    "https://app.example\\@attacker.example/team/",
    "https:\\\\app.example/team/",
    "https://app.example@attacker.example/team/",
    "https://user:secret@app.example/team/",
    "https://app.example%2eattacker.example/team/",
    "https://app.example%2f@attacker.example/team/",
    "https://app.example/team/../admin",
    "https://app.example/team/./a",
    "https://app.example/team/%2e%2e/admin",
    "https://app.example/team/%2E./admin",
    "https://app.example/team/..;/admin",
    "https://app.example/team/..",
    "https://app.example/team/%2e%2e%2fadmin",
    "https://app.example/team/..%5cadmin",
    "https://app.example/team/%252e%252e/admin",
    "https://app.example/team/%00",
    "https://app.example/team/%0d%0aset-cookie",
    "https://app.example/team/%zz",
    "https://app.example/team/#",
    "https://app.example/team/#code",
    "https://app.example/team/ x",
    " https://app.example/team/",
    "https://app.example/team/\n",
    "ht\ttps://app.example/team/",
    "https://app.example/té",
    "https://äpp.example/team/",
    "https://app.example/team/<script>",
    "http://app.example/team/",
    "http://127.0.0.1.attacker.example/",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    "blob:https://app.example/x",
    "file:///etc/passwd",
    `https://app.example/team/${"a".repeat(2_048)}`,
  ];
  for (const address of malformed) {
    test(`${JSON.stringify(address.slice(0, 60))} can be on no list`, () => {
      assert.equal(returnFlaw(address, [...allowed, { text: "", isPrefix: true }])?.kind, "malformed");
    });
  }
});

describe("allowedReturn", () => {
  const bad = [
    "*",
    "https://*",
    "https://*.app.example/",
    "https://app.example*",
    "https://app.example/*/x",
    "https://app.example/**",
    "https://app.example/?next=/*",
    "com.example.app:/*",
    "http://app.example/*",
    "https://user@app.example/*",
    "https://app.example/#/*",
    "javascript:alert(1)",
    "app.example",
  ];
  for (const text of bad) test(`${text} may not stand on the list`, () => assert.ok("must" in allowedReturn(text)));
});

describe("withResult", () => {
  const result = { connect_id: "c_1", status: "finished" };
  const cases: readonly (readonly [string, string])[] = [
    [exact, `${exact}?connect_id=c_1&status=finished`],
    [`${exact}?`, `${exact}?connect_id=c_1&status=finished`],
    [`${exact}?a=1%20b+c&d`, `${exact}?a=1%20b+c&d&connect_id=c_1&status=finished`],
    [`${exact}?q=what?&a`, `${exact}?q=what?&a&connect_id=c_1&status=finished`],
    [`${exact}?status=error&error=x&connect_id=c_0&a`, `${exact}?a&connect_id=c_1&status=finished`],
    [`${exact}?%73tatus=error&a`, `${exact}?a&connect_id=c_1&status=finished`],
    ["com.example.app:/connected", "com.example.app:/connected?connect_id=c_1&status=finished"],
  ];
  for (const [address, expected] of cases) {
    test(`the result is added to ${address}, and the rest stays`, () => {
      assert.equal(withResult(address, result), expected);
    });
  }
});
