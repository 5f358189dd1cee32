import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fails } from "../support/fails.ts";
import { eventually } from "../support/eventually.ts";
import { testService } from "../support/test-service.ts";
import { Stopwatch } from "../../src/client/elapsed.ts";
import { KeptTokens } from "../../src/client/kept-tokens.ts";
import { Secret } from "../../src/core/secret.ts";
import { AccessToken } from "../../src/vault/tokens/token-cache.ts";
import { away, faked, fakedKey as key, fakedUrl as url, problem, remote, tokenAnswer } from "./remote.ts";
import type { Instead } from "./remote.ts";
import { fixedClock } from "../../src/index.ts";

/** What the service says of a grant. */
function grantAnswer(members: object): object {
  const at = "2026-11-22T00:00:00Z";
  return {
    grant_id: "g_1",
    provider: "google",
    issuer: "https://accounts.google.com",
    client_id: "1-a",
    subject: "s",
    external_ids: [{ external_id: "a", account: "s" }],
    profile: { sub: "s" },
    scope: "openid",
    state: "active",
    since: at,
    offline: true,
    generation: 1,
    created_at: at,
    updated_at: at,
    ...members,
  };
}

const digest = (token: string): string => createHash("sha256").update(token).digest("hex");

describe("the tokens of a remote vault", () => {
  test("a token is asked for once, whatever way its grant is named, and each name is asked for once", async (t) => {
    const { vault, newRequests } = await faked(t);
    for (const ref of ["g_1", { grantId: "g_1" }, { grantId: "g_1", subject: "x", externalId: "y" }]) {
      await vault.getAccessToken(ref);
    }
    assert.deepEqual(newRequests(), ["GET /v1/grants/g_1/token"]);
    const names = [
      { externalId: "a" },
      { externalId: "a", account: "b" },
      { externalId: "a", account: "c" },
      { externalId: "a", provider: "google" },
      { subject: "a" },
      { subject: "a", provider: "google" },
      { externalId: "ab" },
      { externalId: "google\na" },
    ];
    for (const ref of [...names, ...names]) await vault.getAccessToken(ref);
    assert.equal(newRequests().length, names.length);
  });

  test("a thousand callers who want the same share one request", async (t) => {
    const { vault, newRequests } = await faked(t);
    const tokens = await Promise.all(Array.from({ length: 1_000 }, () => vault.getAccessToken("g_1")));
    assert.equal(new Set(tokens.map(({ token }) => token)).size, 1);
    assert.equal(newRequests().length, 1);
    await Promise.all(
      [60, 60, 3_700, 3_700].map((minTtlSeconds) => vault.getAccessToken("g_2", { minTtlSeconds }).catch(() => 0)),
    );
  });

  test("the next token is asked for in the background from refresh_at on, once, and readers do not wait", async (t) => {
    const service = await faked(t);
    const { vault, clock, newRequests } = service;
    await vault.getAccessToken("g_1");
    clock.advance(3_059_000);
    assert.equal((await vault.getAccessToken("g_1")).token, "ya29.first");
    assert.equal(newRequests().length, 1);
    clock.advance(2_000);
    const { promise, resolve } = Promise.withResolvers<Response>();
    service.answer = () => promise;
    for (let read = 0; read < 100; read += 1) {
      assert.equal((await vault.getAccessToken("g_1")).token, "ya29.first");
    }
    assert.deepEqual(newRequests(), ["GET /v1/grants/g_1/token"]);
    resolve(tokenAnswer(clock, { access_token: "ya29.second", generation: 2 }));
    await eventually(
      async () => (await vault.getAccessToken("g_1")).token,
      (token) => token === "ya29.second",
    );
    assert.deepEqual(newRequests(), []);
  });

  test("where the same token comes again, it is not asked for in a circle", async (t) => {
    const service = await faked(t);
    const { vault, clock, newRequests } = service;
    const begun = clock.now();
    const left = (): object => ({
      expires_in: 3_600 - (clock.now() - begun) / 1_000,
      expires_at: begun / 1_000 + 3_600,
      refresh_at: new Date(begun + 3_060_000).toISOString(),
    });
    service.answer = () => tokenAnswer(clock, left());
    await vault.getAccessToken("g_1");
    clock.advance(3_061_000);
    for (let second = 0; second < 300; second += 1) {
      await vault.getAccessToken("g_1");
      await turn();
      clock.advance(1_000);
    }
    const asked = newRequests().length - 1;
    assert.ok(asked >= 3 && asked <= 20, `${asked} questions in five minutes`);
  });

  test("a token that lives shorter than asked is asked for again, and is good enough while the service fails", async (t) => {
    const service = await faked(t);
    const { vault, clock, newRequests, sleeps } = service;
    await vault.getAccessToken("g_1");
    clock.advance(3_400_000);
    service.answer = away;
    assert.equal((await vault.getAccessToken("g_1", { minTtlSeconds: 600 })).token, "ya29.first");
    for (const answer of [
      () => new Response("<html>", { status: 502, headers: { "content-type": "text/html" } }),
      () => new Response("<html>", { status: 200, headers: { "content-type": "text/html" } }),
      () => new Response("{}", { status: 200, headers: { "content-type": "application/json" } }),
      () => new Response(null, { status: 302, headers: { location: "https://sso.example/login?code=1" } }),
      () => new Response("no", { status: 404 }),
      () => new Response("no", { status: 401 }),
      () => problem(503, "provider_unavailable", { issuer: "https://accounts.google.com" }, { "retry-after": "30" }),
      () => problem(503, "store_unavailable"),
      () => problem(502, "client_misconfigured"),
      () => problem(500, "internal_error"),
      () => problem(500, "of_the_future"),
      () => tokenAnswer(clock, { grant_id: "g_2" }),
      () => tokenAnswer(clock, { access_token: "a b" }),
      () => tokenAnswer(clock, { token_type: "mac" }),
      away,
    ] satisfies Instead[]) {
      clock.advance(1_500);
      service.answer = answer;
      newRequests();
      assert.equal((await vault.getAccessToken("g_1", { minTtlSeconds: 600 })).token, "ya29.first", answer.toString());
      assert.equal(newRequests().length, 1, answer.toString());
    }
    assert.deepEqual(sleeps, [], "nobody waits for it");
    clock.advance(3_600_000);
    await assert.rejects(vault.getAccessToken("g_1"), fails("service_unavailable", "econnrefused", [key]));
  });

  test("the service's word about a grant ends what is kept", async (t) => {
    for (const [answer, code] of [
      [
        () =>
          problem(409, "reauthorization_required", {
            grant_id: "g_1",
            since: "2026-11-22T00:00:00Z",
            reason: "revoked",
          }),
        "reauthorization_required",
      ],
      [() => problem(404, "grant_not_found"), "grant_not_found"],
      [() => problem(403, "forbidden", { permission: "token" }), "forbidden"],
      [() => problem(401, "unauthorized"), "unauthorized"],
    ] as const) {
      const service = await faked(t);
      const { vault, clock, newRequests } = service;
      await vault.getAccessToken("g_1");
      await vault.getAccessToken({ externalId: "a" });
      clock.advance(3_100_000);
      service.answer = answer;
      assert.equal((await vault.getAccessToken("g_1")).token, "ya29.first");
      await eventually(
        () => vault.peekAccessToken("g_1"),
        (token) => token === undefined,
      );
      assert.equal(vault.peekAccessToken({ externalId: "a" }), undefined, "by every name");
      newRequests();
      await assert.rejects(vault.getAccessToken("g_1"), fails(code));
      assert.equal(newRequests().length, 1);
    }
  });

  test("after a revocation by this vault nothing is handed out, not even what was on its way", async (t) => {
    const service = await faked(t);
    const { vault, clock } = service;
    await vault.getAccessToken("g_1");
    await vault.getAccessToken({ externalId: "a" });
    const { promise, resolve } = Promise.withResolvers<Response>();
    service.answer = (path) => (path.endsWith("/token") ? promise : problem(503, "provider_unavailable"));
    const late = vault.getAccessToken({ subject: "b" });
    await assert.rejects(vault.revoke({ externalId: "somebody" }), fails("provider_unavailable"));
    assert.equal(vault.peekAccessToken("g_1"), undefined, "which grant it was is not said");
    resolve(tokenAnswer(clock));
    await late;
    for (const ref of ["g_1", { externalId: "a" }, { subject: "b" }])
      assert.equal(vault.peekAccessToken(ref), undefined);
  });

  test("a revocation by one name ends the tokens of all names, also of those that are still on their way", async (t) => {
    const service = await faked(t);
    const { vault, clock } = service;
    await vault.getAccessToken("g_1");
    await vault.getAccessToken({ externalId: "a" });
    const slow = Promise.withResolvers<Response>();
    service.answer = (path) =>
      path.includes("/token") ? slow.promise : Response.json(grantAnswer({ state: "revoked", reason: "revoked" }));
    const late = vault.getAccessToken({ externalId: "a", account: "work" });
    assert.equal((await vault.revoke({ subject: "s" })).state, "revoked");
    slow.resolve(tokenAnswer(clock));
    await late;
    for (const ref of ["g_1", { externalId: "a" }, { externalId: "a", account: "work" }]) {
      assert.equal(vault.peekAccessToken(ref), undefined, JSON.stringify(ref));
    }
  });

  test("a token that was refused is never given again, and what others got instead of it is", async (t) => {
    const service = await faked(t);
    const { vault, clock, newRequests } = service;
    await vault.getAccessToken("g_1");
    await vault.getAccessToken({ externalId: "a" });
    const refused = digest("ya29.first");
    service.answer = () => tokenAnswer(clock, { access_token: "ya29.second", generation: 2 });
    newRequests();
    const given = await Promise.all(
      Array.from({ length: 20 }, () => vault.getAccessToken("g_1", { refused: refused.toUpperCase() })),
    );
    assert.deepEqual([...new Set(given.map(({ token }) => token))], ["ya29.second"]);
    assert.deepEqual(newRequests(), [`GET /v1/grants/g_1/token?refused=${refused}`]);
    assert.equal((await vault.getAccessToken("g_1", { refused })).token, "ya29.second");
    assert.deepEqual(newRequests(), []);
    assert.equal((await vault.getAccessToken({ externalId: "a" })).token, "ya29.second", "by another name as well");
    await assert.rejects(vault.getAccessToken("g_1", { refused: "x" }), fails("invalid_request"));
    service.answer = away;
    await assert.rejects(vault.getAccessToken("g_1", { refused: digest("ya29.second") }), fails("service_unavailable"));
    assert.equal(vault.peekAccessToken("g_1"), undefined);
  });

  test("of two answers that overtake each other, the newer token stays", async (t) => {
    const service = await faked(t);
    const { vault, clock } = service;
    const slow = Promise.withResolvers<Response>();
    service.answer = () => slow.promise;
    const first = vault.getAccessToken("g_1", { minTtlSeconds: 30 });
    await turn();
    service.answer = () => tokenAnswer(clock, { access_token: "ya29.second", generation: 2 });
    await vault.getAccessToken("g_1");
    slow.resolve(tokenAnswer(clock));
    await first;
    assert.equal((await vault.getAccessToken("g_1")).token, "ya29.second");
  });

  test("a store that was put back to an older state does not keep a newer generation's token alive", async (t) => {
    const service = await faked(t);
    const { vault, clock } = service;
    service.answer = () => tokenAnswer(clock, { generation: 9 });
    await vault.getAccessToken("g_1");
    clock.advance(3_601_000);
    service.answer = () => tokenAnswer(clock, { access_token: "ya29.old", generation: 3 });
    await vault.getAccessToken("g_1");
    assert.equal(vault.peekAccessToken("g_1")?.token, "ya29.old");
  });

  test("a token whose end nobody knows is kept, asked for again within an hour, and good until it is refused", async (t) => {
    const service = await faked(t);
    const { vault, clock, newRequests } = service;
    const endless = (members: object = {}): Response =>
      tokenAnswer(clock, { expires_in: undefined, expires_at: undefined, ...members });
    service.answer = () => endless();
    assert.equal((await vault.getAccessToken("g_1")).expiresAt, undefined);
    clock.advance(3_000_000);
    await vault.getAccessToken("g_1", { minTtlSeconds: 86_000 });
    assert.equal(newRequests().length, 1);
    service.answer = away;
    for (let hour = 0; hour < 48; hour += 1) {
      clock.advance(3_600_000);
      assert.equal((await vault.getAccessToken("g_1")).token, "ya29.first");
      await turn();
    }
    service.answer = () => endless({ access_token: "ya29.second", generation: 2 });
    clock.advance(3_600_000);
    await eventually(
      async () => (await vault.getAccessToken("g_1")).token,
      (token) => token === "ya29.second",
    );
  });

  test("a clock that jumps makes no ended token live, and a living one costs a question at most", async (t) => {
    for (const [wall, ticks, isLiving] of [
      [0, 0, true],
      [-86_400_000, 0, true],
      [-86_400_000, 3_601_000, false],
      [3_601_000, 0, false],
      [0, 3_601_000, false],
    ] as const) {
      const clock = fixedClock("2026-11-22T00:00:00Z");
      let ticked = 0;
      const { vault, newRequests } = await remote(
        t,
        { url, key, clock },
        { instead: () => tokenAnswer(clock), ticks: () => ticked },
      );
      await vault.getAccessToken("g_1");
      clock.advance(wall);
      ticked += ticks;
      assert.equal(vault.peekAccessToken("g_1") !== undefined, isLiving, `${wall} ${ticks}`);
      await vault.getAccessToken("g_1");
      assert.equal(newRequests().length, isLiving ? 1 : 2);
    }
  });

  test("the clock of the service does not matter, however wrong it is", async (t) => {
    for (const offMs of [-86_400_000, 86_400_000 * 400]) {
      const theirs = fixedClock(Date.parse("2026-11-22T00:00:00Z") + offMs);
      const service = await faked(t);
      service.answer = () => tokenAnswer(theirs);
      const { vault, clock, newRequests } = service;
      const { expiresAt } = await vault.getAccessToken("g_1");
      assert.equal(Number(expiresAt), clock.now() + 3_600_000);
      clock.advance(3_050_000);
      await vault.getAccessToken("g_1");
      assert.equal(newRequests().length, 1);
      clock.advance(20_000);
      await vault.getAccessToken("g_1");
      assert.equal(newRequests().length, 1, "asked for in the background");
    }
  });

  test("maxAgeSeconds bounds for how long a token outlives a revocation by somebody else", async (t) => {
    const service = await faked(t, { maxAgeSeconds: 30 });
    const { vault, clock, newRequests } = service;
    await vault.getAccessToken("g_1");
    clock.advance(29_000);
    await vault.getAccessToken("g_1");
    assert.equal(newRequests().length, 1);
    clock.advance(1_000);
    service.answer = away;
    assert.equal((await vault.getAccessToken("g_1")).token, "ya29.first", "an outage is no revocation");
    clock.advance(2_000);
    service.answer = () => problem(404, "grant_not_found");
    await assert.rejects(vault.getAccessToken("g_1"), fails("grant_not_found"));
  });

  test("a hundred thousand references are kept within the limit, and those in use stay", () => {
    const stopwatch = new Stopwatch(fixedClock("2026-11-22T00:00:00Z"), () => 0);
    const kept = new KeptTokens(stopwatch, 1_000);
    const keep = (grantId: string): void => {
      const issue = { provider: "google", generation: 1, issuedAt: 0 };
      const token = new AccessToken(grantId, new Secret("ya29.a"), undefined, [], issue);
      const times = { endsAfterMs: 3_600_000, askAgainAfterMs: 3_060_000, staleAfterMs: Infinity };
      kept.keep(`id\n${grantId}`, { token, askedAt: stopwatch.now(), ...times, used: true }, kept.version);
    };
    const isKept = (grantId: string): boolean => kept.fresh(`id\n${grantId}`, 60_000) !== undefined;
    keep("g_hot");
    for (let each = 0; each < 100_000; each += 1) {
      keep(`g_${each}`);
      if (each % 100 === 0) assert.ok(isKept("g_hot"), String(each));
      if (each % 1_000 === 0) kept.forgetGrant(`g_${each}`);
    }
    assert.ok(kept.size > 900 && kept.size <= 1_000, String(kept.size));
    assert.ok(isKept("g_99999") && !isKept("g_5") && !isKept("g_99000"));
  });

  test("two remote vaults of one process share nothing", async (t) => {
    const { vault, url: real, keyFor, grant, fixture } = await testService(t);
    const { grantId } = await grant();
    const { key: narrow } = await vault.callers.create("narrow", { allow: ["token"], grants: ["ext:other"] });
    const one = await remote(t, { url: real, key: await keyFor("token"), clock: fixture.clock });
    const other = await remote(t, { url: real, key: narrow, clock: fixture.clock });
    await one.vault.getAccessToken(grantId);
    assert.equal(other.vault.peekAccessToken(grantId), undefined);
    await assert.rejects(other.vault.getAccessToken(grantId), fails("grant_not_found"));
  });

  test("whoever stops waiting throws the reason, and the others get their token", async (t) => {
    const service = await faked(t);
    const { vault, clock } = service;
    const { promise, resolve } = Promise.withResolvers<Response>();
    service.answer = () => promise;
    const stop = new AbortController();
    const stopped = vault.getAccessToken("g_1", { signal: stop.signal });
    const other = vault.getAccessToken("g_1");
    stop.abort(new Error("enough"));
    await assert.rejects(stopped, /enough/);
    resolve(tokenAnswer(clock));
    assert.equal((await other).token, "ya29.first");
  });
});
