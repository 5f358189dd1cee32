import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import * as api from "@opentelemetry/api";
import { testTelemetry, treeOf } from "../../support/spans.ts";
import type { ReadableSpan } from "../../support/spans.ts";
import { testService } from "../../support/test-service.ts";
import { sharedStandin } from "../../support/test-vault.ts";

const shared = await sharedStandin();
after(() => shared.standin.close());

/** Longer than an access token lives. */
const pastExpiryMs = 3_700_000;
const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const requestId = "5f0c5b0e-8e4e-4f0e-9d0e-1b1d4b4e6a11";

const servers = (spans: readonly ReadableSpan[]): ReadableSpan[] =>
  spans.filter(({ kind }) => kind === api.SpanKind.SERVER);

describe("spans of the service", () => {
  test("a request that is refreshed for is one trace, the caller's, with the request's id in each span of it", async (t) => {
    const { telemetry, spans } = testTelemetry(t);
    const service = await testService(t, { shared, vault: { telemetry } });
    const { grantId } = await service.grant();
    shared.clock.advance(pastExpiryMs);
    const before = spans().length;
    const answer = await service.ask(`/v1/grants/${grantId}/token`, {
      headers: { traceparent, "x-request-id": requestId },
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("x-request-id"), requestId);
    const made = spans().slice(before);
    assert.deepEqual(treeOf(made), ["GET /v1/grants/{ref}/token", "  onbehalf.refresh", "    POST"]);
    for (const { name, attributes, spanContext } of made) {
      assert.equal(attributes["onbehalf.request.id"], requestId, name);
      assert.equal(spanContext.call(made[0]).traceId, traceId);
    }
    const [server] = servers(made);
    assert.equal(server?.parentSpanContext?.spanId, "b7ad6b7169203331");
    assert.deepEqual(server.attributes, {
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "http.route": "/v1/grants/{ref}/token",
      "onbehalf.request.id": requestId,
      "url.scheme": "http",
    });
    assert.deepEqual(server.status, { code: api.SpanStatusCode.UNSET });
  });

  test("a token from memory makes no span, nor does one from the store alone", async (t) => {
    const { telemetry, spans } = testTelemetry(t);
    const service = await testService(t, { shared, vault: { telemetry } });
    const { grantId } = await service.grant();
    // The first one checks the key and the host.
    await service.ask(`/v1/grants/${grantId}/token`);
    const before = spans().length;
    for (let n = 0; n < 3; n++) await service.ask(`/v1/grants/${grantId}/token`, { headers: { traceparent } });
    assert.deepEqual(treeOf(spans().slice(before)), []);
  });

  test("a span says which route it was and what went wrong, and never what stood in the address", async (t) => {
    const { telemetry, spans } = testTelemetry(t);
    const service = await testService(t, { shared, vault: { telemetry }, returnUrls: "own" });
    const form = { "content-type": "application/x-www-form-urlencoded" };
    for (const [path, init, expected] of [
      ["/v1/grants/ext:planted/token?min_ttl_seconds=1", {}, ["GET /v1/grants/{ref}/token", 404, "grant_not_found"]],
      ["/v1/grants?planted=1", {}, ["GET /v1/grants", 400, "invalid_request"]],
      ["/v1/grants", { headers: { authorization: "" } }, ["GET /v1/grants", 401, "unauthorized"]],
      ["/v1/grants", { method: "PUT" }, ["PUT /v1/grants", 405, "method_not_allowed"]],
      ["/v1/grants/ext:planted/proxy/drive/planted", {}, ["GET /v1/grants/{ref}/proxy/*", 404, "grant_not_found"]],
      ["/planted", {}, ["GET other", 404, "not_found"]],
      ["/connect/planted", {}, ["GET /connect", 404, undefined]],
      ["/authcode", { method: "POST", headers: form, body: "code=planted" }, ["POST /authcode", 403, undefined]],
      [
        "/oauth/token",
        { method: "POST", headers: form, body: "x=planted" },
        ["POST /oauth/token", 401, "invalid_client"],
      ],
      ["/healthz", {}, ["GET /healthz", 200, undefined]],
    ] as const) {
      const before = spans().length;
      const answer = await service.ask(path, init);
      const [span, ...others] = servers(spans().slice(before));
      assert.deepEqual(others, []);
      const { "http.response.status_code": status, "error.type": type, "http.route": route } = span?.attributes ?? {};
      assert.equal(status, answer.status, path);
      assert.equal(span?.name, `${(init as RequestInit).method ?? "GET"} ${String(route)}`);
      const [name, expectedStatus, code] = expected;
      assert.deepEqual([span.name, status], [name, expectedStatus], path);
      if (code !== undefined) assert.equal(type, code, path);
      assert.equal(span.status.code, api.SpanStatusCode.UNSET);
      assert.equal(span.attributes["onbehalf.request.id"], answer.headers.get("x-request-id"), path);
      assert.doesNotMatch(JSON.stringify([span.name, span.attributes]), /planted/);
    }
  });

  test("what is the service's own fault is a span that failed", async (t) => {
    const { telemetry, spans } = testTelemetry(t);
    const service = await testService(t, { shared, vault: { telemetry } });
    await service.store.close();
    const before = spans().length;
    const answer = await service.ask("/readyz");
    assert.equal(answer.status, 503);
    const [span] = servers(spans().slice(before));
    assert.equal(span?.attributes["error.type"], "store_unavailable");
    assert.equal(span.status.code, api.SpanStatusCode.ERROR);
  });

  test("within a span that is open already, a request is part of that one", async (t) => {
    const { telemetry, spans, within } = testTelemetry(t);
    const service = await testService(t, { shared, vault: { telemetry } });
    const { service: handlerOf } = await import("../../../src/service/index.ts");
    const handler = handlerOf(service.vault);
    const asked = new Request(`${service.url}/healthz`, { headers: { traceparent } });
    await within("the app's server", () => handler(asked));
    assert.deepEqual(treeOf(spans().slice(-2)), ["the app's server", "  GET /healthz"]);
  });
});
