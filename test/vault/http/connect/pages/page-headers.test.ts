import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { outcomePage, pageHeaders } from "../../../../../src/vault/http/connect/pages/index.ts";

function policyOf(headers: Record<string, string>): ReadonlyMap<string, string> {
  const directives = (headers["content-security-policy"] ?? "").split("; ").map((text) => text.split(/ (.*)/s));
  return new Map(directives.map(([name = "", value = ""]) => [name, value]));
}

describe("the headers of the connect pages", () => {
  test("the policy lets the page run nothing, load nothing, stand in no frame, and send its form to its own origin", () => {
    const [, style = ""] = /<style>(.*?)<\/style>/s.exec(outcomePage({ language: "ko", outcome: "used" })) ?? [];
    assert.deepEqual(Object.fromEntries(policyOf(pageHeaders())), {
      "default-src": "'none'",
      "style-src": `'sha256-${createHash("sha256").update(style).digest("base64")}'`,
      "form-action": "'self'",
      "frame-ancestors": "'none'",
      "base-uri": "'none'",
    });
  });

  test("the page is kept by no cache, tells nobody its address, and says which language it has", () => {
    const { "content-security-policy": _policy, ...rest } = pageHeaders({ language: "fr" });
    assert.deepEqual(rest, {
      "content-type": "text/html; charset=utf-8",
      "content-language": "fr",
      vary: "Accept-Language",
      "x-frame-options": "DENY",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "x-robots-tag": "noindex, nofollow",
    });
  });

  const targets: [urls: string[], expected: string][] = [
    [["https://accounts.google.com/o/oauth2/v2/auth?x=1"], "'self' https://accounts.google.com"],
    [["https://a.example/x", "https://a.example/y"], "'self' https://a.example"],
    [["http://127.0.0.1:8080/", "https://app.example:444/"], "'self' http://127.0.0.1:8080 https://app.example:444"],
    [["http://[::1]:8080/"], "'self' http:"],
    [["https://a;script-src/", "https://a,b/", "https://'unsafe-inline'/", "https://a.example;*/"], "'self'"],
    [["javascript:alert(1)", "data:text/html,x", "file:///x", "nothing", ""], "'self'"],
    [["com.example.app:/back", "com.example.app://x"], "'self' com.example.app:"],
    [["https://user:password@a.example/"], "'self' https://a.example"],
  ];
  for (const [formTargets, expected] of targets) {
    test(`a form's answer may lead from ${formTargets.join(" ")} to ${expected}, and nothing else changes`, () => {
      const policy = new Map(policyOf(pageHeaders({ formTargets })));
      assert.equal(policy.get("form-action"), expected);
      policy.delete("form-action");
      const without = new Map(policyOf(pageHeaders()));
      without.delete("form-action");
      assert.deepEqual(policy, without);
    });
  }
});
