import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OnbehalfBrowserError } from "../../src/browser/errors.ts";
import { postCode } from "../../src/browser/post-code.ts";
import { ada, startSite, type Reply, type Site } from "./page-server.ts";

const code = "4/0AX4XfWh+with/odd chars%2F";

const post = (site: Site, more: Partial<Parameters<typeof postCode>[0]> = {}): ReturnType<typeof postCode> =>
  postCode({ code, endpoint: `${site.url}/authcode`, pauseMs: 1, ...more });

describe("handing a code over", () => {
  test("handing a code over sends the code as it is, its source, and the header that a forged form cannot set", async () => {
    await using site = await startSite();
    await post(site, { source: "ios" });
    assert.deepEqual(site.posted, [
      {
        method: "POST",
        contentType: "application/x-www-form-urlencoded;charset=UTF-8",
        requestedWith: "XMLHttpRequest",
        form: { authCode: code, source: "ios" },
      },
    ]);
  });

  test("handing a code over sends what a redirect needs, and the app's own headers, which cannot replace ours", async () => {
    await using site = await startSite();
    await post(site, {
      source: "web-redirect",
      redirectUri: "https://app.example.com/connect",
      codeVerifier: "v".repeat(43),
      nonce: "n",
      ticket: "obt_1",
      headers: { "X-Requested-With": "app" },
    });
    assert.equal(site.posted[0]?.requestedWith, "XMLHttpRequest");
    assert.deepEqual(site.posted[0]?.form, {
      authCode: code,
      source: "web-redirect",
      redirect_uri: "https://app.example.com/connect",
      code_verifier: "v".repeat(43),
      nonce: "n",
      ticket: "obt_1",
    });
  });

  test("handing a code over says who it is, what was granted and what was not", async () => {
    await using site = await startSite();
    const person = await post(site, { scope: "openid email https://www.googleapis.com/auth/drive.appdata" });
    assert.deepEqual(person, {
      subject: "1001",
      profile: { sub: "1001", email: "ada@example.com", email_verified: true, name: "Ada Lovelace" },
      grantId: "g_1",
      scopes: ["openid", "https://www.googleapis.com/auth/userinfo.email"],
      missingScopes: ["https://www.googleapis.com/auth/drive.appdata"],
      offline: true,
      signInAssertion: "eyJ.a.b",
      hint: undefined,
    });
  });

  test("handing a code over hands on why the server cannot work while the person is away", async () => {
    await using site = await startSite();
    site.replies.push({ body: { ...ada, offline: false, hint: "ask with prompt=consent" } });
    const person = await post(site);
    assert.equal(person.offline, false);
    assert.equal(person.hint, "ask with prompt=consent");
  });

  for (const fail of ["drop", "cut"] as const) {
    test(`handing a code over: an answer lost on the way (${fail}) is asked for once more, with the same code`, async () => {
      await using site = await startSite();
      site.replies.push({ fail });
      const person = await post(site);
      assert.equal(person.subject, "1001");
      assert.equal(site.posted.length, 2);
      assert.deepEqual(site.posted[0], site.posted[1]);
    });
  }

  test("handing a code over: a third attempt is not made: by then the code is worth nothing", async () => {
    await using site = await startSite();
    site.replies.push({ fail: "drop" }, { fail: "drop" });
    await assert.rejects(post(site), { name: "OnbehalfBrowserError", code: "network_error" });
    assert.equal(site.posted.length, 2);
  });

  const answers: [name: string, reply: Reply, expected: Partial<OnbehalfBrowserError>][] = [
    [
      "the service's own refusal",
      { status: 400, body: { error: "code_rejected", error_description: "the code was used", hint: "sign in again" } },
      { code: "code_rejected", message: "the code was used", hint: "sign in again", status: 400 },
    ],
    [
      "a wait that the service asks for",
      { status: 503, body: { error: "provider_unavailable" }, headers: { "Retry-After": "7" } },
      { code: "provider_unavailable", retryAfterSeconds: 7, status: 503 },
    ],
    [
      "a wait as a date, which this clock cannot be trusted with",
      {
        status: 503,
        body: { error: "store_unavailable" },
        headers: { "Retry-After": "Sun, 22 Nov 2026 00:00:00 GMT" },
      },
      { code: "store_unavailable", retryAfterSeconds: undefined },
    ],
    ["a code nobody knew when this was written", { status: 418, body: { error: "teapot" } }, { code: "teapot" }],
    ["a proxy's error page", { status: 502, body: "<h1>Bad Gateway</h1>" }, { code: "unexpected_answer", status: 502 }],
    ["a single-page app's index.html", { body: "<!doctype html>" }, { code: "unexpected_answer", status: 200 }],
    ["JSON of somebody else", { body: { ok: true } }, { code: "unexpected_answer" }],
    ["a list", { body: [] }, { code: "unexpected_answer" }],
    ["a subject that is no string", { body: { ...ada, sub: 1001 } }, { code: "unexpected_answer" }],
    ["an empty body", { body: "" }, { code: "unexpected_answer" }],
  ];
  for (const [name, reply, expected] of answers) {
    test(`handing a code over: ${name} is not asked twice`, async () => {
      await using site = await startSite();
      site.replies.push(reply);
      const error: unknown = await post(site).then(
        () => assert.fail("should have been refused"),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof OnbehalfBrowserError);
      for (const [key, value] of Object.entries(expected)) assert.equal(Reflect.get(error, key), value, key);
      assert.equal(site.posted.length, 1);
    });
  }

  test("handing a code over: no error carries the code", async () => {
    await using site = await startSite();
    site.replies.push({ fail: "drop" }, { fail: "drop" }, { status: 500, body: "<p>oops" });
    for (const attempt of [1, 2]) {
      const error: unknown = await post(site).catch((reason: unknown) => reason);
      assert.ok(error instanceof OnbehalfBrowserError, String(attempt));
      const { cause } = error;
      const text = [error.message, error.hint, error.stack, cause instanceof Error ? cause.stack : ""].join("\n");
      assert.ok(!text.includes(code) && !text.includes(encodeURIComponent(code)));
    }
  });

  test("handing a code over: a signal gives up with its own reason, in the request and in the pause after it", async () => {
    await using site = await startSite();
    const reason = new Error("closed the tab");
    await assert.rejects(post(site, { signal: AbortSignal.abort(reason) }), reason);
    assert.equal(site.posted.length, 0);

    const stop = new AbortController();
    site.replies.push({ fail: "drop" });
    const waiting = post(site, { signal: stop.signal, pauseMs: 60_000 });
    while (site.posted.length === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort(reason);
    await assert.rejects(waiting, reason);
    assert.equal(site.posted.length, 1);
  });
});
