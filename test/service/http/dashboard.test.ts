/** Who comes into the dashboard, what they may do there, and that nobody else does. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keyringFromKeys, storeEpoch } from "../../../src/index.ts";
import { dashboardLink } from "../../../src/service/http/dashboard/link.ts";
import { dashboardRoutes } from "../../../src/service/http/dashboard/routes.ts";
import { cookieIn, dashboardService, errorOf, get, press, signedIn, xhr } from "../../support/dashboard.ts";
import { testService } from "../../support/test-service.ts";

/** An address of a route, with something in the place of a name. */
const addressOf = (path: string): string => path.replace(/\{\w+\}/, "g_nowhere");

describe("signing in to the dashboard", () => {
  test("a link to the dashboard is used up by its button alone, once", async (t) => {
    const service = await dashboardService(t);
    const link = await dashboardLink(service.vault, service.url);
    for (let n = 0; n < 3; n += 1) {
      const looked = await fetch(link);
      assert.equal(looked.status, 200);
      assert.match(await looked.text(), /<form method="post">/);
      assert.equal(looked.headers.get("cache-control"), "no-store");
      assert.equal(looked.headers.get("set-cookie"), null);
    }
    const first = await press(link);
    assert.equal(first.status, 303);
    assert.equal(new URL(first.headers.get("location") ?? "", link).pathname, "/dashboard/");
    assert.match(
      first.headers.get("set-cookie") ?? "",
      /^onbehalf-operator=obo_\w+; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    for (const again of [await press(link), await fetch(link)]) {
      assert.equal(again.status, 410);
      assert.equal(again.headers.get("set-cookie"), null);
    }
    const me = await get(service, "/me", { cookie: cookieIn(first) });
    assert.equal(((await me.json()) as { role: string }).role, "operator");
  });

  test("of twenty browsers that press the button of one link at once, one is signed in", async (t) => {
    const service = await dashboardService(t);
    const link = await dashboardLink(service.vault, service.url);
    const answers = await Promise.all(Array.from({ length: 20 }, () => press(link)));
    assert.equal(answers.filter(({ status }) => status === 303).length, 1);
    assert.equal(answers.filter(({ status }) => status === 410).length, 19);
    assert.equal((await service.vault.operators.list()).length, 1);
  });

  test("a link to the dashboard ends after ten minutes, and a changed or made-up one is none", async (t) => {
    const service = await dashboardService(t);
    const { clock } = service.fixture;
    const link = await dashboardLink(service.vault, service.url);
    clock.advance(599_000);
    assert.equal((await fetch(link)).status, 200);
    clock.advance(1_000);
    assert.equal((await press(link)).status, 410);
    const another = await dashboardLink(service.vault, service.url);
    for (const wrong of [
      another.slice(0, -1),
      another.replace(/.{9}$/, "_00000000"),
      another.replace("obl_", "obo_"),
      `${service.url}/dashboard/link/`,
    ]) {
      assert.equal((await press(wrong)).status, 410, wrong);
    }
    assert.equal((await press(another)).status, 303);
  });

  test("a page of another origin cannot press the button of a link", async (t) => {
    const service = await dashboardService(t);
    const link = await dashboardLink(service.vault, service.url);
    for (const site of ["cross-site", "same-site", "made-up"]) {
      const refused = await press(link, { "sec-fetch-site": site });
      assert.equal(refused.status, 403);
      assert.equal(await errorOf(refused), "csrf_rejected");
    }
    assert.equal((await press(link, { "sec-fetch-site": "same-origin" })).status, 303);
  });

  test("where people reach the service by https, the cookie needs it and belongs to this host alone", async (t) => {
    const service = await dashboardService(t, { publicUrl: "https://vault.example/onbehalf" });
    const link = await dashboardLink(service.vault, "https://vault.example/onbehalf/");
    assert.match(link, /^https:\/\/vault\.example\/onbehalf\/dashboard\/link\/obl_/);
    const response = await press(`${service.url}/dashboard/link/${link.split("/").at(-1)}`);
    assert.match(
      response.headers.get("set-cookie") ?? "",
      /^__Host-onbehalf-operator=obo_\w+; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    );
    const cookie = cookieIn(response);
    assert.equal((await get(service, "/me", { cookie })).status, 200);
    assert.equal((await get(service, "/me", { cookie: cookie.replace("__Host-", "") })).status, 401);
    assert.equal((await get(service, "/me", { cookie, origin: "https://vault.example" })).status, 200);
  });

  test("a sign-in ends at its time, after two hours without use, and at once where it is ended", async (t) => {
    const service = await dashboardService(t);
    const { clock } = service.fixture;
    const used = await signedIn(service);
    const idle = await signedIn(service);
    for (let hours = 0; hours < 11; hours += 1) {
      clock.advance(3_600_000);
      assert.equal((await get(service, "/me", used)).status, 200);
      await service.vault.operators.settled();
      assert.equal((await get(service, "/me", hours < 1 ? used : idle)).status, hours < 1 ? 200 : 401);
    }
    clock.advance(3_600_000);
    assert.equal((await get(service, "/me", used)).status, 401);
    const [mine, other] = [await signedIn(service), await signedIn(service, "reader")];
    const { session_id: id } = (await (await get(service, "/me", other)).json()) as { session_id: string };
    assert.equal(await service.vault.operators.signOut(id), true);
    assert.equal((await get(service, "/me", other)).status, 401);
    assert.equal((await get(service, "/me", mine)).status, 200);
    const out = await fetch(`${service.url}/dashboard/api/me`, { method: "DELETE", headers: { ...xhr, ...mine } });
    assert.match(out.headers.get("set-cookie") ?? "", /^onbehalf-operator=; .*Max-Age=0$/);
    assert.equal((await get(service, "/me", mine)).status, 401);
  });

  test("rows of links and sign-ins that were changed by hand let nobody in", async (t) => {
    const service = await dashboardService(t);
    const reader = await signedIn(service, "reader");
    const { operatorSession, dashboardLink: linkRow } = service.store;
    service.store.operatorSession = async (id) => {
      const row = await operatorSession.call(service.store, id);
      return row && { ...row, role: "operator" };
    };
    assert.equal((await get(service, "/me", reader)).status, 401);
    service.store.operatorSession = operatorSession;
    assert.equal((await get(service, "/me", reader)).status, 200);
    const link = await dashboardLink(service.vault, service.url, "reader");
    service.store.dashboardLink = async (id) => {
      const row = await linkRow.call(service.store, id);
      return row && { ...row, expiresAt: row.expiresAt + 1 };
    };
    assert.equal((await press(link)).status, 410);
    service.store.dashboardLink = linkRow;
    assert.equal((await press(link)).status, 303);
  });
});

describe("the dashboard's addresses", () => {
  test("a service that was not told to have a dashboard has none", async (t) => {
    const service = await testService(t);
    for (const path of ["/dashboard", "/dashboard/", "/dashboard/api/me", "/dashboard/assets/app.js"]) {
      assert.equal((await fetch(service.url + path)).status, 404);
    }
  });

  test("no address of the dashboard answers whoever is not signed in, nor with a caller's key", async (t) => {
    const service = await dashboardService(t);
    const link = await dashboardLink(service.vault, service.url);
    const secret = link.split("/").at(-1) ?? "";
    const idle = await signedIn(service);
    service.fixture.clock.advance(7_200_000);
    const ended = await signedIn(service);
    const { session_id: id } = (await (await get(service, "/me", ended)).json()) as { session_id: string };
    await service.vault.operators.signOut(id);
    for (const { method, path } of dashboardRoutes) {
      for (const headers of [
        {},
        { authorization: `Bearer ${service.key}` },
        { cookie: `onbehalf-operator=${service.key}` },
        { cookie: `onbehalf-operator=${secret}` },
        { cookie: "onbehalf-operator=" },
        idle,
        ended,
      ]) {
        const url = `${service.url}/dashboard/api${addressOf(path)}`;
        const response = await fetch(url, { method, headers: { ...xhr, ...headers } });
        assert.equal(response.status, 401, `${method} ${path}`);
        assert.equal(await errorOf(response), "unauthorized");
      }
    }
    const page = await fetch(`${service.url}/dashboard/`);
    assert.equal(page.status, 401);
    assert.match(await page.text(), /onbehalf dashboard link/);
  });

  test("whoever may look alone is refused by every address of the dashboard that changes something", async (t) => {
    const service = await dashboardService(t);
    const reader = await signedIn(service, "reader");
    for (const { method, path, needs } of dashboardRoutes) {
      if (path === "/me") continue;
      const url = `${service.url}/dashboard/api${addressOf(path)}`;
      const response = await fetch(url, { method, headers: { ...xhr, ...reader } });
      if (needs === "reader") assert.notEqual(response.status, 403, `${method} ${path}`);
      else assert.equal(response.status, 403, `${method} ${path}`);
      assert.equal(needs === "reader", method === "GET", `${method} ${path} is for ${needs}s`);
    }
    assert.equal((await get(service, "/me", reader)).status, 200);
  });

  test("no address of the dashboard answers a page of another origin, or one that sends no header of ours", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    const foreign: readonly Record<string, string>[] = [
      { ...xhr, "sec-fetch-site": "cross-site" },
      { ...xhr, "sec-fetch-site": "same-site" },
      { ...xhr, origin: "https://evil.example" },
      { ...xhr, origin: "null" },
      { ...xhr, origin: service.url.replace(/\d+$/, "1") },
    ];
    for (const { method, path } of dashboardRoutes) {
      const url = `${service.url}/dashboard/api${addressOf(path)}`;
      const bare =
        method === "GET" ? [] : [{}, { "sec-fetch-site": "same-origin" }, { ...xhr, "sec-fetch-site": "none" }];
      for (const headers of [...foreign, ...bare]) {
        const response = await fetch(url, { method, headers: { ...operator, ...headers } });
        assert.equal(response.status, 403, `${method} ${path} ${JSON.stringify(headers)}`);
        assert.equal(await errorOf(response), "csrf_rejected");
      }
    }
    assert.equal((await get(service, "/me", { ...operator, "sec-fetch-site": "same-origin" })).status, 200);
  });

  test("each answer of the dashboard forbids foreign code and frames, and its JSON is kept by nobody", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    const page = await fetch(`${service.url}/dashboard/`, { headers: operator });
    const text = await page.text();
    const files = [...text.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, name]) => name ?? "");
    assert.equal(files.length, 2);
    assert.doesNotMatch(text, /<script>|<style|style=|onclick|https?:/);
    const answers = [
      page,
      await fetch(`${service.url}/dashboard`, { redirect: "manual" }),
      await get(service, "/overview", operator),
      await get(service, "/nowhere", operator),
      await get(service, "/me", {}),
    ];
    for (const name of files) {
      const file = await fetch(`${service.url}/dashboard/${name}`);
      assert.equal(file.status, 200);
      assert.equal(file.headers.get("cache-control"), "public, max-age=31536000, immutable");
      answers.push(file);
    }
    for (const { headers } of answers) {
      const policy = headers.get("content-security-policy") ?? "";
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|\*/);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
    }
    for (const { headers } of answers.slice(2, 5)) assert.equal(headers.get("cache-control"), "no-store");
  });

  test("an address of the dashboard refuses other methods, unknown queries and unknown names", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    const base = `${service.url}/dashboard/api`;
    assert.equal((await fetch(`${base}/overview`, { method: "POST", headers: { ...xhr, ...operator } })).status, 405);
    for (const path of [
      "/grants?stat=lapsed",
      "/overview?hours=12",
      "/grants?state=asleep",
      "/grants?limit=0",
      "/grants?q=a&q=b",
    ]) {
      const response = await get(service, path, operator);
      assert.equal(response.status, 400, path);
      assert.equal(await errorOf(response), "invalid_request");
    }
    for (const path of ["/", "/grants/", "/grants/g_1/", "/grants/..%2Fme", "/grants/g_1/token"]) {
      assert.equal((await get(service, path, operator)).status, 404, path);
    }
    assert.deepEqual(service.faults, []);
  });
});

