import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Fault } from "../../../src/standin/index.ts";
import { testStandin } from "../../support/test-standin.ts";
import { control, grant, refresh, stillClock, token } from "../talk.ts";

describe("faults", () => {
  const spoiled: [name: string, fault: Fault, expected: { status: number; body: RegExp; header?: [string, string] }][] =
    [
      ["500", { status: 500 }, { status: 500, body: /"code":500/ }],
      [
        "429 with Retry-After",
        { status: 429, retryAfter: 7 },
        { status: 429, body: /rateLimit/, header: ["retry-after", "7"] },
      ],
      ["an API's quota", { reason: "userRateLimitExceeded" }, { status: 403, body: /userRateLimitExceeded/ }],
      [
        "HTML",
        { html: true },
        { status: 502, body: /<!doctype html>/, header: ["content-type", "text/html; charset=utf-8"] },
      ],
      ["invalid JSON", { invalidJson: true }, { status: 200, body: /^\{"access_token": "[^"]*$/ }],
      [
        "200 without a token",
        { noToken: true },
        { status: 200, body: /^\{"token_type":"Bearer","expires_in":3599\}$/ },
      ],
      ["a body of one's own", { status: 418, body: { error: "odd" } }, { status: 418, body: /^\{"error":"odd"\}$/ }],
      [
        "text",
        { body: "plain", contentType: "text/plain" },
        { status: 200, body: /^plain$/, header: ["content-type", "text/plain"] },
      ],
      ["headers", { status: 503, headers: { "x-odd": "1" } }, { status: 503, body: /503/, header: ["x-odd", "1"] }],
      [
        "a redirect",
        { location: "http://127.0.0.1:1/x" },
        { status: 302, body: /^$/, header: ["location", "http://127.0.0.1:1/x"] },
      ],
      [
        "a dead token as 200",
        { status: 200, body: { error: "invalid_grant" } },
        { status: 200, body: /invalid_grant/ },
      ],
    ];
  for (const [name, fault, expected] of spoiled) {
    test(`an injected fault: ${name}: the next request meets it, the one after does not, and nothing was acted on`, async () => {
      await using standin = await testStandin({ rotation: "strict" });
      const { refreshToken } = await grant(standin);
      standin.fault("POST", "/token", fault);
      const form = { grant_type: "refresh_token", refresh_token: refreshToken };
      const response = await fetch(`${standin.url}/token`, {
        method: "POST",
        body: new URLSearchParams(form),
        redirect: "manual",
      });
      assert.equal(response.status, expected.status);
      assert.match(await response.text(), expected.body);
      if (expected.header !== undefined) assert.equal(response.headers.get(expected.header[0]), expected.header[1]);
      assert.equal((await refresh(standin, refreshToken)).status, 200);
      const outcomes = standin.log().entries.map(({ outcome }) => outcome);
      assert.deepEqual(outcomes, ["exchanged", "fault", "refreshed"]);
    });
  }

  test("an injected fault: a lost answer: the token was rotated, and nobody was told", async () => {
    await using standin = await testStandin({ rotation: "strict" });
    const { refreshToken } = await grant(standin);
    standin.fault("POST", "/token", { drop: true, after: "answer" });
    await assert.rejects(refresh(standin, refreshToken));
    const entry = standin.log().entries.at(-1);
    assert.deepEqual([entry?.outcome, entry?.status, entry?.fault], ["refreshed", 0, true]);
    assert.equal((await refresh(standin, refreshToken)).body["error"], "invalid_grant");
    assert.equal(standin.log().entries.at(-1)?.outcome, "reused_token");
  });

  test("an injected fault: the connection is cut before anything was done", async () => {
    await using standin = await testStandin({ rotation: "strict" });
    const { refreshToken } = await grant(standin);
    standin.fault("POST", "/token", { drop: true });
    await assert.rejects(refresh(standin, refreshToken));
    assert.equal((await refresh(standin, refreshToken)).status, 200);
  });

  test("an injected fault: the answer ends in the middle", async () => {
    await using standin = await testStandin();
    const { refreshToken } = await grant(standin);
    standin.fault("POST", "/token", { drop: "midway" });
    await assert.rejects(refresh(standin, refreshToken));
    assert.equal(standin.log().counts["refreshed"], 1);
  });

  test("an injected fault: an error after the stand-in acted, as a proxy makes them", async () => {
    await using standin = await testStandin({ rotation: "strict" });
    const { refreshToken } = await grant(standin);
    standin.fault("POST", "/token", { status: 504, after: "answer" });
    assert.equal((await refresh(standin, refreshToken)).status, 504);
    assert.equal(standin.log().counts["refreshed"], 1);
  });

  test("an injected fault: a late answer, a dripping one and a huge one arrive whole", async () => {
    await using standin = await testStandin();
    const { refreshToken } = await grant(standin);
    standin.fault("POST", "/token", { delayMs: 20 });
    assert.equal((await refresh(standin, refreshToken)).status, 200);
    standin.fault("POST", "/token", { delayMs: 20, after: "answer" });
    assert.equal((await refresh(standin, refreshToken)).status, 200);
    standin.fault("POST", "/token", { dripMs: 1 });
    assert.equal(typeof (await refresh(standin, refreshToken)).body["access_token"], "string");
    standin.fault("POST", "/token", { hugeBytes: 3_000_000 });
    const huge = await fetch(`${standin.url}/token`, { method: "POST", body: "" });
    assert.equal((await huge.arrayBuffer()).byteLength, 3_000_000);
  });

  test("injected faults wait for their method and path, by any of its names, with a star for the rest", async () => {
    await using standin = await testStandin();
    standin.fault("GET", "/token", { status: 500 });
    standin.fault("POST", "/drive/*", { status: 500 });
    standin.fault("POST", "/token", { status: 503 });
    assert.equal((await token(standin, {})).status, 503);
    standin.fault("POST", "/token", { status: 503 });
    const older = await fetch(`${standin.url}/oauth2/v4/token`, { method: "POST" });
    assert.equal(older.status, 503);
    assert.equal((await fetch(`${standin.url}/drive/v3/files`, { method: "POST" })).status, 500);
    assert.equal((await fetch(`${standin.url}/drive/v3/files`, { method: "POST" })).status, 401);
  });

  test("injected faults come as often as they say, one after the other, until cleared", async () => {
    await using standin = await testStandin();
    standin.fault("POST", "/token", { status: 500, times: 2 });
    standin.fault("POST", "/token", { status: 503, times: "always" });
    const statuses: number[] = [];
    for (let sent = 0; sent < 4; sent += 1) statuses.push((await token(standin, {})).status);
    assert.deepEqual(statuses, [500, 500, 503, 503]);
    standin.clearFaults();
    assert.equal((await token(standin, {})).status, 400);
  });

  test("injected faults can be set over HTTP, and a misspelt member is an error", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const set = await control(standin, "faults", { path: "/token", times: 1, status: 503, retry_after: 3 });
    assert.equal(set.status, 200);
    const spoiled = await token(standin, {});
    assert.deepEqual([spoiled.status, spoiled.headers.get("retry-after")], [503, "3"]);
    const wrong = await control(standin, "faults", { path: "/token", statu: 503 });
    assert.equal(wrong.status, 400);
    assert.match(String(wrong.body["error_description"]), /unknown member "statu"/);
    assert.throws(() => standin.fault("POST", "/token", { status: 42 }), /status must be a number from 200 to 599/);
  });

  test("injected faults leave nothing hanging when the stand-in closes", async () => {
    const standin = await testStandin();
    standin.fault("POST", "/token", { delayMs: 60_000 });
    standin.fault("GET", "/tokeninfo", { dripMs: 60_000 });
    const hanging = [
      assert.rejects(token(standin, {})),
      assert.rejects(fetch(`${standin.url}/tokeninfo`).then((response) => response.text())),
    ];
    await control(standin, "settings", {});
    await standin.close();
    await Promise.all(hanging);
    await standin.close();
  });
});
