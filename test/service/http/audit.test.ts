import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { google } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { permissions } from "../../../src/vault/http/callers.ts";
import { assertProblem } from "../../support/problem.ts";
import { testService } from "../../support/test-service.ts";

interface Page {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly next: number;
}

async function pageOf(response: Response): Promise<Page> {
  assert.equal(response.status, 200);
  return (await response.json()) as Page;
}

describe("GET /v1/audit", () => {
  test("GET /v1/audit: page after page has every row once, and ends where nothing follows", async (t) => {
    const { ask, grant } = await testService(t);
    for (let n = 0; n < 5; n += 1) await grant();
    const seqs: unknown[] = [];
    for (let after = 0; ;) {
      const { rows, next } = await pageOf(await ask(`/v1/audit?after=${after}&limit=2`));
      seqs.push(...rows.map(({ seq }) => seq));
      if (next === after) break;
      after = next;
    }
    assert.deepEqual(
      seqs,
      Array.from({ length: 7 }, (_, n) => n + 1),
    );
  });

  test("GET /v1/audit: rows of one grant, by any reference, and of one caller", async (t) => {
    const { ask, vault, fixture } = await testService(t);
    const { grantId } = await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
    await (await ask(`/v1/grants/${grantId}/token`)).text();
    const id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    await (await ask(`/v1/grants/${grantId}`, { method: "DELETE", headers: { "x-request-id": id } })).text();
    const actions = async (query: string): Promise<unknown[]> =>
      (await pageOf(await ask(`/v1/audit?${query}`))).rows.map(({ action }) => action);
    const own = ["grant.created", "token.released", "grant.revoking", "grant.revoked"];
    assert.deepEqual(await actions("grant=ext:user-1"), own);
    assert.deepEqual(await actions(`grant=${grantId}&provider=google`), own);
    assert.deepEqual(await actions(`grant=${grantId}&caller=all`), own.slice(1));
    const { rows } = await pageOf(await ask("/v1/audit?caller=all"));
    assert.deepEqual(
      rows.filter(({ request_id: given }) => given === id).map(({ action }) => action),
      ["grant.revoking", "grant.revoked"],
    );
    await assertProblem(await ask("/v1/audit?grant=ext:nobody"), "grant_not_found");
    await assertProblem(await ask("/v1/audit?grant=user-1"), "invalid_request");
    for (const wrong of ["after=-1", "after=x", "limit=0", "limit=501", "caller="]) {
      await assertProblem(await ask(`/v1/audit?${wrong}`), "invalid_request");
    }
  });

  test("GET /v1/audit: only for a key that may read it and sees every grant", async (t) => {
    const { ask, vault, keyFor } = await testService(t);
    const others = permissions.filter((each) => each !== "audit");
    const refused = { authorization: `Bearer ${await keyFor(...others)}` };
    assert.equal(
      (await assertProblem(await ask("/v1/audit", { headers: refused }), "forbidden"))["permission"],
      "audit",
    );
    for (const narrow of [{ grants: ["ext:team-a:*"] }, { grants: ["*"], providers: ["google"] }]) {
      const { key } = await vault.callers.create(`narrow-${narrow.grants.length + Object.keys(narrow).length}`, {
        allow: permissions,
        ...narrow,
      });
      const headers = { authorization: `Bearer ${key.expose()}` };
      for (const query of ["", "?caller=all", "?grant=g_AAAAAAAAAAAAAAAAAAAAAA"]) {
        await assertProblem(await ask(`/v1/audit${query}`, { headers }), "forbidden");
      }
    }
  });

  test("GET /v1/audit: says nothing about grants of another client", async (t) => {
    const { ask, fixture, grant } = await testService(t);
    const { standin } = fixture;
    const client = standin.client({ loopback: true });
    const elsewhere = await fixture.open({
      provider: google({
        clientId: client.clientId,
        clientSecret: client.clientSecret ?? assert.fail("the other client has no secret"),
        baseUrl: standin.url,
      }),
    });
    const code = standin.code({ email: "eve@example.com", clientId: client.clientId });
    const foreign = await elsewhere.exchangeCode({ code });
    const own = await grant();
    const { rows } = await pageOf(await ask("/v1/audit"));
    const grants = new Set(rows.map(({ grant_id: id }) => id));
    assert.ok(grants.has(own.grantId));
    assert.ok(!grants.has(foreign.grantId));
    await assertProblem(await ask(`/v1/audit?grant=${foreign.grantId}`), "grant_not_found");
  });

  test("GET /v1/audit: no row holds a token, a code, a key, or anything of a person or a user", async (t) => {
    const { ask, vault, fixture, key, url } = await testService(t);
    const code = fixture.code("planted.person@example.com");
    const secrets = new Set(["planted.person", "planted-user-1", code, key]);
    const grant = await vault.exchangeCode({ code, externalId: "planted-user-1" });
    secrets.add(grant.subject).add(grant.profile.name ?? "planted.person");
    const token = ((await (await ask(`/v1/grants/${grant.grantId}/token`)).json()) as { access_token: string })
      .access_token;
    secrets.add(token);
    const headers = { "x-request-id": token };
    const path = `/v1/grants/${grant.grantId}/proxy/www.googleapis.com/drive/v3/files/appfolder?q=planted-user-1`;
    await (await ask(path, { headers })).text();
    for (const bad of [code, "4/planted-code"]) {
      const body = new URLSearchParams({ code: bad });
      await (await ask("/v1/grants", { method: "POST", body, headers })).text();
      await (await fetch(`${url}/authcode`, { method: "POST", headers: { "x-requested-with": "x" }, body })).text();
    }
    fixture.clock.advance(3_700_000);
    await (await ask(`/v1/grants/ext:planted-user-1/token`, { headers })).text();
    await (await ask(`/v1/grants/${grant.grantId}`, { method: "DELETE", headers })).text();
    await vault.callers.rotate("all", { overlapMs: 0 });
    const store = sqlite(fixture.path);
    await store.open({ clock: fixture.clock });
    t.after(() => store.close());
    const rows = await store.auditRows({ after: 0, limit: 500 });
    assert.ok(rows.length > 8, String(rows.length));
    const text = JSON.stringify(rows);
    for (const secret of [...secrets, "4/planted-code"]) assert.ok(!text.includes(secret), secret);
  });
});