describe("what the dashboard shows", () => {
  test("grants are found by the start of what they are called, in any case, and counted by their states", async (t) => {
    const service = await dashboardService(t);
    const { vault, fixture } = service;
    const made = [];
    for (const [email, externalId] of [
      ["ada@example.com", "user-1"],
      ["carl@example.com", "user-12"],
      ["Bob@example.com", "Other"],
    ] as const) {
      made.push(await vault.exchangeCode({ code: fixture.code(email), externalId, account: `label ${externalId}` }));
    }
    const operator = await signedIn(service);
    const found = async (query: string): Promise<unknown> => {
      const body = (await (await get(service, `/grants?${query}`, operator)).json()) as {
        grants: { external_ids: { external_id: string }[] }[];
      };
      return body.grants
        .map(({ external_ids: [first] }) => String(first?.external_id))
        .sort((a, b) => (a < b ? -1 : 1));
    };
    assert.deepEqual(await found(""), ["Other", "user-1", "user-12"]);
    assert.deepEqual(await found("q=user-1"), ["user-1", "user-12"]);
    assert.deepEqual(await found("q=USER-12"), ["user-12"]);
    assert.deepEqual(await found("q=bob"), ["Other"]);
    assert.deepEqual(await found("q=label%20user-12"), ["user-12"]);
    assert.deepEqual(await found(`q=${made[0]?.grantId}`), ["user-1"]);
    assert.deepEqual(await found(`q=${made[2]?.subject}`), ["Other"]);
    assert.deepEqual(await found("q=ser-1"), []);
    assert.deepEqual(await found("state=lapsed"), []);
    assert.deepEqual(await found("provider=google&state=active&q=other"), ["Other"]);
    assert.deepEqual(await found("provider=other"), []);
  });

  test("a change that another process made is seen in the list after it is looked for", async (t) => {
    const service = await dashboardService(t);
    const grant = await service.grant("ada@example.com");
    const operator = await signedIn(service);
    const counts = async (): Promise<Record<string, number>> => {
      await service.vault.directory.lookNow();
      return ((await (await get(service, "/grants", operator)).json()) as { counts: Record<string, number> }).counts;
    };
    assert.deepEqual(await counts(), { active: 1, suspect: 0, lapsed: 0, revoking: 0, revoked: 0 });
    await service.vault.revoke(grant);
    await service.grant("carl@example.com");
    assert.deepEqual(await counts(), { active: 1, suspect: 0, lapsed: 0, revoking: 0, revoked: 1 });
  });

  test("a grant's page names what was asked for and granted, and its life, and neither a token nor a person's name", async (t) => {
    const service = await dashboardService(t);
    const grant = await service.grant("ada@example.com");
    const { token } = await service.vault.getAccessToken(grant);
    const operator = await signedIn(service);
    const response = await get(service, `/grants/${grant.grantId}`, operator);
    const text = await response.text();
    const body = JSON.parse(text) as {
      grant: Record<string, unknown>;
      life: { type: string }[];
      records: { action: string }[];
    };
    assert.equal(body.grant["email"], "ada@example.com");
    assert.equal(body.grant["profile"], undefined);
    assert.deepEqual(
      body.life.map(({ type }) => type),
      ["grant.created"],
    );
    assert.deepEqual(
      body.records.map(({ action }) => action),
      ["grant.created"],
    );
    assert.ok(!text.includes(token) && !text.includes("picture"));
    assert.equal((await get(service, "/grants/g_nowhere", operator)).status, 404);
  });

  test("the overview counts how refreshes have ended, as it was added to the store", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    const { clock } = service.fixture;
    const quarterAt = Math.floor(clock.now() / 900_000) * 900_000;
    const count = { quarterAt, provider: "google", outcome: "refreshed", refreshes: 4 };
    await service.store.addRefreshCounts([count, { ...count, quarterAt: quarterAt - 86_400_000, refreshes: 3 }]);
    const bars = async (hours: number): Promise<unknown> => {
      const body = (await (await get(service, `/overview?hours=${hours}`, operator)).json()) as {
        refreshes: { bars: { outcomes: Record<string, number> }[] };
      };
      return body.refreshes.bars.map(({ outcomes }) => outcomes["refreshed"] ?? 0).filter((each) => each > 0);
    };
    assert.deepEqual(await bars(24), [4]);
    assert.deepEqual(await bars(168), [3, 4]);
  });
});

