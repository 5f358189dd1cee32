import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { bentProvider } from "../../support/bent-provider.ts";
import type { Bend } from "../../support/bent-provider.ts";
import { testService } from "../../support/test-service.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const members = (count: number, value = "1"): string =>
  `{${Array.from({ length: count }, (_, n) => `"${n.toString(36)}":${value}`).join(",")}}`;
const nested = (depth: number, open = "[", close = "]"): string => open.repeat(depth) + close.repeat(depth);

/** JSON that is small to send, and large or slow to read for a careless reader. */
const bombs = (size: number): Readonly<Record<string, string>> => ({
  "lists in lists": nested(size / 2),
  "lists in lists without an end": "[".repeat(size),
  "objects in objects": nested(size / 6, '{"a":', "}").replace(":}", ":1}"),
  "lists in a member that matters": `{"authCode":${nested(size / 2 - 20)}}`,
  "very many members": members(size / 9),
  "very many members of one name": `{${'"a":1,'.repeat(size / 6)}"a":1}`,
  "very many empty objects": `[${"{},".repeat(size / 3)}{}]`,
  "very many texts": `[${'"",'.repeat(size / 3)}""]`,
  "a number with very many digits": `{"authCode":${"9".repeat(size)}}`,
  "an exponent beyond all numbers": '{"authCode":1e999999999}',
  "escapes without an end": `{"authCode":"${"\\u0000".repeat(size / 6)}"}`,
  "one long text": `{"authCode":"${"x".repeat(size)}"}`,
  "names that every object has": '{"__proto__":{"authCode":"x"},"constructor":{"prototype":{"code":"y"}},"toString":1}',
});

describe("JSON that is larger than it looks", () => {
  for (const [name, body] of Object.entries(bombs(60_000))) {
    test(`a body of ${name} is refused, with a key and without, and the next request is served`, async (t) => {
      const { ask, url, faults } = await testService(t, { shared });
      const json = { "content-type": "application/json", "x-requested-with": "XMLHttpRequest" };
      for (const response of [
        await fetch(`${url}/authcode`, { method: "POST", headers: json, body }),
        await ask("/v1/grants", { method: "POST", headers: json, body }),
      ]) {
        assert.ok([400, 413].includes(response.status), `${response.status}`);
        // An answer that repeats what was sent would make a large answer of many small requests.
        assert.ok((await response.text()).length < 2_000);
      }
      assert.equal((await fetch(`${url}/healthz`)).status, 200);
      assert.deepEqual(faults, []);
    });
  }

  test("a body that is small while it is compressed is not unpacked", async (t) => {
    const { ask, faults } = await testService(t, { shared });
    const body = gzipSync(members(1_000_000));
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    for (const sent of [body, gzipSync(`{"code":"${"x".repeat(30_000_000)}"}`)]) {
      const response = await ask("/v1/grants", { method: "POST", headers, body: sent });
      assert.ok([400, 413, 415].includes(response.status), `${response.status}`);
    }
    assert.deepEqual(faults, []);
  });

  test("a million members are not read to their end", async (t) => {
    const { ask, faults } = await testService(t, { shared });
    const response = await ask("/v1/grants", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: members(1_000_000),
    });
    assert.equal(response.status, 413);
    assert.deepEqual(faults, []);
  });
});

const answers: Readonly<Record<string, (body: { text: string }) => Bend>> = {
  "the answer to a refresh": (body) => ({ token: () => body }),
  "the provider's keys": (body) => ({ jwks: () => body }),
};

describe("an answer of a provider that is larger than it looks", () => {
  for (const [where, bendWith] of Object.entries(answers)) {
    for (const [name, text] of Object.entries(bombs(200_000))) {
      test(`${where} as ${name} ends nothing: the next good answer is read`, async (t) => {
        const bent = await bentProvider(t);
        const isRefresh = where.includes("refresh");
        const { grantId } = isRefresh ? await bent.connect("ada/1") : { grantId: "" };
        bent.clock.advance(86_400_000);
        bent.bend = bendWith({ text });
        const attempt = isRefresh ? bent.vault.getAccessToken(grantId) : bent.connect("ada/1");
        await assert.rejects(attempt, { name: "OnbehalfError" });
        bent.bend = {};
        bent.clock.advance(86_400_000);
        if (isRefresh) await bent.vault.getAccessToken(grantId);
        else await bent.connect("ada/2");
      });
    }
  }

  test("a good answer with very much around it is read, and nothing else of it kept", async (t) => {
    const bent = await bentProvider(t);
    const { grantId } = await bent.connect("ada/1");
    bent.clock.advance(86_400_000);
    bent.bend = { token: (answer) => ({ text: `{"rest":${nested(5_000)},${JSON.stringify(answer).slice(1)}` }) };
    assert.match((await bent.vault.getAccessToken(grantId)).token, /^at-/);
  });
});
