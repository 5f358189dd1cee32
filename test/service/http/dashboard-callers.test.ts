/** Keys and sign-ins as an operator makes and ends them in the dashboard. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bodyOf, dashboardService, errorOf, get, press, send, signedIn } from "../../support/dashboard.ts";
import type { TestService } from "../../support/test-service.ts";

interface Made {
  readonly key: string;
  readonly caller: { readonly caller_id: string; readonly name: string; readonly expires_at?: string };
}

interface MadeSession {
  readonly key: string;
  readonly session: { readonly session_id: string; readonly caller: string };
}

/** What the audit log has of operators. */
async function recorded(service: TestService): Promise<readonly (readonly [string, string | undefined])[]> {
  const rows = await service.vault.audit.list({ caller: "@operator" });
  assert.ok(rows.every(({ sessionId, action }) => sessionId !== undefined || action === "operator.link_created"));
  return rows
    .filter(({ action }) => action !== "operator.signed_in")
    .map(({ action, detail }) => [action, detail] as const);
}

async function asCaller(service: TestService, key: string): Promise<number> {
  return (await service.ask("/v1/grants", { headers: { authorization: `Bearer ${key}` } })).status;
}

describe("callers in the dashboard", () => {
  test("a key that an operator makes is in one answer alone, works as it was asked for, and is recorded", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    const { key, caller } = await bodyOf<Made>(
      await send(service, "POST", "/callers", operator, {
        name: "reports",
        allow: ["grants:read"],
        grants: ["ext:a user, with a comma"],
        expires_in: 3_600,
      }),
    );
    assert.match(key, /^obk_/);
    assert.equal(await asCaller(service, key), 200);
    const list = await get(service, "/callers", operator);
    const text = await list.text();
    assert.ok(!text.includes(key) && !text.includes(key.split("_").at(-1) ?? key));
    const { callers, permissions } = JSON.parse(text) as {
      callers: Record<string, unknown>[];
      permissions: string[];
    };
    const kept = callers.find(({ name }) => name === "reports");
    assert.deepEqual(kept?.["grants"], ["ext:a user, with a comma"]);
    assert.deepEqual(kept["allow"], ["grants:read"]);
    assert.equal(Date.parse(String(kept["expires_at"])), service.fixture.clock.now() + 3_600_000);
    assert.ok(permissions.includes("grants:revoke"));
    assert.deepEqual(await recorded(service), [["caller.created", "reports"]]);
    const end = await send(service, "DELETE", `/callers/${caller.caller_id}`, operator);
    assert.equal(end.status, 200);
    assert.equal(await asCaller(service, key), 401);
    assert.deepEqual((await recorded(service)).at(-1), ["caller.revoked", "reports"]);
    const again = await send(service, "DELETE", `/callers/${caller.caller_id}`, operator);
    assert.equal(again.status, 404);
    assert.equal(await errorOf(again), "not_found");
  });

  test("what the command line refuses of a new caller, the dashboard refuses, and makes no key", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    const whole = { name: "reports", allow: ["token"] };
    for (const wrong of [
      { allow: ["token"] },
      { ...whole, name: "two words" },
      { ...whole, name: "all" },
      { name: "reports" },
      { ...whole, allow: [] },
      { ...whole, allow: ["everything"] },
      { ...whole, grants: [] },
      { ...whole, grants: ["user-1"] },
      { ...whole, grants: ["ext:a*b"] },
      { ...whole, providers: [] },
      { ...whole, expires_in: 0 },
      { ...whole, expires_in: -60 },
      { ...whole, expires_in: "soon" },
    ]) {
      const answer = await send(service, "POST", "/callers", operator, wrong);
      assert.equal(answer.status, 400, JSON.stringify(wrong));
      assert.equal(await errorOf(answer), "invalid_request");
    }
    assert.equal((await service.vault.callers.list()).length, 1);
  });

  test("a rotated key works at once, the one before until the overlap is over", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    const { key: first, caller } = await bodyOf<Made>(
      await send(service, "POST", "/callers", operator, { name: "reports", allow: ["grants:read"] }),
    );
    const path = `/callers/${caller.caller_id}/rotate`;
    for (const wrong of [{}, { overlap: -1 }, { overlap: "a day" }]) {
      assert.equal((await send(service, "POST", path, operator, wrong)).status, 400);
    }
    const { key: second } = await bodyOf<Made>(await send(service, "POST", path, operator, { overlap: 3_600 }));
    assert.equal(await asCaller(service, first), 200);
    assert.equal(await asCaller(service, second), 200);
    service.fixture.clock.advance(3_600_000);
    const { key: third } = await bodyOf<Made>(
      await send(service, "POST", path, await signedIn(service), { overlap: 0 }),
    );
    assert.equal(await asCaller(service, first), 401);
    assert.equal(await asCaller(service, second), 401);
    assert.equal(await asCaller(service, third), 200);
  });
});

