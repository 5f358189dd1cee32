import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { failureOf } from "../../../src/cli/terminal/failure.ts";
import { printable } from "../../../src/cli/terminal/print.ts";
import { isOnbehalfError } from "../../../src/index.ts";
import { service } from "../../../src/service/index.ts";
import { bentProvider } from "../../support/bent-provider.ts";
import { checkout } from "../../support/checkout-bin.ts";

/** What an error of a provider might carry to a page, a log or a terminal. */
const planted = [
  "<script>alert(document.domain)</script>",
  '"><img src=x onerror=alert(1)>',
  "javascript:alert(1)",
  "</title><svg onload=alert(1)>",
  "\u001b]52;c;cGxhbnRlZA==\u0007\u001b[2J",
  "{{constructor.constructor('alert(1)')()}}",
  'invalid_grant\r\n{"level":"error","planted":true}',
  "\u202Etxt.exe",
] as const;

describe("markup in what a provider says of an error", () => {
  test("markup in a refusal reaches nobody: not a page, a grant, an event or a terminal", async (t) => {
    const bent = await bentProvider(t);
    const { grantId } = await bent.connect("ada/1");
    const handler = service(bent.vault, { publicUrl: "https://vault.example" });
    for (const text of planted) {
      for (const body of [
        { error: "invalid_request", error_description: text, error_uri: text },
        { error: text, error_description: text },
        { error: { code: text, message: text } },
        { error: "invalid_grant", error_subtype: text },
        text,
      ]) {
        bent.clock.advance(86_400_000);
        bent.bend = { token: () => ({ status: 400, ...(typeof body === "string" ? { text: body } : { body }) }) };
        const response = await handler(
          new Request("https://vault.example/authcode", {
            method: "POST",
            headers: { "x-requested-with": "XMLHttpRequest", "content-type": "application/json" },
            body: JSON.stringify({ authCode: `mal/${bent.requests.length}` }),
          }),
        );
        assert.equal(response.headers.get("content-type"), "application/problem+json");
        assert.equal(response.headers.get("x-content-type-options"), "nosniff");
        assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'.*sandbox/);
        const [refresh] = await Promise.allSettled([bent.vault.getAccessToken(grantId)]);
        assert.ok(refresh.status === "rejected" && isOnbehalfError(refresh.reason));
        const shown = [
          await response.text(),
          JSON.stringify([...response.headers]),
          JSON.stringify(await bent.vault.grant(grantId)),
          JSON.stringify(bent.events),
          failureOf(refresh.reason).lines.join("\n"),
        ];
        for (const each of shown) {
          assert.ok(!each.includes(text) && !each.includes(JSON.stringify(text).slice(1, -1)), each);
        }
        bent.events.length = 0;
      }
    }
  });

  test("markup in what somebody sends comes back as JSON that no browser shows as a page", async (t) => {
    const bent = await bentProvider(t);
    const handler = service(bent.vault, { publicUrl: "https://vault.example" });
    for (const text of planted) {
      const encoded = encodeURIComponent(text);
      for (const path of [
        `/${encoded}`,
        `/v1/grants/${encoded}`,
        `/healthz?${encoded}=1`,
        `/docs/errors.md?error=${encoded}`,
      ]) {
        const response = await handler(new Request(`https://vault.example${path}`));
        assert.equal(response.headers.get("content-type"), "application/problem+json", path);
        assert.equal(response.headers.get("x-content-type-options"), "nosniff", path);
        assert.doesNotMatch(await response.text(), /[<>\p{Cc}\p{Bidi_Control}]/u, path);
      }
    }
  });
});

describe("a name that a person or a provider chose", () => {
  test("is shown by a terminal without its escape sequences and direction marks", () => {
    for (const text of planted) assert.doesNotMatch(printable(text), /[\p{Cc}\p{Bidi_Control}]/u);
  });

  test("becomes text in every page of ours: none makes markup or a program of a text", () => {
    const sources = globSync(["src/{demo,browser,standin}/**/*.{ts,js,html}"], { cwd: checkout });
    assert.ok(sources.length > 50);
    const makesMarkup =
      /\.(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc|\beval\(|new Function|setAttribute\("on|setHTML/;
    const found = sources.filter((path) => makesMarkup.test(readFileSync(`${checkout}${path}`, "utf8")));
    assert.deepEqual(found, []);
  });
});
