import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { testService } from "../../support/test-service.ts";

describe("a request that is refused", () => {
  test("a request that is refused for its key or its caller's rights is in the audit log, without what was sent", async (t) => {
    const { ask, vault, fixture, grant } = await testService(t);
    const { clock } = fixture;
    await grant();
    const get = async (path: string, authorization?: string): Promise<number> => {
      const response = await ask(path, {
        headers: authorization === undefined ? { authorization: "" } : { authorization },
      });
      await response.arrayBuffer();
      return response.status;
    };
    const make = async (name: string, options: object): Promise<string> => {
      const { key } = await vault.callers.create(name, { allow: ["token"], ...options });
      return `Bearer ${key.expose()}`;
    };
    const [narrow, ended, revoked] = [
      await make("narrow", { grants: ["ext:user-7"] }),
      await make("ended", { expiresAt: new Date(clock.now() + 1_000) }),
      await make("revoked", {}),
    ];
    const changed = await make("changed", {});
    await vault.callers.revoke("revoked");
    const raw = new DatabaseSync(fixture.path);
    raw.exec(`UPDATE callers SET permissions = '["token","proxy"]' WHERE name = 'changed'`);
    raw.close();
    clock.advance(2_000);
    const planted = `obk_${"a".repeat(16)}_${"b".repeat(64)}`;
    assert.equal(await get("/v1/grants", "Bearer nonsense-planted"), 401);
    for (let n = 0; n < 3; n += 1) assert.equal(await get("/v1/grants", `Bearer ${planted}_00000000`), 401);
    assert.equal(await get("/v1/grants/g_1/token", ended), 401);
    assert.equal(await get("/v1/grants/g_1/token", revoked), 401);
    assert.equal(await get("/v1/grants/g_1/token", changed), 401);
    assert.equal(await get("/v1/grants/ext:user-1/token", narrow), 404);
    assert.equal(await get("/v1/grants/ext:nobody/token", narrow), 404);
    assert.equal(await get("/v1/grants", narrow), 403);
    assert.equal(await get("/v1/grants/ext:user-7/proxy/evil.example/x", narrow), 403);
    await vault.close();

    const store = sqlite(fixture.path);
    await store.open({ migrate: false });
    t.after(() => store.close());
    const rows = await store.auditRows({ after: 0, limit: 500 });
    const refused = rows
      .filter(({ action }) => action === "key.refused" || action === "request.denied")
      .map(({ caller, action, outcome, detail }) => `${caller} ${action} ${outcome} ${detail?.split(" ")[0]}`);
    assert.deepEqual(refused.sort(), [
      "@public key.refused malformed 4",
      "changed key.refused changed 1",
      "ended key.refused expired 1",
      "narrow request.denied grant_not_found 2",
      "narrow request.denied no_permission_grants:read 1",
      "narrow request.denied no_permission_proxy 1",
      "revoked key.refused revoked 1",
    ]);
    for (const text of ["planted", "bbbb", "user-7", "nobody", "evil"]) {
      assert.ok(!JSON.stringify(rows).includes(text), text);
    }
  });
});
