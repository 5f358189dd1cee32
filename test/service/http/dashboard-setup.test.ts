/** What the dashboard says of the service's own set-up. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { reasons } from "../../../src/core/diagnosis/reasons.ts";
import { keyringFromKeys, unreadableGrants } from "../../../src/index.ts";
import { checkUnwell } from "../../../src/service/doctor/check-unwell.ts";
import { examineRunning } from "../../../src/service/doctor/examine-running.ts";
import type { Finding } from "../../../src/service/doctor/finding.ts";
import { bodyOf, dashboardService, get, signedIn } from "../../support/dashboard.ts";

interface SetUp {
  readonly store: { readonly kind: string; readonly schema: string };
  readonly return_urls: readonly string[];
  readonly providers: readonly { readonly name: string; readonly client_id: string; readonly redirect_uri?: string }[];
  readonly keys: { readonly master_keys: readonly { readonly key_id: string; readonly wraps: number }[] };
  readonly webhooks: { readonly url?: string; readonly waiting: number; readonly dead: number };
}

interface Checks {
  readonly at: string;
  readonly checks: readonly { readonly check: string; readonly status: string; readonly message: string }[];
}

const told = {
  listens: { host: "127.0.0.1", port: 8787 },
  webhookUrl: "https://app.example/hooks?key=of-the-receiver",
};

describe("the dashboard's set-up", () => {
  test("the set-up names store, providers, master keys and webhooks to a reader too, and no secret", async (t) => {
    const service = await dashboardService(t, {
      dashboard: told,
      returnUrls: ["https://app.example/settings", "https://app.example/back/*"],
    });
    const { standin } = service.fixture;
    const reader = await signedIn(service, "reader");
    const response = await get(service, "/setup", reader);
    const text = await response.text();
    const body = JSON.parse(text) as SetUp;
    assert.equal(body.store.kind, "sqlite");
    assert.match(body.store.schema, /^\d{4}/);
    assert.deepEqual(body.return_urls, ["https://app.example/settings", "https://app.example/back/*"]);
    assert.deepEqual(
      body.providers.map(({ name, client_id: id, redirect_uri: uri }) => [name, id, uri]),
      [["google", standin.clientId, `${service.url}/connect/callback`]],
    );
    const [master] = body.keys.master_keys;
    assert.ok((master?.wraps ?? 0) > 0);
    assert.deepEqual(body.webhooks, { url: "https://app.example/hooks", waiting: 0, dead: 0 });
    for (const secret of [standin.clientSecret, service.key, "obm_", "of-the-receiver"])
      assert.ok(!text.includes(secret));
  });

  test("the checks look at store, keys, callers and provider when they are asked to, and not before", async (t) => {
    const service = await dashboardService(t, { dashboard: told });
    await service.grant("ada@example.com");
    const reader = await signedIn(service, "reader");
    const asked = (): number =>
      service.fixture.standin.log().entries.filter(({ path }) => path === "/oauth2/v3/certs").length;
    const before = asked();
    await bodyOf(await get(service, "/setup", reader));
    assert.equal(asked(), before);
    const found = await bodyOf<Checks>(await get(service, "/setup/checks", reader));
    assert.equal(asked(), before + 1);
    const of = (check: string): readonly (readonly [string, string])[] =>
      found.checks.filter((each) => each.check === check).map(({ status, message }) => [status, message] as const);
    for (const check of ["store", "key", "caller keys", "grants", "provider", "address", "webhooks"]) {
      assert.ok(of(check).length > 0, check);
    }
    assert.deepEqual(
      of("provider").map(([status]) => status),
      ["ok"],
    );
    assert.match(of("key")[0]?.[1] ?? "", /opens the store/);
    assert.match(of("caller keys")[0]?.[1] ?? "", /for every grant and without an end: all/);
    const again = await bodyOf<Checks>(await get(service, "/setup/checks", reader));
    assert.equal(again.at, found.at);
    assert.equal(asked(), before + 1);
  });

  test("the checks say what is wrong: a provider that is away, a caller's row that lost its binding", async (t) => {
    const service = await dashboardService(t, { dashboard: told });
    const reader = await signedIn(service, "reader");
    service.fixture.standin.fault("GET", "/oauth2/v3/certs", { status: 503, times: 9 });
    const { listCallers } = service.store;
    service.store.listCallers = async () =>
      (await listCallers.call(service.store)).map((row) => Object.assign({}, row, { rightsMac: null }));
    const { checks } = await bodyOf<Checks>(await get(service, "/setup/checks", reader));
    assert.ok(
      checks.some(({ check, status, message }) => check === "provider" && status === "fail" && /503/.test(message)),
    );
    assert.ok(checks.some(({ check, status }) => check === "caller keys" && status === "warn"));
  });

  test("events that were given up are a finding that says how to deliver them", async (t) => {
    const service = await dashboardService(t, { dashboard: told });
    service.store.deliveryCounts = async () => ({ waiting: 3, dead: 2, waitingSince: null });
    const found = await examineRunning(service.vault, told);
    const webhooks = found.find(({ check }) => check === "webhooks");
    assert.equal(webhooks?.status, "warn");
    assert.match(webhooks.message, /^2 events were given up .* 3 wait$/);
    assert.match(webhooks.hint ?? "", /onbehalf events dead/);
  });

  test("a grant that does not open is among the findings, by its id", async (t) => {
    const service = await dashboardService(t, { dashboard: told });
    const grant = await service.grant("ada@example.com");
    const { listGrants } = service.store;
    service.store.listGrants = async (query) =>
      (await listGrants.call(service.store, query)).map((row) =>
        Object.assign({}, row, { profileSealed: new Uint8Array(64) }),
      );
    const found = await examineRunning(service.vault, told);
    const grants = found.find(({ check }) => check === "grants");
    assert.equal(grants?.status, "fail");
    assert.ok(grants.message.includes(grant.grantId));
  });

  test("doctor and the checks count the grants that are not well by their first cause, in the diagnosis' own words", async (t) => {
    const service = await dashboardService(t, { dashboard: told });
    const { fixture, vault, store } = service;
    const { standin, clock } = fixture;
    const lapsed = [await service.grant("ada@example.com"), await service.grant("bo@example.com")];
    for (const email of ["ada@example.com", "bo@example.com"]) standin.revoke(email);
    const bare = await service.grant("cy@example.com");
    const database = new DatabaseSync(fixture.path);
    database.prepare("UPDATE grants SET refresh_sealed = NULL WHERE grant_id = ?").run(bare.grantId);
    database.close();
    standin.settings({ refreshTokenTtlSeconds: 20 * 86_400 });
    await service.grant("dee@example.com");
    standin.settings({ refreshTokenTtlSeconds: 6 * 86_400 });
    await service.grant("eve@example.com");
    clock.advance(3_700_000);
    for (const grant of lapsed) await assert.rejects(vault.getAccessToken(grant));
    await vault.directory.lookNow();
    const found = await examineRunning(vault, told);
    const { unwell } = await unreadableGrants(store, keyringFromKeys(fixture.key));
    const expected = (["invalid_grant", "no_refresh_token", "consent_ends"] as const).map((reason) => {
      const { means, fix } = reasons[reason];
      const who = {
        invalid_grant: "2 of google are lapsed",
        no_refresh_token: "1 of google is lapsed",
        consent_ends: "1 of google is active",
      };
      return { check: "grants", status: "warn", message: `${who[reason]}, ${reason}: ${means}`, hint: fix };
    });
    const inOrder = (findings: readonly Finding[]): readonly Finding[] =>
      findings.filter(({ check, status }) => check === "grants" && status === "warn");
    for (const findings of [checkUnwell(unwell), inOrder(found)]) {
      assert.deepEqual(
        new Set(findings.map((each) => JSON.stringify(each))),
        new Set(expected.map((each) => JSON.stringify(each))),
      );
    }
  });
});
