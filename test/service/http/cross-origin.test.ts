import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { assertProblem } from "../../support/problem.ts";
import { testService } from "../../support/test-service.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const app = "https://app.example.com";
const publicUrl = "https://vault.example.com";
const posted = { "x-requested-with": "XMLHttpRequest" };

type Headers_ = Record<string, string>;

/** Who posts a code, and whether it is taken: a forged post must be refused before the code is spent. */
const posts: readonly (readonly [string, Headers_, "taken" | "csrf_rejected", ("origin" | "requested_with")?])[] = [
  ["a phone, which sends neither", posted, "taken"],
  ["a phone without the header", {}, "csrf_rejected", "requested_with"],
  ["a phone with an empty header", { "x-requested-with": "" }, "csrf_rejected", "requested_with"],
  ["our own page", { ...posted, origin: publicUrl, "sec-fetch-site": "same-origin" }, "taken"],
  ["our own page, in a browser that does not say", { ...posted, origin: publicUrl }, "taken"],
  ["a person who typed an address", { ...posted, "sec-fetch-site": "none" }, "taken"],
  ["an allowed page", { ...posted, origin: app, "sec-fetch-site": "cross-site" }, "taken"],
  ["an allowed page of the same site", { ...posted, origin: app, "sec-fetch-site": "same-site" }, "taken"],
  ["an allowed page's form", { origin: app, "sec-fetch-site": "cross-site" }, "csrf_rejected", "requested_with"],
  ["our own page's form", { origin: publicUrl, "sec-fetch-site": "same-origin" }, "csrf_rejected", "requested_with"],
  ["another page", { ...posted, origin: "https://attacker.example" }, "csrf_rejected", "origin"],
  [
    "another page, as the browser says",
    { ...posted, origin: "https://attacker.example", "sec-fetch-site": "cross-site" },
    "csrf_rejected",
    "origin",
  ],
  [
    "another page of the same site",
    { ...posted, origin: "https://blog.example.com", "sec-fetch-site": "same-site" },
    "csrf_rejected",
    "origin",
  ],
  ["a page that hides where it is", { ...posted, "sec-fetch-site": "cross-site" }, "csrf_rejected", "origin"],
  ...["", "cross-origin", "same-origin, cross-site", "SAME-ORIGIN", "same_origin", "none;", "?1", "future"].map(
    (site) =>
      [
        `a page whose browser says ${JSON.stringify(site)}`,
        { ...posted, "sec-fetch-site": site },
        "csrf_rejected",
        "origin",
      ] as const,
  ),
  ["a page in a sandbox", { ...posted, origin: "null", "sec-fetch-site": "cross-site" }, "csrf_rejected", "origin"],
  ["a neighbour of the allowed page", { ...posted, origin: `${app}.attacker.example` }, "csrf_rejected", "origin"],
  ["the allowed page over http", { ...posted, origin: app.replace("https", "http") }, "csrf_rejected", "origin"],
  ["the allowed page on another port", { ...posted, origin: `${app}:8443` }, "csrf_rejected", "origin"],
  ["the allowed page in capitals", { ...posted, origin: app.toUpperCase() }, "csrf_rejected", "origin"],
];

describe("a code is posted by", () => {
  for (const [who, headers, end, rule] of posts) {
    test(`a code that is posted by ${who}: ${end}`, async (t) => {
      const { url, fixture } = await testService(t, { shared, publicUrl, allowedOrigins: [app] });
      const body = new URLSearchParams({ authCode: fixture.code("ada@example.com"), source: "android" });
      fixture.newRequests();
      const response = await fetch(`${url}/authcode`, { method: "POST", headers, body });
      if (end === "taken") {
        assert.equal(response.status, 200, await response.clone().text());
        assert.equal(fixture.newRequests().length, 1);
        return;
      }
      const problem = await assertProblem(response, end);
      assert.equal(problem["rule"], rule);
      assert.equal(fixture.newRequests().length, 0, "the code still works");
    });
  }
});

describe("an allowed origin", () => {
  const written: readonly (readonly [string, string])[] = [
    ["https://app.example.com/", "https://app.example.com"],
    ["https://APP.example.com:443", "https://app.example.com"],
    ["capacitor://localhost", "capacitor://localhost"],
    ["chrome-extension://abcdefghijklmnop/", "chrome-extension://abcdefghijklmnop"],
  ];
  for (const [setting, origin] of written) {
    test(`an allowed origin that is written ${setting} lets the page post, and read the answer`, async (t) => {
      const { url, fixture } = await testService(t, { shared, allowedOrigins: [setting] });
      const body = new URLSearchParams({ authCode: fixture.code("ada@example.com"), source: "android" });
      const response = await fetch(`${url}/authcode`, { method: "POST", headers: { ...posted, origin }, body });
      assert.equal(response.status, 200, await response.clone().text());
      assert.equal(response.headers.get("access-control-allow-origin"), origin);
    });
  }

  test("an allowed origin that is none is refused when the handler is made", async (t) => {
    const { vault } = await testService(t, { shared });
    assert.throws(() => vault.authCodeHandler({ allowedOrigins: ["https://*.example.com"] }), /must be an origin/);
  });
});

describe("a page of another origin", () => {
  const preflight = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-requested-with",
  };

  test("a page of another origin that is allowed gets leave to post, and reads the answer", async (t) => {
    const { url, fixture } = await testService(t, { shared, allowedOrigins: [app] });
    const asked = await fetch(`${url}/authcode`, { method: "OPTIONS", headers: { origin: app, ...preflight } });
    assert.equal(asked.status, 204);
    assert.equal(asked.headers.get("access-control-allow-origin"), app);
    assert.match(asked.headers.get("access-control-allow-headers") ?? "", /x-requested-with/);
    assert.match(asked.headers.get("access-control-allow-methods") ?? "", /POST/);
    assert.equal(asked.headers.get("access-control-allow-credentials"), null);
    assert.match(asked.headers.get("vary") ?? "", /origin/i);

    const body = new URLSearchParams({ authCode: fixture.code("ada@example.com"), source: "android" });
    for (const headers of [{ origin: app, ...posted }, { origin: app }]) {
      const response = await fetch(`${url}/authcode`, { method: "POST", headers, body });
      assert.equal(
        response.headers.get("access-control-allow-origin"),
        app,
        "errors, too, or a page could not say why",
      );
    }
  });

  test("a page of another origin that is not allowed gets no leave and can read nothing", async (t) => {
    const { url } = await testService(t, { shared, allowedOrigins: [app] });
    const headers = { origin: "https://attacker.example", ...preflight };
    const response = await fetch(`${url}/authcode`, { method: "OPTIONS", headers });
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    await assertProblem(response, "method_not_allowed");
  });

  test("a page of another origin cannot use what callers use, allowed or not", async (t) => {
    const { url, ask, grant } = await testService(t, { shared, allowedOrigins: [app] });
    const { grantId } = await grant();
    for (const path of [`/v1/grants/${grantId}/token`, "/v1/grants"]) {
      const asked = await fetch(url + path, { method: "OPTIONS", headers: { origin: app, ...preflight } });
      assert.equal(asked.headers.get("access-control-allow-origin"), null);
      const read = await ask(path, { headers: { origin: app } });
      assert.equal(read.headers.get("access-control-allow-origin"), null);
    }
  });
});