test("the overview says before all else that the store stands still, and what to run, as long as it does", async (t) => {
  const service = await dashboardService(t);
  const operator = await signedIn(service, "reader");
  const said = async (): Promise<unknown> =>
    ((await (await get(service, "/overview", operator)).json()) as { standing_still?: object }).standing_still;
  assert.equal(await said(), undefined);
  const keyring = keyringFromKeys(service.fixture.key);
  await storeEpoch.markRestored(service.store, keyring, new Date("2026-11-21T03:00:00Z"));
  assert.deepEqual(await said(), {
    means:
      "the store stands still since 2026-11-22T00:00:00.000Z: it is a restored backup or a copy, as far as is known, and was last known to be itself on 2026-11-21T03:00:00.000Z",
    fix: "end what was ended since the backup, then run onbehalf store restored; where it was only moved, onbehalf store moved",
    commands: ["onbehalf store status", "onbehalf store restored", "onbehalf store moved"],
  });
  await storeEpoch.settle(service.store, keyring, "restored");
  assert.equal(await said(), undefined);
  const { figures } = service.vault;
  const keeper = figures.keeper.bind(figures);
  figures.keeper = async () => {
    const figure = await keeper();
    return figure && { ...figure, isStoreDamaged: true };
  };
  assert.deepEqual(await said(), {
    means: "the store is damaged, and the keeper writes nothing more to it",
    fix: "keep a copy of the damaged file, and restore a backup",
    commands: ["onbehalf doctor"],
  });
});

