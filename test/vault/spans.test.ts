import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import * as api from "@opentelemetry/api";
import { isOnbehalfError } from "../../src/index.ts";
import type { Telemetry } from "../../src/index.ts";
import { testTelemetry, treeOf } from "../support/spans.ts";
import { sharedStandin, testVault } from "../support/test-vault.ts";

const shared = await sharedStandin();
after(() => shared.standin.close());

/** Longer than an access token lives. */
const pastExpiryMs = 3_700_000;

describe("spans of a vault", () => {
  test("the module @opentelemetry/api is what telemetry takes", () => {
    const given: Telemetry = api;
    assert.equal(typeof given.trace.getTracer, "function");
  });

  test("an exchange, a refresh and a call to an API are spans within the app's own, with what they asked beneath them", async (t) => {
    const { telemetry, spans, within } = testTelemetry(t);
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open({ telemetry });
    const { grantId } = await within("sign-in", () => vault.exchangeCode({ code: fixture.code("ada@example.com") }));
    shared.clock.advance(pastExpiryMs);
    await within("read", () => vault.getAccessToken(grantId));
    await within("call", () =>
      vault.fetch(grantId, "https://www.googleapis.com/drive/v3/files?q=secret").catch(() => 0),
    );
    const made = spans();
    assert.deepEqual(treeOf(made), [
      "sign-in",
      "  onbehalf.exchange_code",
      "    POST",
      "    GET",
      "read",
      "  onbehalf.refresh",
      "    POST",
      "call",
      "  GET",
    ]);
    assert.ok(made.every(({ instrumentationScope: { name } }) => name === "onbehalf" || name === "the app"));
    const exchange = made.find(({ name }) => name === "onbehalf.exchange_code");
    assert.deepEqual(exchange?.attributes, { "onbehalf.provider": "google", "onbehalf.grant.id": grantId });
    const refresh = made.find(({ name }) => name === "onbehalf.refresh");
    const { "onbehalf.attempt.id": attempt, ...known } = refresh?.attributes ?? {};
    assert.match(String(attempt), /^[\da-f-]{36}$/);
    assert.deepEqual(known, {
      "onbehalf.grant.id": grantId,
      "onbehalf.provider": "google",
      "onbehalf.shared": false,
      "onbehalf.outcome": "refreshed",
    });
    const address = new URL(shared.standin.url);
    const code = made.find(({ name }) => name === "POST");
    assert.equal(code?.kind, api.SpanKind.CLIENT);
    assert.deepEqual(code.attributes, {
      "http.request.method": "POST",
      "http.response.status_code": 200,
      "onbehalf.provider": "google",
      "server.address": address.hostname,
      "server.port": Number(address.port),
      "url.full": `${shared.standin.url}/token`,
    });
    // Its path and query may be about a person, and its answer is.
    const called = made.at(-2);
    assert.equal(called?.attributes["url.full"], undefined);
    assert.equal(called?.attributes["server.port"], Number(address.port));
  });

  for (const [how, person, more] of [
    ["our own sender", "bob", {}],
    ["a fetch of the app's", "bert", { fetch: globalThis.fetch }],
  ] as const) {
    test(`a refusal is in the spans of the request and of the refresh, by the provider's word: ${how}`, async (t) => {
      const { telemetry, spans } = testTelemetry(t);
      const fixture = await testVault(t, { shared });
      const vault = await fixture.open({ telemetry, ...more });
      const { grantId } = await vault.exchangeCode({ code: fixture.code(`${person}@example.com`) });
      shared.standin.fault("POST", "/token", { status: 503, body: { error: "temporarily_unavailable" } });
      shared.clock.advance(pastExpiryMs);
      await assert.rejects(vault.getAccessToken(grantId), (error) => isOnbehalfError(error, "provider_unavailable"));
      shared.standin.clearFaults();
      const isFailed = { code: api.SpanStatusCode.ERROR };
      const failed = spans().filter(({ attributes }) => attributes["error.type"] !== undefined);
      assert.deepEqual(
        failed.map(({ name, attributes, status }) => [name, attributes["error.type"], status]),
        [
          ["POST", "temporarily_unavailable", isFailed],
          ["onbehalf.refresh", "temporarily_unavailable", isFailed],
        ],
      );
      assert.equal(failed[0]?.attributes["http.response.status_code"], 503);
    });
  }

  test("who waits for a refresh that another has begun has a span of it that says so", async (t) => {
    const { telemetry, spans, within } = testTelemetry(t);
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open({ telemetry });
    const { grantId } = await vault.exchangeCode({ code: fixture.code("carl@example.com") });
    shared.clock.advance(pastExpiryMs);
    const before = spans().length;
    await Promise.all(["one", "two"].map((name) => within(name, () => vault.getAccessToken(grantId))));
    const made = spans().slice(before);
    assert.deepEqual(treeOf(made), ["one", "  onbehalf.refresh", "    POST", "two", "  onbehalf.refresh"]);
    const shares = made.filter(({ name }) => name === "onbehalf.refresh");
    assert.deepEqual(
      shares
        .map(({ attributes }) => [attributes["onbehalf.shared"], attributes["onbehalf.outcome"]])
        .sort(([one]) => Number(one)),
      [
        [false, "refreshed"],
        [true, "refreshed"],
      ],
    );
  });

  test("a token from memory makes no span, and no trace goes to a provider or an API", async (t) => {
    const { telemetry, spans, within } = testTelemetry(t);
    const fixture = await testVault(t, { shared });
    const sent: string[] = [];
    const vault = await fixture.open({
      telemetry,
      fetch: async (input, init) => {
        sent.push(...new Headers(init?.headers).keys());
        return fetch(input, init);
      },
    });
    const { grantId } = await within("sign-in", () => vault.exchangeCode({ code: fixture.code("dora@example.com") }));
    await vault.getAccessToken(grantId);
    const before = spans().length;
    await within("read", () => vault.getAccessToken(grantId));
    assert.deepEqual(treeOf(spans().slice(before)), ["read"]);
    await within("call", () => vault.fetch(grantId, "https://www.googleapis.com/drive/v3/files"));
    assert.ok(sent.includes("authorization"));
    assert.deepEqual(
      sent.filter((name) => /^(?:traceparent|tracestate|baggage)$/.test(name)),
      [],
    );
  });

  test("an SDK that fails takes nothing from a vault", async (t) => {
    const fixture = await testVault(t, { shared });
    const failing = (): never => {
      throw new Error("the SDK fails");
    };
    const { telemetry } = testTelemetry(t);
    const { trace, context } = telemetry;
    const span = {
      setAttributes: failing,
      setStatus: failing,
      isRecording: failing,
      updateName: failing,
      end: failing,
      spanContext: failing,
    };
    for (const broken of [
      { ...telemetry, trace: { ...trace, getTracer: failing } },
      { ...telemetry, trace: { ...trace, getTracer: () => ({ startSpan: failing }) } },
      { ...telemetry, trace: { ...trace, getTracer: () => ({ startSpan: () => span }) } },
      { ...telemetry, context: { active: context.active.bind(context), with: failing } },
    ] satisfies Telemetry[]) {
      const vault = await fixture.open({ telemetry: broken });
      const { grantId } = await vault.exchangeCode({ code: fixture.code("eve@example.com") });
      shared.clock.advance(pastExpiryMs);
      const [first, second] = await Promise.all([vault.getAccessToken(grantId), vault.getAccessToken(grantId)]);
      assert.equal(first.token, second.token);
      await vault.close();
    }
  });
});