describe("narrowing a caller in the dashboard", () => {
  test("a caller that is narrowed keeps its key and what was named, and nobody is given more", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    const { key, caller } = await bodyOf<Made>(
      await send(service, "POST", "/callers", operator, {
        name: "reports",
        allow: ["token", "grants:read"],
        grants: ["ext:team:*", "ext:boss"],
      }),
    );
    const path = `/callers/${caller.caller_id}/narrow`;
    for (const [body, status] of [
      [{}, 400],
      [{ allow: ["everything"] }, 400],
      [{ grants: [] }, 400],
      [{ providers: [] }, 400],
      [{ allow: ["token", "audit"] }, 403],
      [{ grants: ["*"] }, 403],
      [{ grants: ["ext:tea*"] }, 403],
      [{ grants: ["g_1"] }, 403],
    ] as const) {
      assert.equal((await send(service, "POST", path, operator, body)).status, status, JSON.stringify(body));
    }
    const kept = { allow: ["grants:read"], grants: ["ext:team:a*"], expires_in: 3_600 };
    assert.equal((await send(service, "POST", path, operator, kept)).status, 200);
    assert.equal(await asCaller(service, key), 200);
    assert.equal((await send(service, "POST", path, operator, { expires_in: 7_200 })).status, 403);
    const now = (await service.vault.callers.list()).find(({ name }) => name === "reports");
    assert.deepEqual([now?.allow, now?.grants], [["grants:read"], ["ext:team:a*"]]);
    assert.deepEqual(await recorded(service), [
      ["caller.created", "reports"],
      ["caller.narrowed", "reports"],
    ]);
  });
});

describe("sessions in the dashboard", () => {
  test("a session is made of a caller, within it, and ended alone or with all of its caller's", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    const { caller } = await bodyOf<Made>(
      await send(service, "POST", "/callers", operator, {
        name: "agent",
        allow: ["grants:read", "sessions"],
        grants: ["ext:user-*"],
      }),
    );
    const path = `/callers/${caller.caller_id}/sessions`;
    const narrow = { allow: ["grants:read"], grants: ["ext:user-1"], expires_in: 900 };
    for (const [body, status] of [
      [{ ...narrow, allow: ["token"] }, 403],
      [{ ...narrow, grants: ["*"] }, 403],
      [{ ...narrow, allow: ["sessions"] }, 400],
      [{ allow: ["grants:read"] }, 400],
      [{ ...narrow, expires_in: 1 }, 400],
    ] as const) {
      assert.equal((await send(service, "POST", path, operator, body)).status, status, JSON.stringify(body));
    }
    const made: MadeSession[] = [];
    for (let n = 0; n < 3; n += 1) {
      made.push(await bodyOf<MadeSession>(await send(service, "POST", path, operator, narrow)));
    }
    const [first, second, third] = made;
    assert.match(first?.key ?? "", /^obs_/);
    assert.equal(await asCaller(service, first?.key ?? ""), 200);
    const text = await (await get(service, "/sessions", operator)).text();
    const { sessions } = JSON.parse(text) as { sessions: { caller: string }[] };
    assert.deepEqual(
      sessions.map((each) => each.caller),
      ["agent", "agent", "agent"],
    );
    assert.ok(made.every(({ key }) => !text.includes(key)));
    const one = await send(service, "DELETE", `/sessions/${first?.session.session_id}`, operator);
    assert.equal(one.status, 200);
    assert.equal(await asCaller(service, first?.key ?? ""), 401);
    assert.equal(await asCaller(service, second?.key ?? ""), 200);
    const again = await send(service, "DELETE", `/sessions/${first?.session.session_id}`, operator);
    assert.equal(again.status, 404);
    assert.equal(await errorOf(again), "session_not_found");
    const all = await bodyOf(await send(service, "DELETE", path, operator));
    assert.equal(all["ended"], 2);
    assert.equal(await asCaller(service, third?.key ?? ""), 401);
    assert.deepEqual(await bodyOf(await get(service, "/sessions?caller=agent&limit=10", operator)), { sessions: [] });
    assert.ok((await recorded(service)).some(([action]) => action === "session.created"));
  });

  test("a long list of sessions comes in pages", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    for (let n = 0; n < 5; n += 1) {
      await service.vault.sessions.create("all", { allow: ["token"], grants: ["*"] });
    }
    const seen = new Set<string>();
    let cursor = "";
    for (let pages = 0; pages < 3; pages += 1) {
      const page = await bodyOf<{ sessions: { session_id: string }[]; cursor?: string }>(
        await get(service, `/sessions?limit=2${cursor}`, operator),
      );
      for (const { session_id: id } of page.sessions) seen.add(id);
      cursor = `&cursor=${page.cursor}`;
    }
    assert.equal(seen.size, 5);
    assert.equal((await get(service, "/sessions?cursor=made-up", operator)).status, 400);
  });
});

