/** What an operator does with a grant in the dashboard, what is said before it is done, and what is recorded of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bodyOf, dashboardService, errorOf, get, send, signedIn } from "../../support/dashboard.ts";
import type { AuditLogRow } from "../../../src/index.ts";
import type { TestService } from "../../support/test-service.ts";

const connectable = { returnUrls: ["https://app.example/settings", "https://app.example/back/*"] };

/** What the audit log has of an operator, besides sign-ins. */
async function recorded(service: TestService): Promise<(readonly [string, string, boolean])[]> {
  const rows = await service.vault.audit.list({ caller: "@operator" });
  return rows
    .filter(({ action }) => !action.startsWith("operator."))
    .map(({ action, outcome, sessionId }) => [action, outcome, sessionId !== undefined]);
}

describe("asking the provider from the dashboard", () => {
  test("a probe says what was found and when it may be asked again, and is recorded as the operator's", async (t) => {
    const service = await dashboardService(t);
    const grant = await service.grant("ada@example.com");
    const operator = await signedIn(service);
    const asked = await bodyOf(await send(service, "POST", `/grants/${grant.grantId}/probe`, operator));
    assert.equal(asked["result"], "valid");
    assert.equal(Date.parse(String(asked["again_at"])), Date.parse(String(asked["checked_at"])) + 10_000);
    const rows = await recorded(service);
    assert.ok(
      rows.some(([action, outcome, inSession]) => action === "grant.probed" && outcome === "valid" && inSession),
    );
    assert.ok(!JSON.stringify(asked).includes("ya29."));
    const again = await bodyOf(await send(service, "POST", `/grants/${grant.grantId}/probe`, operator));
    assert.equal(again["checked_at"], asked["checked_at"]);
  });

  test("a probe of a grant that the person has removed finds it invalid, and its life says that it lapsed", async (t) => {
    const service = await dashboardService(t);
    const grant = await service.grant("ada@example.com");
    const operator = await signedIn(service);
    service.fixture.standin.revoke("ada@example.com");
    const asked = await bodyOf(await send(service, "POST", `/grants/${grant.grantId}/probe`, operator));
    assert.equal(asked["result"], "invalid");
    const { life } = await bodyOf<{ life: { type: string; fix?: string }[] }>(
      await get(service, `/grants/${grant.grantId}`, operator),
    );
    assert.equal(life[0]?.type, "grant.lapsed");
    assert.match(life[0]?.fix ?? "", /sign in again/);
    assert.equal(life.at(-1)?.type, "grant.created");
  });

  test("a probe that asks nobody is recorded as one that did not ask, with what is known", async (t) => {
    const service = await dashboardService(t);
    const { grantId } = await service.grant("ada@example.com");
    await service.vault.revoke({ grantId });
    const operator = await signedIn(service);
    const asked = await bodyOf(await send(service, "POST", `/grants/${grantId}/probe`, operator));
    assert.match(String(asked["not_asked"]), /was ended here/);
    const rows = await service.vault.audit.list({ grantId });
    const { outcome, detail } = rows.find(({ action }) => action === "grant.probed") ?? assert.fail("no row");
    assert.deepEqual([outcome, detail], ["not_asked", asked["reason"]]);
  });

  test("a probe of a grant that is not there is not found, and nothing is recorded", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    const answer = await send(service, "POST", "/grants/g_nowhere/probe", operator);
    assert.equal(answer.status, 404);
    assert.equal(await errorOf(answer), "grant_not_found");
    assert.deepEqual(await recorded(service), []);
  });
});

