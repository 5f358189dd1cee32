import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { testService } from "../../support/test-service.ts";
import type { TestService } from "../../support/test-service.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const json = { "content-type": "application/json", "x-requested-with": "XMLHttpRequest" };
const form = { "content-type": "application/x-www-form-urlencoded", "x-requested-with": "XMLHttpRequest" };

/** The rows of the table that somebody without a key can make grow. */
function intakes({ fixture }: TestService): number {
  const database = new DatabaseSync(fixture.path, { readOnly: true });
  try {
    return (database.prepare("SELECT count(*) AS n FROM intakes").get() as { n: number }).n;
  } finally {
    database.close();
  }
}

const members = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`unknown_${n}`, "x"]));
const uri = (length: number, filler = "a"): string => "https://app.example/".padEnd(length, filler);

type Row = readonly [title: string, body: object, parameter: string | undefined];

/** Each is one step over a bound. */
const tooMuch: readonly Row[] = [
  ["a code of 2,049 characters", { authCode: "4".repeat(2_049) }, "authCode"],
  ["a code of 60 kB", { authCode: "4".repeat(60_000) }, "authCode"],
  ["a code whose 2,049 characters are all encoded", { authCode: "%34".repeat(2_049) }, "authCode"],
  ["a redirect_uri of 2,049 characters", { authCode: "4/0A", redirect_uri: uri(2_049) }, "redirect_uri"],
  ["a redirect_uri of 60 kB", { authCode: "4/0A", redirect_uri: uri(60_000) }, "redirect_uri"],
  ["a redirect_uri too long when it is encoded", { authCode: "4/0A", redirect_uri: uri(1_500, "/") }, "redirect_uri"],
  [
    "the same of characters beyond ASCII",
    { authCode: "4/0A", redirect_uri: uri(600, "é") + "€".repeat(300) },
    "redirect_uri",
  ],
  [
    "a popup's redirect_uri too long",
    { authCode: "4/0A", source: "web-popup", redirect_uri: uri(2_049) },
    "redirect_uri",
  ],
  ["a scope of 8,193 characters", { authCode: "4/0A", scope: "s".repeat(8_193) }, "scope"],
  ["257 scopes", { authCode: "4/0A", scope: Array.from({ length: 257 }, (_, n) => `s${n}`).join(" ") }, "scope"],
  ["257 scopes as an array", { authCode: "4/0A", scopes: Array.from({ length: 257 }, (_, n) => `s${n}`) }, "scope"],
  ["a code_verifier of 129 characters", { authCode: "4/0A", code_verifier: "v".repeat(129) }, "code_verifier"],
  ["a nonce of 513 characters", { authCode: "4/0A", nonce: "n".repeat(513) }, "nonce"],
  ["a source of 60 kB", { authCode: "4/0A", source: "s".repeat(60_000) }, "source"],
  ["a provider of 60 kB", { authCode: "4/0A", provider: "p".repeat(60_000) }, "provider"],
  ["256 unknown members beside the code", { authCode: "4/0A", ...members(256) }, undefined],
];

describe("a code with more beside it than a bound allows", () => {
  for (const [title, body, parameter] of tooMuch) {
    test(`${title} is refused before anything is stored or sent`, async (t) => {
      const service = await testService(t, { shared });
      const { ask, fixture } = service;
      fixture.newRequests();
      const asForm = new URLSearchParams(
        Object.entries(body).map(([name, value]) => [name, Array.isArray(value) ? value.join(" ") : String(value)]),
      );
      const answers = [
        await ask("/authcode", { method: "POST", headers: { ...json, authorization: "" }, body: JSON.stringify(body) }),
        await ask("/authcode", { method: "POST", headers: { ...form, authorization: "" }, body: asForm.toString() }),
        await ask("/v1/grants", { method: "POST", headers: json, body: JSON.stringify(body) }),
      ];
      for (const answer of answers) {
        // A form grows as it is encoded, and may be larger than a body may be.
        if (answer.status === 413) continue;
        const problem = (await answer.json()) as Record<string, string>;
        assert.deepEqual([answer.status, problem["error"]], [400, "invalid_request"], JSON.stringify(problem));
        assert.equal(problem["parameter"], parameter, JSON.stringify(problem));
        assert.ok(JSON.stringify(problem).length < 1_000, "the answer repeats what was sent");
      }
      assert.equal(intakes(service), 0);
      assert.equal(fixture.newRequests().length, 0);
      assert.deepEqual(fixture.events, []);
    });
  }

  test("an external_id of 513 characters is refused to a caller, too", async (t) => {
    const service = await testService(t, { shared });
    const body = JSON.stringify({ authCode: "4/0A", external_id: "u".repeat(513) });
    const answer = await service.ask("/v1/grants", { method: "POST", headers: json, body });
    assert.equal(((await answer.json()) as Record<string, string>)["parameter"], "external_id");
    assert.equal(intakes(service), 0);
  });
});

test("a code with as much beside it as the bounds allow makes a grant", async (t) => {
  const { ask, fixture } = await testService(t, { shared });
  const body = {
    authCode: fixture.code("full@example.com"),
    scope: Array.from({ length: 256 }, (_, n) => `s${n}`.padEnd(31, "x")).join(" "),
    state: "s".repeat(20_000),
    ...members(253),
  };
  const answer = await ask("/authcode", { method: "POST", headers: json, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.text());
});

describe("a provider that refuses a request for its size", () => {
  for (const status of [413, 414, 431]) {
    test(`${status} spends no code and is no outage`, async (t) => {
      const service = await testService(t, { shared });
      const { ask, fixture, vault } = service;
      const { grantId } = await service.grant();
      const code = fixture.code("size@example.com");
      const post = (authCode: string): Promise<Response> =>
        ask("/authcode", { method: "POST", headers: json, body: JSON.stringify({ authCode }) });
      fixture.standin.fault("POST", "/token", { times: 12, status, body: "<h1>too large</h1>" });
      for (let n = 0; n < 12; n++) {
        const answer = await post(n === 0 ? code : `4/0Agarbage${n}`);
        const problem = (await answer.json()) as Record<string, string>;
        assert.deepEqual([answer.status, problem["error"]], [400, "code_rejected"], JSON.stringify(problem));
      }
      fixture.standin.clearFaults();
      assert.equal(intakes(service), 1); // of the grant
      assert.ok((await vault.getAccessToken({ grantId }, { minTtlSeconds: 86_400 })).token);
      assert.equal((await post(code)).status, 200);
    });
  }
});
