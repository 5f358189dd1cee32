import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Demo } from "../support/demo.ts";
import { eventually } from "../support/eventually.ts";

/** Whatever Google's token endpoint may do instead of refreshing, and what a caller must then hear. */
const faultCases: readonly (readonly [name: string, fault: Record<string, unknown>, status: number, error: string])[] =
  [
    ["invalid_client", refusal(401, "invalid_client"), 502, "client_misconfigured"],
    ["unauthorized_client", refusal(401, "unauthorized_client"), 502, "client_misconfigured"],
    ["deleted_client", refusal(401, "deleted_client"), 502, "client_misconfigured"],
    ["disabled_client", refusal(401, "disabled_client"), 502, "client_misconfigured"],
    ["invalid_request", refusal(400, "invalid_request"), 502, "client_misconfigured"],
    ["500", { status: 500 }, 503, "provider_unavailable"],
    ["500 that says invalid_grant", refusal(500, "invalid_grant"), 503, "provider_unavailable"],
    ["503 with Retry-After", { status: 503, retry_after: 30 }, 503, "provider_unavailable"],
    ["429", { status: 429, retry_after: 30 }, 503, "provider_unavailable"],
    ["a proxy's page", { html: true }, 503, "provider_unavailable"],
    ["a page as 200", { html: true, status: 200 }, 503, "provider_unavailable"],
    ["broken JSON", { invalid_json: true }, 503, "provider_unavailable"],
    ["200 without a token", { no_token: true }, 503, "provider_unavailable"],
    ["a huge body", { huge_bytes: 8_000_000 }, 503, "provider_unavailable"],
    ["a redirect", { location: "http://127.0.0.1:9/" }, 503, "provider_unavailable"],
    ["a cut connection", { drop: true }, 503, "provider_unavailable"],
    ["an answer cut midway", { drop: "midway" }, 503, "provider_unavailable"],
    ["an answer lost after Google acted", { drop: true, after: "answer" }, 503, "provider_unavailable"],
    ["no answer in time", { delay_ms: 60_000 }, 503, "provider_unavailable"],
    ["one byte at a time", { drip_ms: 1_000 }, 503, "provider_unavailable"],
  ];

function refusal(status: number, error: string): Record<string, unknown> {
  return { status, body: { error, error_description: "Injected." } };
}

describe("the whole fault menu changes no grant", () => {
  let demo: Demo;
  let grant: string;
  before(async () => {
    demo = await Demo.start();
    grant = String((await demo.signIn("ada@example.com"))["grant_id"]);
  });
  after(() => demo.stop());

  for (const [name, fault, status, error] of faultCases) {
    test(`a fault changes no grant: ${name}`, async () => {
      const before = (await demo.call(`/v1/grants/${grant}`)).body;
      await demo.control("faults", { path: "/token", method: "POST", times: 1_000, ...fault });
      try {
        await demo.advance(3_700);
        const refused = await demo.token(grant);
        assert.equal(refused.status, status, JSON.stringify(refused.body));
        assert.equal(refused.body["error"], error);
        if (status === 503) assert.ok(Number(refused.headers.get("retry-after")) >= 1);
        const { faults } = (await demo.request(`${demo.standin}/standin/faults`)).body as {
          faults: { times: number }[];
        };
        assert.ok((faults[0]?.times ?? 1_000) < 1_000, "google was not asked");
        const { body } = await demo.call(`/v1/grants/${grant}`);
        assert.equal(body["state"], "active");
        assert.equal(body["offline"], true);
        assert.equal(body["since"], before["since"]);
        assert.equal(body["generation"], before["generation"]);
      } finally {
        await demo.request(`${demo.standin}/standin/faults`, { method: "DELETE" });
      }
      // Past every back-off and Retry-After. A refresh may still be under way; after it all is as before.
      await demo.advance(900);
      const mended = await eventually(
        () => demo.token(grant),
        ({ status: now }) => now !== 503,
      );
      assert.equal(mended.status, 200, JSON.stringify(mended.body));
    });
  }
});
