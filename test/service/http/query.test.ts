import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { operations } from "../../../src/service/openapi/operations.ts";
import { assertProblem } from "../../support/problem.ts";
import { testService } from "../../support/test-service.ts";
import { nameOf, pathOf, routes } from "./route-table.ts";

/** Whose query belongs to somebody else, or is ignored as OAuth wants it. */
const lenient = /^\/authcode$|\/proxy\//;

describe("a query parameter that an address does not take", () => {
  for (const route of routes.filter(({ path }) => !lenient.test(path))) {
    test(`a query parameter that an address does not take is refused and named: ${nameOf(route)}`, async (t) => {
      const { ask, grant, key, vault } = await testService(t);
      const { grantId } = await grant();
      const headers = {
        authorization: `Bearer ${key}`,
        ...(route.body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
      };
      const init = {
        method: route.method,
        headers,
        ...(route.body === undefined ? {} : { body: new URLSearchParams(route.body).toString() }),
      };
      const allowed = operations.find(
        ({ method, path }) => method === route.method.toLowerCase() && path === route.path,
      )?.query;
      for (const query of [
        "extenal_id=user-1",
        "Provider=google",
        "provider[]=google",
        "x",
        "grants=g_1&limit=5",
        "%00=1",
      ]) {
        const body = await assertProblem(
          await ask(`${pathOf(route, grantId)}?${query}`, init),
          "invalid_request",
          query,
        );
        assert.match(String(body["detail"]), /is no query parameter of this address$/);
        for (const { name } of allowed ?? []) assert.ok(String(body["hint"]).includes(name), String(body["hint"]));
      }
      assert.equal((await vault.grant(grantId)).state, "active", "nothing was done");
      const twice = await ask(`${pathOf(route, grantId)}?provider=google&provider=google`, init);
      await assertProblem(twice, "invalid_request");
    });
  }

  test("a query parameter that an address does not take is told only to who may ask", async (t) => {
    const { ask } = await testService(t);
    await assertProblem(await ask("/v1/grants?x=1", { headers: { authorization: "Bearer nobody" } }), "unauthorized");
  });

  test("a query parameter that is a secret is not repeated", async (t) => {
    const { ask, key } = await testService(t);
    const headers = { authorization: `Bearer ${key}` };
    const body = await assertProblem(await ask(`/v1/grants?${key}=1`, { headers }), "invalid_request");
    assert.ok(!JSON.stringify(body).includes(key));
  });
});
