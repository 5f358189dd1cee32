import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { Secret, isOnbehalfError } from "../../src/index.ts";
import { openRemoteVault } from "../../src/client/index.ts";
import { fails } from "../support/fails.ts";
import { testService } from "../support/test-service.ts";
import { away, faked, fakedKey, fakedUrl, problem, remote, tokenAnswer } from "./remote.ts";
import type { Instead } from "./remote.ts";

const html = (status: number, headers: Record<string, string> = {}): Response =>
  new Response("<html>", { status, headers: { "content-type": "text/html", ...headers } });

describe("a remote vault in bad moments of its service", () => {
  test("a request is sent again until the service is back, for 45 seconds at most", async (t) => {
    const service = await faked(t);
    const { vault, clock, sleeps, sent } = service;
    const begun = clock.now();
    service.answer = () => (clock.now() - begun < 30_000 ? html(503) : tokenAnswer(clock));
    assert.equal((await vault.getAccessToken("g_1")).token, "ya29.first");
    assert.ok(clock.now() - begun < 33_000, "half a minute without the service");
    assert.equal(new Set(sent.map(({ headers }) => headers.get("x-request-id"))).size, 1, "one request, many tries");
    assert.ok(sleeps.every((ms) => ms <= 2_000));

    service.answer = away;
    const away45 = clock.now();
    await assert.rejects(vault.grant("g_1"), fails("service_unavailable", "econnrefused", [fakedKey]));
    const tookMs = clock.now() - away45;
    assert.ok(tookMs > 40_000 && tookMs <= 45_000, String(tookMs));
  });

  test("what helps to wait for is waited for, and what does not is thrown at once", async (t) => {
    for (const [answer, code, tries] of [
      [() => html(502), "service_unavailable", Infinity],
      [() => html(504), "service_unavailable", Infinity],
      [() => html(429), "service_unavailable", Infinity],
      [() => html(200), "service_unavailable", Infinity],
      [() => new Response("[]", { headers: { "content-type": "application/json" } }), "service_unavailable", Infinity],
      [() => problem(503, "store_unavailable"), "store_unavailable", Infinity],
      [() => problem(503, "keeper_unavailable"), "keeper_unavailable", Infinity],
      [() => html(404), "service_unavailable", 1],
      [() => html(401), "service_unavailable", 1],
      [() => html(301, { location: "https://elsewhere.example/" }), "service_unavailable", 1],
      [() => problem(503, "provider_unavailable", {}, { "retry-after": "7" }), "provider_unavailable", 1],
      [() => problem(500, "internal_error"), "internal_error", 1],
      [() => problem(403, "forbidden"), "forbidden", 1],
      [() => problem(401, "unauthorized"), "unauthorized", 1],
      [() => html(503, { "retry-after": "3600" }), "service_unavailable", 1],
      [() => problem(503, "keeper_unavailable", {}, { "retry-after": "46" }), "keeper_unavailable", 1],
    ] as const) {
      const service = await faked(t);
      service.answer = answer;
      for (const ask of [
        () => service.vault.getAccessToken("g_1"),
        () => service.vault.grant("g_1"),
        () => service.vault.exchangeCode({ code: "4/x" }),
        () => service.vault.revoke("g_1"),
      ]) {
        service.newRequests();
        await assert.rejects(ask(), fails(code, "", [fakedKey]));
        const sent = service.newRequests().length;
        assert.ok(tries === 1 ? sent === 1 : sent > 20, `${answer.toString()} ${ask.toString()}: ${sent}`);
      }
    }
  });

  test("a handle is made once: its request is sent again only where nothing has arrived", async (t) => {
    const service = await faked(t);
    const { vault, newRequests } = service;
    const made = {
      handle: "obh_x",
      handle_id: "1",
      grant_id: "g_1",
      provider: "google",
      name: "job",
      caller_id: "2",
      created_at: "2026-11-22T00:00:00Z",
    };
    let tries = 0;
    service.answer = (path, init) => ((tries += 1) < 4 ? away(path, init) : Response.json(made, { status: 201 }));
    assert.equal((await vault.handles.create("g_1", { name: "job" })).secret.expose(), "obh_x");
    assert.equal(newRequests().length, 4);
    for (const answer of [
      () => html(502),
      () => problem(503, "keeper_unavailable"),
      () => Response.json({}),
      () => {
        throw Object.assign(new Error("x"), { code: "ECONNRESET" });
      },
    ] satisfies Instead[]) {
      service.answer = answer;
      await assert.rejects(vault.handles.create("g_1", { name: "job" }), isOnbehalfError);
      assert.equal(newRequests().length, 1, answer.toString());
    }
  });

  test("a session that an earlier try has ended is ended, and one that was never there is not", async (t) => {
    const service = await faked(t);
    let tries = 0;
    service.answer = () => ((tries += 1) === 1 ? html(502) : problem(404, "session_not_found"));
    await service.vault.sessions.revoke("s_1");
    assert.equal(tries, 2);
    await assert.rejects(service.vault.sessions.revoke("s_1"), fails("session_not_found"));
  });

  test("Retry-After is kept to, as seconds and as a date", async (t) => {
    const waits: readonly Record<string, string>[] = [
      { "retry-after": "9" },
      { "retry-after": "Sun, 22 Nov 2026 00:00:09 GMT" },
      { "retry-after": "Mon, 23 Nov 2026 00:00:09 GMT", date: "Mon, 23 Nov 2026 00:00:00 GMT" },
    ];
    for (const headers of waits) {
      const service = await faked(t);
      let answers = 0;
      service.answer = () => ((answers += 1) === 1 ? html(503, headers) : tokenAnswer(service.clock));
      await service.vault.getAccessToken("g_1");
      assert.deepEqual(service.sleeps, [9_000], JSON.stringify(headers));
    }
  });

  test("provider_unavailable says how long to wait", async (t) => {
    const service = await faked(t);
    service.answer = () =>
      problem(503, "provider_unavailable", { issuer: "https://a.example" }, { "retry-after": "7" });
    await assert.rejects(service.vault.getAccessToken("g_1"), (error) => {
      assert.ok(isOnbehalfError(error, "provider_unavailable"));
      assert.deepEqual(error.details, { issuer: "https://a.example", retryAfterMs: 7_000 });
      return true;
    });
  });

  test("a service that hangs, cuts off or resets is asked again", async (t) => {
    let requests = 0;
    const server = createServer((request, response) => {
      requests += 1;
      if (requests === 1) return;
      if (requests === 2) return void request.socket.destroy();
      if (requests === 3) {
        response.writeHead(200, { "content-type": "application/json", "content-length": "500" });
        response.write('{"access_token": "ya2');
        return void setImmediate(() => request.socket.destroy());
      }
      if (requests === 4) {
        response.writeHead(200, { "content-type": "application/json" });
        return void response.write('{"access_token": "ya2');
      }
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          access_token: "ya29.a",
          token_type: "Bearer",
          scope: "",
          grant_id: "g_1",
          provider: "google",
          generation: 1,
          expires_in: 60,
        }),
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { vault } = await remote(t, { url, key: fakedKey, timeoutSeconds: 0.3 });
    assert.equal((await vault.getAccessToken("g_1", { minTtlSeconds: 1 })).token, "ya29.a");
    assert.equal(requests, 5);
  });

  test("a living token is given at once while the service hangs", async (t) => {
    const service = await faked(t);
    const { vault, clock } = service;
    await vault.getAccessToken("g_1");
    clock.advance(3_500_000);
    service.answer = () => new Promise<Response>(() => undefined);
    assert.equal((await vault.getAccessToken("g_1", { minTtlSeconds: 90 })).token, "ya29.first");
    assert.equal((await vault.getAccessToken("g_1")).token, "ya29.first");
  });

  test("whoever stops waiting, or closes the vault, has nothing sent any more", async (t) => {
    const service = await faked(t);
    const { vault, newRequests } = service;
    const stop = new AbortController();
    service.answer = () => {
      stop.abort(new Error("enough"));
      return html(503);
    };
    await assert.rejects(vault.exchangeCode({ code: "4/x", signal: stop.signal }), /enough/);
    await turn();
    assert.equal(newRequests().length, 1);
    await assert.rejects(vault.grant("g_1", { signal: stop.signal }), /enough/);
    assert.equal(newRequests().length, 0);

    const hanging = await faked(t);
    hanging.answer = () => new Promise<Response>(() => undefined);
    const reads = Array.from({ length: 100 }, (_, each) => hanging.vault.getAccessToken(`g_${each}`));
    const ends = Promise.all(reads.map((read) => assert.rejects(read, fails("service_unavailable"))));
    await turn();
    await hanging.vault.close();
    await ends;
  });

  test("a service that gives the refused token again is not believed", async (t) => {
    const service = await faked(t);
    await service.vault.getAccessToken("g_1");
    const refused = createHash("sha256").update("ya29.first").digest("hex");
    await assert.rejects(service.vault.getAccessToken("g_1", { refused }), fails("service_unavailable", "refused"));
    assert.equal(service.vault.peekAccessToken("g_1"), undefined);
  });

  test("where tokens may be sent is asked again after ten minutes, and not needed while the service is away", async (t) => {
    const { fixture, url, key, grant } = await testService(t);
    let isAway = false;
    const { vault, newRequests } = await remote(
      t,
      { url, key, clock: fixture.clock },
      { instead: (path, init) => (isAway && path.startsWith("/v1/") ? away(path, init) : undefined) },
    );
    const { grantId } = await grant();
    const address = "https://www.googleapis.com/drive/v3/files/appfolder";
    const places = (): number => newRequests().filter((each) => each === "GET /v1/providers").length;
    await Promise.all(Array.from({ length: 5 }, () => vault.fetch(grantId, address)));
    await vault.fetch(grantId, address);
    assert.equal(places(), 1);
    fixture.clock.advance(601_000);
    await vault.fetch(grantId, address);
    assert.equal(places(), 1);
    fixture.clock.advance(601_000);
    isAway = true;
    assert.equal((await vault.fetch(grantId, address)).status, 200);
    await assert.rejects(vault.fetch(grantId, "https://evil.example/"), fails("host_not_allowed"));
  });

  test("the key goes to the service alone: no redirect is followed, and no API gets it", async (t) => {
    const seen: string[] = [];
    const thief = createServer((request, response) => {
      seen.push(request.headers.authorization ?? "");
      response.end("{}");
    });
    thief.listen(0, "127.0.0.1");
    await once(thief, "listening");
    t.after(() => thief.close());
    const place = `http://127.0.0.1:${(thief.address() as AddressInfo).port}/`;
    const door = createServer((_, response) => {
      response.writeHead(307, { location: place });
      response.end();
    });
    door.listen(0, "127.0.0.1");
    await once(door, "listening");
    t.after(() => door.close());
    const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
    const { vault } = await remote(t, { url, key: fakedKey });
    const about = `redirected to ${place.slice(0, -1)}`;
    await assert.rejects(vault.getAccessToken("g_1"), fails("service_unavailable", about, [fakedKey]));
    await assert.rejects(vault.exchangeCode({ code: "4/x" }), fails("service_unavailable", about, [fakedKey]));
    assert.deepEqual(seen, []);
  });

  test("a key that was rotated is read again, once, by all who were refused together", async (t) => {
    const { vault: near, url, fixture, grant } = await testService(t);
    const { grantId } = await grant();
    const { key } = await near.callers.create("job", { allow: ["token", "grants:read"] });
    let current = key.expose();
    let reads = 0;
    const give = (): Secret => {
      reads += 1;
      return new Secret(current);
    };
    const { vault } = await remote(t, { url, key: give, clock: fixture.clock });
    await vault.grant(grantId);
    await vault.getAccessToken(grantId);
    current = (await near.callers.rotate("job", { overlapMs: 0 })).key.expose();
    fixture.clock.advance(2_000);
    await Promise.all(Array.from({ length: 10 }, () => vault.grant(grantId)));
    assert.equal(reads, 2);
    assert.equal(vault.peekAccessToken(grantId), undefined, "another key may be another caller's");
    current = fakedKey;
    await near.callers.revoke("job");
    fixture.clock.advance(2_000);
    await assert.rejects(vault.grant(grantId), fails("unauthorized", "", [key.expose(), current]));
    assert.equal(reads, 3);
  });

  test("a key in a file is read at the start, and again when it is refused", async (t) => {
    const { vault: near, url, fixture, grant } = await testService(t);
    const { grantId } = await grant();
    const folder = await mkdtemp(join(tmpdir(), "onbehalf-"));
    t.after(() => rm(folder, { recursive: true }));
    const keyFile = join(folder, "key");
    await assert.rejects(openRemoteVault({ url, keyFile }), fails("configuration_invalid", "keyFile"));
    const { key } = await near.callers.create("job", { allow: ["grants:read"] });
    await writeFile(keyFile, `${key.expose()}\n`);
    await using vault = await openRemoteVault({ url, keyFile });
    await vault.grant(grantId);
    await writeFile(keyFile, `${(await near.callers.rotate("job", { overlapMs: 0 })).key.expose()}\n`);
    fixture.clock.advance(2_000);
    await vault.grant(grantId);
  });

  test("a function that gives no key fails with what to do, and without what it gave", async (t) => {
    for (const give of [
      () => "",
      () => "GOCSPX-standin-secret",
      () => `obm_${"a".repeat(40)}`,
      () => undefined as unknown as string,
      () => `${fakedKey} `,
      (): string => {
        throw new Error("GOCSPX-standin-secret");
      },
    ]) {
      const { vault, sent } = await remote(t, { url: fakedUrl, key: give });
      await assert.rejects(vault.getAccessToken("g_1"), (error) => {
        assert.ok(isOnbehalfError(error, "configuration_invalid"));
        assert.doesNotMatch(error.message + error.hint, /GOCSPX|obm_a|obk_0/);
        return true;
      });
      assert.equal(sent.length, 0);
    }
  });

  test("whatever comes instead of an answer, a verb gives what was asked for or an error of ours, and shows no key", async (t) => {
    const service = await faked(t);
    const types = ["application/json", "application/problem+json", "text/html", "application/json; charset=utf-8", ""];
    const value = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          error: fc.oneof(
            fc.constantFrom(
              "unauthorized",
              "forbidden",
              "ambiguous_grant",
              "constructor",
              "reauthorization_required",
              "__proto__",
              "of_the_future",
            ),
            fc.jsonValue(),
          ),
          error_description: fc.oneof(fc.string(), fc.jsonValue()),
          since: fc.oneof(fc.string(), fc.constant("2026-11-22T00:00:00Z"), fc.integer()),
          grant_id: fc.oneof(fc.constant("g_1"), fc.jsonValue()),
          access_token: fc.oneof(fc.constant("ya29.x"), fc.string(), fc.jsonValue()),
          token_type: fc.constantFrom("Bearer", "mac", 5),
          provider: fc.constantFrom("google", null),
          generation: fc.oneof(fc.integer(), fc.double(), fc.string()),
          scope: fc.oneof(fc.string(), fc.integer()),
          expires_in: fc.oneof(fc.integer(), fc.double(), fc.string()),
          expires_at: fc.oneof(fc.integer(), fc.string()),
          refresh_at: fc.oneof(fc.string(), fc.constant("+275760-09-13T00:00:00.000Z")),
          grants: fc.jsonValue(),
          accounts: fc.jsonValue(),
          providers: fc.jsonValue(),
        },
        { requiredKeys: [] },
      ),
    );
    const answers = fc.record({
      status: fc.constantFrom(200, 201, 301, 400, 401, 403, 404, 409, 410, 418, 429, 500, 502, 503, 504),
      type: fc.constantFrom(...types),
      retryAfter: fc.constantFrom("", "1", "-1", "x", "99999999999", "Sun, 22 Nov 2026 00:00:09 GMT"),
      text: fc.oneof(
        value.map((each) => JSON.stringify(each)),
        fc.string(),
        fc.constant('{"error":"unauthorized","__proto__":{"x":1}}'),
      ),
    });
    await fc.assert(
      fc.asyncProperty(answers, fc.nat(5), async ({ status, type, retryAfter, text }, verb) => {
        const headers = new Headers({ "content-type": type, "retry-after": retryAfter });
        service.answer = () => new Response(text, { status, headers });
        const { vault } = service;
        const asks = [
          () => vault.getAccessToken("g_1"),
          () => vault.grant("g_1"),
          () => vault.grants(),
          () => vault.revoke("g_1"),
          () => vault.exchangeCode({ code: "4/x" }),
          () => vault.fetch("g_1", "https://www.googleapis.com/"),
        ];
        try {
          const given = await asks[verb]?.();
          if (verb === 0) assert.equal((given as { grantId: string }).grantId, "g_1");
          if (verb === 1) assert.equal((given as { grantId: string }).grantId, "g_1");
        } catch (error) {
          assert.ok(isOnbehalfError(error), String(error));
          assert.ok(error.status >= 400 && error.status < 600, String(error.status));
          assert.equal(typeof error.message, "string");
          assert.ok(!`${error.message}${error.hint}${JSON.stringify(error.details)}`.includes(fakedKey));
          if (isOnbehalfError(error, "reauthorization_required"))
            assert.ok(!Number.isNaN(error.details.since.getTime()));
          if (isOnbehalfError(error, "ambiguous_grant")) assert.ok(Array.isArray(error.details.grantIds));
        }
      }),
      { numRuns: 400 },
    );
  });

  test("an error that only a newer service knows keeps its code, its status and its details", async (t) => {
    const service = await faked(t);
    const answer: Instead = () =>
      problem(418, "of_the_future", { since: "2026-11-22T00:00:00Z", some_list: [{ a_b: 1 }] }, { "retry-after": "3" });
    service.answer = answer;
    await assert.rejects(service.vault.grant("g_1"), (error) => {
      assert.ok(isOnbehalfError(error));
      assert.deepEqual(
        [error.code as string, error.status, error.details],
        ["of_the_future", 418, { since: new Date("2026-11-22T00:00:00Z"), someList: [{ aB: 1 }], retryAfterMs: 3_000 }],
      );
      return true;
    });
  });
});
