import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { clientFacts, consoleSteps } from "../../../src/cli/init/console-steps.ts";

/** What is to be entered at one place of the console. */
function entered(
  origins: readonly string[],
  urls: { publicUrl?: string; origin?: string },
  place: RegExp,
): readonly string[] {
  const step = consoleSteps({ isDesktop: false, origins }, urls).find(({ where }) => place.test(where));
  assert.ok(step, String(place));
  return step.enter;
}

describe("what to enter in Google's console", () => {
  test("what to enter in Google's console: the domain of each URL once, and none for this machine", () => {
    for (const [publicUrl, origin, domains] of [
      ["https://vault.example.com", "https://app.example.com", ["example.com"]],
      ["https://example.com", "https://app.example.org", ["example.com", "example.org"]],
      ["https://vault.example.co.uk", undefined, ["vault.example.co.uk"]],
      ["https://example.co.uk", undefined, ["example.co.uk"]],
      ["http://127.0.0.1:8787", "http://localhost:3000", []],
      ["https://[2001:db8::1]", undefined, []],
      [undefined, undefined, []],
    ] as const) {
      const urls = { ...(publicUrl === undefined ? {} : { publicUrl }), ...(origin === undefined ? {} : { origin }) };
      assert.deepEqual(entered([], urls, /Authorized domains/), domains, `${publicUrl ?? ""} ${origin ?? ""}`);
    }
  });

  test("what to enter in Google's console: an origin only where the client does not have it yet", () => {
    const origin = "https://app.example.com";
    assert.deepEqual(entered([], { origin }, /JavaScript origins/), [origin]);
    assert.deepEqual(entered([origin], { origin }, /JavaScript origins/), []);
    assert.deepEqual(entered(["https://app.example.com:444"], { origin }, /JavaScript origins/), [origin]);
  });

  test("what to enter in Google's console: openid is among the scopes, without which nobody can say whose grant it is", () => {
    assert.ok(entered([], {}, /scopes/).includes("openid"));
  });

  test("what to enter in Google's console: a desktop client is told to be the wrong one, first of all", () => {
    const [first] = consoleSteps({ isDesktop: true, origins: [] }, {});
    assert.match(first?.where ?? "", /Web application/);
    assert.equal(consoleSteps({ isDesktop: false, origins: [] }, {}).length, 5);
  });

  test("what a client file says of itself is read as Google writes it, and by hand", () => {
    const web = { client_id: "1-x", project_id: "p", javascript_origins: ["https://a.example"] };
    assert.deepEqual(clientFacts(`\uFEFF${JSON.stringify({ web })}`), {
      clientId: "1-x",
      isDesktop: false,
      origins: ["https://a.example"],
    });
    assert.deepEqual(clientFacts('{"installed":{"client_id":"1-y","javascript_origins":"https://a.example"}}'), {
      clientId: "1-y",
      isDesktop: true,
      origins: [],
    });
  });
});