describe("a reconnect link of the dashboard", () => {
  const made = async (service: TestService, externalIds: readonly string[]) => {
    const { vault, fixture } = service;
    let last;
    for (const externalId of externalIds) {
      last = await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId });
    }
    assert.ok(last);
    return last;
  };

  test("a reconnect link is for the grant's own user and account, names neither to whoever opens it, and ends at a page of the service or where the operator says", async (t) => {
    const service = await dashboardService(t, connectable);
    const { grantId, subject } = await made(service, ["user-1"]);
    const operator = await signedIn(service);
    const link = await bodyOf(await send(service, "POST", `/grants/${grantId}/connect`, operator, {}));
    assert.equal(link["external_id"], "user-1");
    const page = await fetch(String(link["url"]));
    assert.equal(page.status, 200);
    const text = await page.text();
    assert.match(text, /The same one as before/);
    for (const hidden of [subject, "user-1", "ada@example.com"]) assert.ok(!text.includes(hidden), hidden);
    const state = await bodyOf(await get(service, `/links/${String(link["connect_id"])}`, operator));
    assert.deepEqual(state, { status: "waiting" });
    assert.deepEqual(await recorded(service), [["connect.created", "waiting", true]]);
    const last = async (): Promise<AuditLogRow | undefined> =>
      (await service.vault.audit.list({ grantId, limit: 1, newestFirst: true }))[0];
    const created = await last();
    assert.equal(created?.action, "connect.created");
    const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? "";
    const cookie = (page.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    const body = new URLSearchParams({ csrf, decision: "cancel" });
    assert.equal((await fetch(String(link["url"]), { method: "POST", headers: { cookie }, body })).status, 200);
    const failed = await last();
    assert.deepEqual([failed?.action, failed?.outcome], ["connect.failed", "access_denied"]);
    assert.equal(failed?.sessionId, created.sessionId);
    for (const returnUrl of ["https://app.example/back/to/it", "https://app.example/settings"]) {
      const other = await send(service, "POST", `/grants/${grantId}/connect`, operator, { return_url: returnUrl });
      assert.equal(other.status, 200);
    }
  });

  test("of a grant with several users, a reconnect link needs to be told for whom, and takes nobody else", async (t) => {
    const service = await dashboardService(t, connectable);
    const { grantId } = await made(service, ["user-1", "user-2"]);
    const operator = await signedIn(service);
    for (const body of [{}, { external_id: "user-3" }, { external_id: "user-2", account: "other" }]) {
      const answer = await send(service, "POST", `/grants/${grantId}/connect`, operator, body);
      assert.equal(answer.status, 400);
      assert.equal(await errorOf(answer), "invalid_request");
    }
    const link = await bodyOf(
      await send(service, "POST", `/grants/${grantId}/connect`, operator, { external_id: "user-2" }),
    );
    assert.equal(link["external_id"], "user-2");
  });

  test("an address that is not on the list gets no reconnect link", async (t) => {
    const service = await dashboardService(t, connectable);
    const { grantId } = await made(service, ["user-1"]);
    const operator = await signedIn(service);
    for (const [returnUrl, error] of [
      ["https://evil.example/", "return_url_not_allowed"],
      ["javascript:alert(1)", "invalid_request"],
    ] as const) {
      const answer = await send(service, "POST", `/grants/${grantId}/connect`, operator, { return_url: returnUrl });
      assert.equal(answer.status, 400);
      assert.equal(await errorOf(answer), error);
    }
  });

  test("where no link can be made, the grant's page says what is missing, and so does the refusal; an address to come back to is not", async (t) => {
    const service = await dashboardService(t);
    const bare = await service.grant("carl@example.com");
    const operator = await signedIn(service);
    for (const [{ grantId }, lacks, fix, code] of [
      [bare, /no external id/, /external_id/, "invalid_request"],
    ] as const) {
      const { reconnect } = await bodyOf<{ reconnect: { lacks: string; fix: string } }>(
        await get(service, `/grants/${grantId}`, operator),
      );
      assert.match(reconnect.lacks, lacks);
      assert.match(reconnect.fix, fix);
      const answer = await send(service, "POST", `/grants/${grantId}/connect`, operator, {});
      assert.equal(answer.status, 400);
      const { error, hint } = (await answer.json()) as { error: string; hint: string };
      assert.equal(error, code);
      assert.equal(hint, reconnect.fix);
    }
    const { grantId } = await made(service, ["user-1"]);
    const { reconnect } = await bodyOf<{ reconnect: object }>(await get(service, `/grants/${grantId}`, operator));
    assert.deepEqual(reconnect, { return_urls: [], asks_offline: true });
    assert.equal((await send(service, "POST", `/grants/${grantId}/connect`, operator, {})).status, 200);
    assert.deepEqual(service.faults, []);
  });
});

describe("disconnecting from the dashboard", () => {
  test("what ends with a grant is said before it is ended: other grants, handles, and sessions for it alone", async (t) => {
    const service = await dashboardService(t);
    const { vault, fixture } = service;
    const grant = await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
    await vault.callers.create("reports", { allow: ["token", "sessions"] });
    const { handle } = await vault.handles.create(grant, { name: "nightly", forCaller: "reports" });
    const gone = await vault.handles.create(grant, { name: "gone", forCaller: "reports" });
    await vault.handles.revoke(grant, gone.handle.handleId);
    const only = await vault.sessions.create("reports", { allow: ["token"], grants: ["ext:user-1"] });
    await vault.sessions.create("reports", { allow: ["token"], grants: ["ext:user-1", "ext:user-2"] });
    await vault.sessions.create("reports", { allow: ["token"], grants: ["*"] });
    const operator = await signedIn(service);
    const ends = await bodyOf(await get(service, `/grants/${grant.grantId}/ends`, operator));
    assert.deepEqual(ends["external_ids"], [{ external_id: "user-1", account: grant.subject }]);
    assert.deepEqual(ends["handles"], [{ handle_id: handle.handleId, name: "nightly", for_caller: "reports" }]);
    assert.deepEqual(ends["sessions"], [{ session_id: only.session.sessionId, caller: "reports" }]);
    assert.equal(ends["ends_all_of_person"], true);
    assert.equal((await vault.grant(grant)).state, "active");
  });

  test("an operator ends a grant, which the audit log has as theirs, in which sign-in", async (t) => {
    const service = await dashboardService(t);
    const grant = await service.grant("ada@example.com");
    const operator = await signedIn(service);
    const { grant: ended } = await bodyOf<{ grant: { state: string } }>(
      await send(service, "DELETE", `/grants/${grant.grantId}`, operator),
    );
    assert.equal(ended.state, "revoked");
    assert.deepEqual(await recorded(service), [
      ["grant.revoking", "revoking", true],
      ["grant.revoked", "revoked", true],
    ]);
    await assert.rejects(service.vault.getAccessToken(grant), { code: "reauthorization_required" });
  });

  test("while the provider does not confirm, the operator reads so, and the grant gives no token", async (t) => {
    const service = await dashboardService(t);
    const grant = await service.grant("ada@example.com");
    const operator = await signedIn(service);
    service.fixture.standin.fault("POST", "/revoke", { status: 503, times: 50 });
    const answer = await send(service, "DELETE", `/grants/${grant.grantId}`, operator);
    assert.equal(answer.status, 503);
    assert.equal(await errorOf(answer), "provider_unavailable");
    const shown = await bodyOf<{ grant: { state: string } }>(await get(service, `/grants/${grant.grantId}`, operator));
    assert.equal(shown.grant.state, "revoking");
  });
});
