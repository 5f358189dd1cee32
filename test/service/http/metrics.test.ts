import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import { serviceMetrics, startServer } from "../../../src/service/index.ts";
import { permissions } from "../../../src/vault/http/callers.ts";
import { assertProblem, publicErrors } from "../../support/problem.ts";
import { rawRequest, testService } from "../../support/test-service.ts";
import { sharedStandin } from "../../support/test-vault.ts";

const shared = await sharedStandin();
after(() => shared.standin.close());

const counted = /^onbehalf_events_total\{type="grant_stored",provider="google"\} 1$/m;

/** An answer, byte for byte but for the time and the id of its request. */
async function bytesOf(answer: Response): Promise<object> {
  const headers = [...answer.headers].filter(([name]) => name !== "date" && name !== "x-request-id");
  return { status: answer.status, headers, body: await answer.text() };
}

async function keysWithout(t: TestContext): Promise<{
  readonly service: Awaited<ReturnType<typeof testService>>;
  readonly keys: ReadonlyMap<string, string>;
}> {
  const service = await testService(t, { shared, metrics: serviceMetrics() });
  const { vault, fixture, key } = service;
  const create = async (name: string, options: object = {}): Promise<string> =>
    `Bearer ${(await vault.callers.create(name, { allow: permissions, ...options })).key.expose()}`;
  const other = await testService(t, { shared });
  const revoked = await create("revoked");
  await vault.callers.revoke("revoked");
  const others = permissions.filter((each) => each !== "metrics");
  const keys = new Map([
    ["no key", ""],
    ["an empty key", "Bearer "],
    ["no Bearer", `Basic ${Buffer.from(`${key}:`).toString("base64")}`],
    ["a damaged copy", `Bearer ${key.slice(0, -1)}`],
    ["another vault's key", `Bearer ${other.key}`],
    ["a token of the provider", "Bearer ya29.a-token"],
    ["a revoked key", revoked],
    ["an expired key", await create("expired", { expiresAt: new Date(fixture.clock.now() - 1) })],
    ["every permission but metrics", await create("all-but", { allow: others })],
  ]);
  for (const each of others) keys.set(`${each} alone`, await create(each.replace(":", "."), { allow: [each] }));
  return { service, keys };
}

describe("/metrics on the public port", () => {
  test("to whoever may not read it, /metrics answers what an address answers that does not exist, byte for byte", async (t) => {
    const { service, keys } = await keysWithout(t);
    let compared = 0;
    for (const [name, authorization] of keys) {
      for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
        for (const query of ["", "?x=1", "?name[]=onbehalf_events_total"]) {
          const init = { method, headers: { authorization } };
          const there = await bytesOf(await service.ask(`/metrics${query}`, init));
          const nowhere = await bytesOf(await service.ask(`/nowhere${query}`, init));
          assert.deepEqual(there, nowhere, `${name}: ${method} ${query}`);
          compared += 1;
        }
      }
    }
    assert.equal(compared, keys.size * 18);
    assert.deepEqual(service.faults, []);
  });

  test("while the store is away, a key that nobody can check finds nothing at /metrics", async (t) => {
    const { service, keys } = await keysWithout(t);
    const may = { headers: { authorization: `Bearer ${await service.keyFor("metrics")}` } };
    assert.equal((await service.ask("/metrics", may)).status, 200);
    await service.store.close();
    for (const [name, authorization] of keys) {
      const there = await bytesOf(await service.ask("/metrics", { headers: { authorization } }));
      assert.deepEqual(there, await bytesOf(await service.ask("/nowhere", { headers: { authorization } })), name);
    }
    assert.equal((await service.ask("/metrics", may)).status, 200, "a key that was checked lately still works");
    await service.store.open({ clock: service.fixture.clock });
  });

  for (const [name, options] of [
    ["metrics alone", { allow: ["metrics"] }],
    ["metrics among others", { allow: permissions }],
    ["metrics, for the grants of some", { allow: ["metrics"], grants: ["ext:nobody"] }],
  ] as const) {
    test(`a caller with ${name} reads the counters, with GET alone`, async (t) => {
      const service = await testService(t, { shared, metrics: serviceMetrics() });
      await service.grant();
      const { key } = await service.vault.callers.create("reader", options);
      const headers = { authorization: `Bearer ${key.expose()}` };
      const answer = await service.ask("/metrics", { headers });
      assert.deepEqual(
        [answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")],
        [200, "text/plain; version=0.0.4; charset=utf-8", "no-store"],
      );
      assert.match(await answer.text(), counted);
      assert.equal((await service.ask("/metrics", { method: "HEAD", headers })).status, 200);
      await assertProblem(await service.ask("/metrics", { method: "POST", headers }), "method_not_allowed");
      await assertProblem(await service.ask("/metrics?x=1", { headers }), "invalid_request");
      for (const other of ["/metrics/", "/metricsx", "/METRICS", "//metrics", "/metrics/x"])
        await assertProblem(await service.ask(other, { headers }), "not_found", other);
    });
  }
});

