/**
 * What a caller may not see does not exist: not only is the answer the same as for what is not there, the same is asked of
 * the store for it, in the same order. Otherwise the time of an answer would tell.
 */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { google } from "../../../src/index.ts";
import type { Store } from "../../../src/index.ts";
import { service } from "../../../src/service/http/app.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { permissions } from "../../../src/vault/http/callers.ts";
import { sharedStandin, testVault } from "../../support/test-vault.ts";
import { nameOf, pathOf, routes } from "./route-table.ts";

/** Notes which verbs of a store the work of one request asks, and no others: the vault has work of its own. */
function noting(store: Store, requests: AsyncLocalStorage<string[]>): Store {
  return new Proxy(store, {
    get(target, name, receiver) {
      const verb = Reflect.get(target, name, receiver) as unknown;
      if (typeof verb !== "function") return verb;
      return (...args: unknown[]): unknown => {
        requests.getStore()?.push(String(name));
        return Reflect.apply(verb, target, args);
      };
    },
  });
}

test("for a grant out of reach the store is asked the same as for one that is not there", async (t) => {
  const shared = await sharedStandin();
  t.after(() => shared.standin.close());
  const fixture = await testVault(t, { shared });
  const { standin } = fixture;
  const other = standin.client({ loopback: true });
  const requests = new AsyncLocalStorage<string[]>();
  const vault = await fixture.open({ store: noting(sqlite(fixture.path), requests) });
  const elsewhere = await fixture.open({
    provider: google({
      clientId: other.clientId,
      clientSecret: other.clientSecret ?? assert.fail("the other client has no secret"),
      baseUrl: standin.url,
    }),
  });
  const handle = service(vault);
  const own = await vault.exchangeCode({ code: fixture.code("own@example.com"), externalId: "team-a:1" });
  const foreign = await vault.exchangeCode({ code: fixture.code("foreign@example.com"), externalId: "team-b:1" });
  const others = await elsewhere.exchangeCode({
    code: standin.code({ email: "others@example.com", clientId: other.clientId }),
    externalId: "team-b:2",
  });
  const all = await vault.callers.create("all", { allow: permissions });
  let compared = 0;
  for (const [name, grants] of [
    ["prefix", ["ext:team-a:*"]],
    ["value", ["ext:team-a:1"]],
    ["id", [own.grantId]],
    ["every", ["*"]],
  ] as const) {
    const { key } = await vault.callers.create(name, { allow: permissions, grants });
    for (const route of routes.filter(({ path }) => path.includes("{ref}"))) {
      const ask = async (ref: string, bearer = key.expose()): Promise<readonly string[]> => {
        const asked: string[] = [];
        const answer = await requests.run(asked, () =>
          handle(
            new Request(`http://127.0.0.1${pathOf(route, encodeURIComponent(ref))}`, {
              method: route.method,
              headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
              ...(route.body === undefined ? {} : { body: JSON.stringify(route.body) }),
            }),
          ),
        );
        await answer.text();
        return [String(answer.status), ...asked];
      };
      // A caller who may see it has just used it, so that it lies in memory.
      if (route.method === "GET") await ask(foreign.grantId, all.key.expose());
      for (const hidden of name === "every" ? [others] : [foreign, others]) {
        const [externalId = ""] = hidden.externalIds.map((each) => each.externalId);
        for (const [ref, nobody] of [
          [hidden.grantId, `g_${"A".repeat(22)}`],
          [`sub:${hidden.subject}`, `sub:${"0".repeat(hidden.subject.length)}`],
          [`ext:${externalId}`, "ext:nobody:1"],
        ] as const) {
          // The first request of a key looks the key up; those after it do not.
          await ask(nobody);
          assert.deepEqual(await ask(ref), await ask(nobody), `${nameOf(route)} with ${name}: ${ref}`);
          compared += 1;
        }
      }
    }
  }
  assert.ok(compared > 80, `${compared}`);
});
