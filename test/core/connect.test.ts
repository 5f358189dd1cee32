import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connectStatus, isOtherIssuer, openedLink, shownProviderError } from "../../src/core/connect.ts";
import type { CodeStanding, ConnectStatus, IssuerRule } from "../../src/core/connect.ts";

const expiresAt = Date.UTC(2026, 10, 22);
const proved = { isProved: true, error: null, expiresAt };
const confirmed = { isProved: false, error: null, expiresAt };

describe("connectStatus", () => {
  const cases: readonly (readonly [string, typeof proved, CodeStanding, ConnectStatus, ConnectStatus])[] = [
    ["nobody has come back", proved, "none", "waiting", "expired"],
    ["its code is at the provider", proved, "spending", "waiting", "expired"],
    ["nobody can say yet who has consented", proved, "answered", "pending", "expired"],
    ["its answer is held", proved, "held", "pending", "expired"],
    ["its answer is a grant", proved, "done", "finished", "finished"],
    ["its code was rejected", proved, "rejected", "failed", "failed"],
    ["nobody has come back, and it needs no proof", confirmed, "none", "waiting", "expired"],
    ["its answer becomes a grant by itself", confirmed, "answered", "pending", "pending"],
    ["its answer is a grant, and it needs no proof", confirmed, "done", "finished", "finished"],
  ];
  for (const [what, link, code, before, after] of cases) {
    test(`a link of which ${what} is ${before} while it lives, and ${after} then`, () => {
      assert.equal(connectStatus(link, code, expiresAt - 1), before);
      assert.equal(connectStatus(link, code, expiresAt), after);
    });
  }

  test("a link that has failed is failed, but for one that has become a grant at the same moment", () => {
    for (const code of ["none", "spending", "answered", "held", "rejected"] as const) {
      assert.equal(connectStatus({ ...proved, error: "verifier_mismatch" }, code, expiresAt - 1), "failed", code);
    }
    assert.equal(connectStatus({ ...proved, error: "verifier_mismatch" }, "done", expiresAt), "finished");
  });
});

describe("openedLink", () => {
  const cases: readonly (readonly [ConnectStatus, boolean, boolean, string])[] = [
    ["waiting", false, false, "begin"],
    ["waiting", true, true, "begin"],
    ["waiting", true, false, "other_browser"],
    ["pending", true, true, "used"],
    ["finished", true, true, "used"],
    ["failed", true, false, "used"],
    ["expired", false, false, "expired"],
    ["expired", true, true, "expired"],
  ];
  for (const [status, isBegun, isSameBrowser, expected] of cases) {
    const who = isBegun ? (isSameBrowser ? "in its own browser" : "in another browser") : "for the first time";
    test(`a link that is ${status} and opened ${who} gives ${expected}`, () => {
      assert.equal(openedLink(status, { isBegun, isSameBrowser }), expected);
    });
  }
});

describe("isOtherIssuer", () => {
  const ours: IssuerRule = { issuer: "https://id.example", sendsIssuer: false };
  const entra: IssuerRule = {
    issuer: "https://login.example/common/v2.0",
    alsoIssuedAs: ["https://login.example/{tid}/v2.0"],
    sendsIssuer: true,
  };
  const nameless: IssuerRule = {
    issuer: "https://bare.example",
    isIssuerOurs: true,
    sendsIssuer: false,
    others: [ours, entra],
  };
  const cases: readonly (readonly [string, IssuerRule, string | undefined, boolean])[] = [
    ["the provider's own issuer", ours, "https://id.example", false],
    ["no issuer, and none was promised", ours, undefined, false],
    ["no issuer, and one was promised", { ...ours, sendsIssuer: true }, undefined, true],
    ["another issuer", ours, "https://other.example", true],
    ["an issuer with a slash more", ours, "https://id.example/", true],
    ["an issuer that begins like ours", ours, "https://id.example.attacker.example", true],
    ["an issuer in other letters", ours, "https://ID.example", true],
    ["an empty issuer", ours, "", true],
    ["one of several tenants", entra, "https://login.example/11111111-2222/v2.0", false],
    ["a tenant with a slash in its name", entra, "https://login.example/a/b/v2.0", true],
    ["a tenant of dots", entra, "https://login.example/../v2.0", true],
    ["the pattern itself", entra, "https://login.example/{tid}/v2.0", true],
    ["an issuer of a provider that has none of its own", { ...ours, isIssuerOurs: true }, "https://x.example", false],
    ["another provider's issuer, of one that has none", nameless, "https://id.example", true],
    ["a tenant of another provider, of one that has none", nameless, "https://login.example/1/v2.0", true],
    ["an issuer that no provider has, of one that has none", nameless, "https://x.example", false],
    ["no issuer, of one that has none", nameless, undefined, false],
  ];
  for (const [what, rule, iss, expected] of cases) {
    test(`an answer with ${what} is ${expected ? "refused" : "taken"}`, () => {
      assert.equal(isOtherIssuer(rule, iss), expected);
    });
  }
});

test("the app is told no error of a provider but those that the specifications name", () => {
  assert.equal(shownProviderError("access_denied"), "access_denied");
  assert.equal(shownProviderError("user_denied"), "access_denied");
  for (const odd of [
    "<script>alert(1)</script>",
    "access_denied&status=finished",
    "",
    "constructor",
    "ACCESS_DENIED",
  ]) {
    assert.equal(shownProviderError(odd), "provider_error", odd);
  }
});