describe("operators in the dashboard", () => {
  test("an operator sees who is signed in, and ends a sign-in, which is refused at once", async (t) => {
    const service = await dashboardService(t);
    const [mine, other] = [await signedIn(service), await signedIn(service, "reader")];
    const list = async () =>
      bodyOf<{ operators: { session_id: string; role: string; is_you: boolean }[] }>(
        await get(service, "/operators", mine),
      );
    const { operators } = await list();
    assert.deepEqual(operators.map(({ role, is_you: isMe }) => `${role} ${isMe}`).sort(), [
      "operator true",
      "reader false",
    ]);
    const id = operators.find(({ is_you: isMe }) => !isMe)?.session_id ?? "";
    assert.equal((await send(service, "DELETE", `/operators/${id}`, mine)).status, 200);
    assert.equal((await get(service, "/me", other)).status, 401);
    assert.equal((await list()).operators.length, 1);
    assert.equal((await send(service, "DELETE", `/operators/${id}`, mine)).status, 404);
    assert.deepEqual(await recorded(service), [["operator.signed_out", id]]);
  });

  test("a link that an operator makes for somebody else lets one browser in, with the role that was asked for", async (t) => {
    const service = await dashboardService(t);
    const operator = await signedIn(service);
    for (const wrong of [{}, { role: "admin" }, { role: "" }]) {
      assert.equal((await send(service, "POST", "/operators/links", operator, wrong)).status, 400);
    }
    const { link } = await bodyOf<{ link: string }>(
      await send(service, "POST", "/operators/links", operator, { role: "reader" }),
    );
    const address = new URL(link, `${service.url}/dashboard/`).href;
    const entered = await press(address);
    assert.equal(entered.status, 303);
    assert.equal((await press(address)).status, 410);
    const cookie = (entered.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
    const me = await bodyOf(await get(service, "/me", { cookie }));
    assert.equal(me["role"], "reader");
    assert.deepEqual(await recorded(service), [["operator.link_created", "reader"]]);
  });

  test("a browser that sees everything and changes nothing can neither make a key nor a link", async (t) => {
    const service = await dashboardService(t);
    const reader = await signedIn(service, "reader");
    const before = await service.vault.callers.list();
    for (const [path, body] of [
      ["/callers", { name: "mine", allow: ["token"] }],
      [`/callers/${before[0]?.callerId}/rotate`, { overlap: 0 }],
      [`/callers/${before[0]?.callerId}/sessions`, { allow: ["token"], grants: ["*"] }],
      ["/operators/links", { role: "operator" }],
    ] as const) {
      const answer = await send(service, "POST", path, reader, body);
      assert.equal(answer.status, 403, path);
      assert.equal(await errorOf(answer), "forbidden");
    }
    assert.equal((await service.vault.callers.list()).length, before.length);
    assert.deepEqual(await recorded(service), []);
  });
});
