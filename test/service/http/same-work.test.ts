/**
 * What a caller may not see does not exist: not only is the answer the same as for what is not there, the same is asked of
 * the store for it, in the same order. Otherwise the time of an answer would tell.
 */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { google } from "../../../src/index.ts";
import type { Store } from "../../../src/index.ts";
import { service } from "../../../src/service/http/app.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { permissions } from "../../../src/vault/http/callers.ts";
import { sharedStandin, testVault } from "../../support/test-vault.ts";
import { nameOf, pathOf, routes } from "./route-table.ts";

/** Notes what is decrypted in the work of one request: Node's own function is called, and that it was is noted. */
function noteDecryptions(t: TestContext, requests: AsyncLocalStorage<string[]>): void {
  const original = crypto.createDecipheriv;
  const noting = (...args: Parameters<typeof original>): ReturnType<typeof original> => {
    requests.getStore()?.push("decrypts");
    return original(...args);
  };
  crypto.createDecipheriv = noting as typeof original;
  syncBuiltinESMExports();
  t.after(() => {
    crypto.createDecipheriv = original;
    syncBuiltinESMExports();
  });
}

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

test("for a grant out of reach the store is asked the same, and as much is decrypted, as for one that is not there", async (t) => {
  const shared = await sharedStandin();
  t.after(() => shared.standin.close());
  const fixture = await testVault(t, { shared });
  const { standin } = fixture;
  const other = standin.client({ loopback: true });
  const requests = new AsyncLocalStorage<string[]>();
  noteDecryptions(t, requests);
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
  let decrypted = 0;
  const makers = new Map([["all", all.caller]]);
  for (const [name, grants, maker] of [
    ["prefix", ["ext:team-a:*"], undefined],
    ["value", ["ext:team-a:1"], undefined],
    ["id", [own.grantId], undefined],
    ["every", ["*"], undefined],
    ["a session with a prefix", ["ext:team-a:*"], "all"],
    ["a session with a value", ["ext:team-a:1"], "prefix"],
    ["a session with an id", [own.grantId], "all"],
    ["a session with an id that its maker sees by a prefix", [own.grantId], "prefix"],
    ["every grant, in a session", ["*"], "all"],
  ] as const) {
    const ofSessions = permissions.filter((each) => each !== "sessions" && each !== "handles");
    const made =
      maker === undefined
        ? await vault.callers.create(name, { allow: permissions, grants })
        : await vault.sessions.create(makers.get(maker) ?? assert.fail(maker), { allow: ofSessions, grants });
    const { key } = made;
    if ("caller" in made) makers.set(name, made.caller);
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
        decrypted += asked.filter((each) => each === "decrypts").length;
        return [String(answer.status), ...asked];
      };
      // A caller who may see it has just used it, so that it lies in memory.
      if (route.method === "GET") await ask(foreign.grantId, all.key.expose());
      for (const hidden of name.startsWith("every") ? [others] : [foreign, others]) {
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
  assert.ok(compared > 200, `${compared}`);
  assert.ok(decrypted > 100, `${decrypted}`);
});