test("refreshes are counted as their events are heard, and what a failing store did not take is added later", async (t) => {
  const { vault, store, fixture } = await dashboardService(t);
  const { addRefreshCounts } = store;
  const heard = { grantId: "g_1", provider: "google", generation: 2 };
  vault.refreshHistory.note({ type: "refreshed", ...heard });
  vault.refreshHistory.note({ type: "grant_stored", ...heard, offline: true });
  store.addRefreshCounts = () => Promise.reject(new Error("the store fails"));
  await vault.refreshHistory.write();
  store.addRefreshCounts = addRefreshCounts;
  vault.refreshHistory.note({ type: "refreshed", ...heard });
  vault.refreshHistory.note({ type: "lapsed", ...heard, reason: "invalid_grant", dependsOn: "person", fix: "ask" });
  await vault.refreshHistory.write();
  const counted = await vault.refreshHistory.since(fixture.clock.now() - 3_600_000);
  assert.deepEqual(
    counted.map(({ provider, outcome, refreshes }) => [provider, outcome, refreshes]),
    [
      ["google", "lapsed", 1],
      ["google", "refreshed", 2],
    ],
  );
});

test("what happens to an operator's sign-in is in the audit log, under the sign-in's id", async (t) => {
  const service = await dashboardService(t);
  const operator = await signedIn(service);
  const { session_id: id } = (await (await get(service, "/me", operator)).json()) as { session_id: string };
  await fetch(`${service.url}/dashboard/api/me`, { method: "DELETE", headers: { ...xhr, ...operator } });
  const rows = await service.vault.audit.list({ caller: "@operator" });
  assert.deepEqual(
    rows.map(({ action, sessionId, outcome }) => [action, sessionId, outcome]),
    [
      ["operator.signed_in", id, "done"],
      ["operator.signed_out", id, "done"],
    ],
  );
});