describe("the port of its own for metrics", () => {
  test("there is none unless it is asked for", async (t) => {
    const { server } = await testService(t, { shared, metrics: serviceMetrics() });
    assert.equal(server.metricsUrl, undefined);
  });

  test("the port for metrics answers the counters without a key, on this machine alone, and nothing else", async (t) => {
    const service = await testService(t, { shared, metrics: serviceMetrics(), metricsPort: 0, host: "0.0.0.0" });
    await service.grant();
    const url = service.server.metricsUrl ?? "";
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
    for (const path of ["/metrics", "/", "/metrics?x=1"]) {
      const answer = await fetch(url + path);
      assert.equal(answer.status, 200);
      assert.match(await answer.text(), counted);
    }
    assert.equal((await fetch(`${url}/metrics`, { method: "HEAD" })).status, 200);
    for (const path of ["/v1/grants", "/authcode", "/metrics/", "/healthz", "/openapi.json", "/metricsx"])
      await assertProblem(await fetch(url + path), "not_found", path, publicErrors);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"])
      await assertProblem(await fetch(`${url}/metrics`, { method }), "method_not_allowed", method, publicErrors);
    for (const host of ["evil.example", "x", "10.0.0.5", "127.0.0.1.evil.example"])
      assert.equal((await rawRequest(url, "/metrics", { headers: { host } })).status, 403, host);
    assert.equal((await rawRequest(url, "/metrics", { headers: { host: "a.1" } })).status, 400);
    assert.equal((await rawRequest(url, "/metrics", { headers: { host: `localhost:9` } })).status, 200);
    await service.server.close();
    await assert.rejects(fetch(`${url}/metrics`), "it ends with the server");
  });

  test("what goes wrong at the port for metrics is a fault that somebody is told of, as at the other port", async (t) => {
    const broken = { ...serviceMetrics(), text: () => Promise.reject(new TypeError("no counters")) };
    const service = await testService(t, { shared, metrics: broken, metricsPort: 0 });
    const response = await fetch(`${service.server.metricsUrl ?? ""}/metrics`);
    assert.equal(response.status, 500);
    assert.deepEqual(service.faults.map(String), ["TypeError: no counters"]);
  });

  test("a port for metrics that is taken is named with its setting, and the other port is not kept", async (t) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    t.after(() => taken.close());
    const { vault } = await testService(t, { shared });
    const { port: metricsPort } = taken.address() as AddressInfo;
    await assert.rejects(
      startServer(vault, { port: 0, metrics: serviceMetrics(), metricsPort }),
      (error) => isOnbehalfError(error, "configuration_invalid") && /ONBEHALF_METRICS_PORT/.test(error.message),
    );
  });

  test("the port for metrics is let go where the service itself cannot listen", async (t) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    t.after(() => taken.close());
    const { vault } = await testService(t, { shared });
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port: metricsPort } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const { port } = taken.address() as AddressInfo;
    await assert.rejects(startServer(vault, { port, metrics: serviceMetrics(), metricsPort }));
    await assert.rejects(fetch(`http://127.0.0.1:${metricsPort}/metrics`));
  });
});
