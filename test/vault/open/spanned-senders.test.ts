import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { openTelemetrySpans } from "../../../src/core/spans/opentelemetry.ts";
import { spannedSenders } from "../../../src/vault/open/spanned-senders.ts";
import { testTelemetry } from "../../support/spans.ts";
import { until } from "../../support/test-vault.ts";

const address = "https://ada:hunter2@api.example/v1/person?access_token=ya29.planted";

/** What stands in the span of one request. */
async function attributesOf(t: TestContext, fetch: typeof globalThis.fetch, provider?: string): Promise<object> {
  const { telemetry, spans } = testTelemetry(t);
  const asked = provider === undefined ? {} : { provider };
  const senders = spannedSenders(openTelemetrySpans(telemetry, "onbehalf/0"), { fetch }, asked);
  await senders.fetch(address).catch(() => undefined);
  // Whoever asks has the answer before the span is over.
  await until(() => spans().length > 0);
  const [span] = spans();
  return span?.attributes ?? {};
}

describe("the span of a request", () => {
  test("says a provider's address without what may be secret in it, and of any other only the host", async (t) => {
    const fetch = async (): Promise<Response> => new Response("{}");
    const all = { "http.request.method": "GET", "server.address": "api.example", "server.port": 443 };
    const status = { "http.response.status_code": 200 };
    assert.deepEqual(await attributesOf(t, fetch), { ...all, ...status });
    const known = { ...all, "url.full": "https://api.example/v1/person", "onbehalf.provider": "p" };
    assert.deepEqual(await attributesOf(t, fetch, "p"), { ...known, ...status });
  });

  for (const [code, shown] of [
    ["ECONNRESET", "ECONNRESET"],
    ["ya29.a0AfH6SMBplanted", "_OTHER"],
    ["https://api.example/?token=1", "_OTHER"],
    ["A".repeat(41), "_OTHER"],
  ] as const) {
    test(`says of an error with the code ${code}: ${shown}`, async (t) => {
      const fetch = async (): Promise<Response> => {
        throw new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
      };
      assert.equal((await attributesOf(t, fetch, "p"))["error.type" as never], shown);
    });
  }

  for (const [error, shown] of [
    ["invalid_grant", "invalid_grant"],
    ["ya29.a0AfH6SMBplantedplantedplantedplanted", "unreadable_error"],
    ["no account of ada@example.com", "unreadable_error"],
    ["x".repeat(65), "unreadable_error"],
  ] as const) {
    test(`says of a provider's refusal ${error}: ${shown}`, async (t) => {
      const fetch = async (): Promise<Response> => Response.json({ error }, { status: 400 });
      assert.equal((await attributesOf(t, fetch, "p"))["error.type" as never], shown);
      // What an API answers is a person's: nothing of it is read.
      assert.equal((await attributesOf(t, fetch))["error.type" as never], "400");
    });
  }
});
