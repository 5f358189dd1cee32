import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Agent, get } from "node:http";
import { after, before, describe, test } from "node:test";
import { sharedStandin, until } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { assertProblem } from "../../support/problem.ts";
import { rawRequest, testService } from "../../support/test-service.ts";
import fc from "fast-check";
import { connect } from "node:net";
import { permissions } from "../../../src/vault/http/callers.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

/** What a client sees, but for what changes with every answer. */
const seen = ({ status, headers, body }: Awaited<ReturnType<typeof rawRequest>>): unknown => ({
  status,
  headers: [...headers]
    .filter(([name]) => name !== "date" && name !== "x-request-id")
    .sort(([a], [b]) => (a < b ? -1 : 1)),
  body,
});

describe("the short way to a cached token", () => {
  test("the short way to a cached token gives the very answer that the long way gives", async (t) => {
    const { url, key, grant, fixture } = await testService(t, { shared });
    const { grantId, subject } = await grant();
    const headers = { authorization: `Bearer ${key}` };
    for (const ref of [grantId, `sub:${subject}`]) {
      // An escape makes it the long way; the first request of all is long, too.
      const long = `/v1/grants/${ref.replace("_", "%5F").replace(":", "%3A")}/token`;
      const first = await rawRequest(url, `/v1/grants/${ref}/token`, { headers });
      const queried = await rawRequest(url, `/v1/grants/${ref}/token?min_ttl_seconds=60`, { headers });
      const escaped = await rawRequest(url, long, { headers });
      const short = await rawRequest(url, `/v1/grants/${ref}/token`, { headers });
      assert.equal(first.status, 200, first.body);
      for (const other of [first, queried, escaped]) assert.deepEqual(seen(short), seen(other));
      fixture.clock.advance(1_000);
      const later = await rawRequest(url, `/v1/grants/${ref}/token`, { headers });
      assert.deepEqual(seen(later), seen(await rawRequest(url, long, { headers })));
      assert.notEqual(later.body, short.body, "expires_in goes down");
    }
  });

  test("the short ways to a token tell the id back that came with the request, and make none", async (t) => {
    const { url, key, grant, vault } = await testService(t, { shared });
    const { grantId } = await grant();
    await vault.getAccessToken(grantId);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const told = (sent?: string): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${key}`, ...(sent === undefined ? {} : { "x-request-id": sent }) };
        get(`${url}/v1/grants/${grantId}/token`, { agent, headers }, (response) => {
          const { statusCode, headers: answered } = response;
          assert.equal(statusCode, 200);
          response.resume().on("end", () => resolve(answered["x-request-id"]?.toString()));
        }).on("error", reject);
      });
    // The first one is looked at by the service.
    const made = await told();
    assert.match(made ?? "", /^[\da-f-]{36}$/);
    const [one, other] = [randomUUID(), randomUUID()];
    // Two of each: the second may be answered by its bytes alone.
    assert.deepEqual([await told(one), await told(one), await told(other)], [one, one, other]);
    assert.deepEqual([await told(), await told(), await told("42"), await told("42")], Array(4).fill(undefined));
    assert.deepEqual([await told(one.toUpperCase()), await told()], [one, undefined]);
  });

  test("the short way to a cached token gives the account that is named, and what the long way gives of another", async (t) => {
    const { url, key, vault, fixture, ask } = await testService(t, { shared });
    const headers = { authorization: `Bearer ${key}` };
    const tokenOf = new Map<string, string>();
    for (const [email, account] of [
      ["ada@example.com", "ada@example.com"],
      ["carl@example.com", "home"],
    ] as const) {
      const { grantId } = await vault.exchangeCode({ code: fixture.code(email), externalId: "user:1", account });
      tokenOf.set(account, (await vault.getAccessToken(grantId)).token);
    }
    const labels = ["ada@example.com", "ada%40example.com", "home"];
    for (const label of [...labels, ...labels]) {
      const short = await rawRequest(url, `/v1/grants/ext:user:1/token?account=${label}`, { headers });
      const long = await rawRequest(url, `/v1/grants/ext%3Auser:1/token?account=${label}`, { headers });
      assert.deepEqual(seen(short), seen(long));
      assert.ok(short.body.includes(`"${tokenOf.get(decodeURIComponent(label)) ?? ""}"`), label);
    }
    await assertProblem(await ask("/v1/grants/ext:user:1/token"), "ambiguous_grant");
    for (const label of ["Home", "home%20", "homeuser", "ada"]) {
      await assertProblem(await ask(`/v1/grants/ext:user:1/token?account=${label}`), "grant_not_found");
    }
    for (const query of ["?account=", "?account", "?acount=home", "?account=home&account=home"]) {
      await assertProblem(await ask(`/v1/grants/ext:user:1/token${query}`), "invalid_request");
    }
  });

  test("the short way to a cached token gives one that lives for as long as was asked, and refuses what the long way refuses", async (t) => {
    const { url, key, vault, fixture } = await testService(t, { shared });
    const { grantId } = await vault.exchangeCode({ code: fixture.code("eve@example.com"), externalId: "user:2" });
    const headers = { authorization: `Bearer ${key}` };
    const queries = ["60", "060", "0", "1800", "86400", "86401", "99999", "100000", "-1", "1e3", "", "%36%30", "60.0"]
      .map((seconds) => `min_ttl_seconds=${seconds}`)
      .concat(
        "min_ttl_seconds=60&min_ttl_seconds=60",
        "min_ttl_seconds=0&account=none",
        "account=none&min_ttl_seconds=0",
      )
      .concat("min_ttl_seconds", "min_ttl_seconds=60&", "&min_ttl_seconds=60", "Min_ttl_seconds=60", "provider=google");
    for (const query of [...queries, ...queries]) {
      const short = await rawRequest(url, `/v1/grants/${grantId}/token?${query}`, { headers });
      const long = await rawRequest(url, `/v1/grants/${grantId.replace("_", "%5F")}/token?${query}`, { headers });
      // A problem names the address that was asked for.
      const body = (text: string): string => text.replaceAll("%5F", "_");
      assert.deepEqual([short.status, body(short.body)], [long.status, body(long.body)], query);
    }
    // Half an hour of the hour is over: what asks for less is given the token, and what asks for more a new one.
    fixture.clock.advance(1_800_000);
    fixture.newRequests("/token");
    const asked = (seconds: number) =>
      rawRequest(url, `/v1/grants/${grantId}/token?min_ttl_seconds=${seconds}`, { headers });
    for (let turn = 0; turn < 3; turn++) assert.equal((await asked(1_700)).status, 200);
    assert.equal(fixture.newRequests("/token").length, 0);
    for (let turn = 0; turn < 3; turn++) assert.equal((await asked(1_900)).status, 200);
    assert.equal(fixture.newRequests("/token").length, 1);
  });

  test("the short way to a cached token is not open to a key that may not, is wrong by a character, or has been revoked", async (t) => {
    const { ask, vault, grant, keyFor, key, fixture } = await testService(t, { shared });
    const { grantId } = await grant();
    const path = `/v1/grants/${grantId}/token`;
    assert.equal((await ask(path)).status, 200);
    const reader = { authorization: `Bearer ${await keyFor("grants:read")}` };
    for (let turn = 0; turn < 3; turn++) await assertProblem(await ask(path, { headers: reader }), "forbidden");
    const wrong = { authorization: `Bearer ${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}` };
    await assertProblem(await ask(path, { headers: wrong }), "unauthorized");
    await vault.callers.revoke("all");
    fixture.clock.advance(1_000);
    await assertProblem(await ask(path), "unauthorized");
  });

  test("the short way to a cached token ends with the key's own end", async (t) => {
    const { ask, vault, grant, fixture } = await testService(t, { shared });
    const { grantId } = await grant();
    const expiresAt = new Date(fixture.clock.now() + 10_000);
    const headers = {
      authorization: `Bearer ${(await vault.callers.create("short", { allow: permissions, expiresAt })).key.expose()}`,
    };
    assert.equal((await ask(`/v1/grants/${grantId}/token`, { headers })).status, 200);
    fixture.clock.advance(10_000);
    await assertProblem(await ask(`/v1/grants/${grantId}/token`, { headers }), "unauthorized");
  });

  test("the short way to a cached token ends with the token: one that is about to end is refreshed, one that was revoked is gone", async (t) => {
    const { ask, vault, grant, fixture } = await testService(t, { shared });
    const { grantId } = await grant();
    const path = `/v1/grants/${grantId}/token`;
    const first = await (await ask(path)).text();
    fixture.clock.advance(3_599_000 - 59_999);
    assert.notEqual(await (await ask(path)).text(), first);
    await vault.revoke(grantId);
    await assertProblem(await ask(path), "reauthorization_required");
  });

  test("the short way to a cached token forgets what another process ended", async (t) => {
    const { ask, grant, fixture } = await testService(t, { shared });
    const { grantId } = await grant();
    const path = `/v1/grants/${grantId}/token`;
    assert.equal((await ask(path)).status, 200);
    const elsewhere = await fixture.open();
    await elsewhere.revoke(grantId);
    await until(async () => (await ask(path)).status === 409);
  });

  test("whatever happens to grants, callers and the clock, the short way answers as the long way does", async (t) => {
    const actions = fc.record({
      what: fc.constantFrom(
        "nothing",
        "second",
        "half an hour",
        "consent",
        "move",
        "revoke",
        "elsewhere",
        "end",
        "session",
      ),
      who: fc.nat(2),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(actions, { minLength: 4, maxLength: 8 }), async (steps) => {
        const { url, vault, fixture } = await testService(t, { shared });
        const elsewhere = await fixture.open();
        const people = ["ada", "carl", "eve"].map((name) => `${name}@example.com`);
        const consent = (who: number, externalId = `user-${who}`): Promise<unknown> =>
          vault.exchangeCode({ code: fixture.code(people[who] ?? ""), externalId, moveExternalId: true });
        for (const who of [0, 1, 2]) await consent(who);
        const subjects = (await vault.grants()).grants.map(({ subject, grantId }) => ({ subject, grantId }));
        const names = (who: number): string[] => {
          const { subject, grantId } = subjects[who] ?? { subject: "", grantId: "" };
          return [grantId, `sub:${subject}`, `ext:user-${who}`];
        };
        const all = await vault.callers.create("everything", { allow: permissions });
        const one = await vault.callers.create("one", { allow: ["token"], grants: ["ext:user-1", names(2)[0] ?? ""] });
        const maker = (await vault.callers.authenticate(`Bearer ${all.key.expose()}`)) ?? assert.fail();
        const made = await vault.forCaller(maker).sessions.create({ allow: ["token"], grants: ["ext:user-0"] });
        const lines = [all.key, one.key, made.key].map((key) => line(url, key.expose()));
        const compare = async (): Promise<void> => {
          for (const { ask, key } of lines) {
            for (const name of [0, 1, 2].flatMap(names)) {
              for (const query of ["", "?min_ttl_seconds=2000"]) {
                const short = await ask(`/v1/grants/${name}/token${query}`);
                const long = await rawRequest(url, `/v1/grants/${name.replace(/[_:]/, escaped)}/token${query}`, {
                  headers: { authorization: `Bearer ${key}` },
                });
                const body = (text: string): string => text.replaceAll(/%5F|%3A/g, unescaped);
                assert.deepEqual([short.status, body(short.body)], [long.status, body(long.body)], name);
              }
            }
          }
        };
        await compare();
        await compare();
        for (const { what, who } of steps) {
          if (what === "second") fixture.clock.advance(1_000);
          if (what === "half an hour") fixture.clock.advance(1_800_000);
          if (what === "consent") await consent(who);
          if (what === "move") await consent(who, `user-${(who + 1) % 3}`);
          if (what === "revoke") await vault.revoke(subjects[who]?.grantId ?? "");
          if (what === "elsewhere") {
            const grantId = subjects[who]?.grantId ?? "";
            await elsewhere.revoke(grantId);
            // Until it has heard of it; no longer than the documented second.
            await until(() => vault.peekAccessToken(grantId) === undefined);
          }
          // In this process, it ends at once.
          if (what === "end") await vault.callers.revoke(who === 0 ? "everything" : "one");
          if (what === "session") {
            await vault.sessions.revoke(made.session.sessionId);
            fixture.clock.advance(1_000);
          }
          await compare();
        }
        for (const { close } of lines) close();
      }),
      { numRuns: 3 },
    );
  });

  test("the short way to a cached token says in each second how long the token lives", async (t) => {
    const { url, key, grant, vault, fixture } = await testService(t, { shared });
    const { grantId } = await grant();
    const { ask, close } = line(url, key);
    const asked = async (): Promise<number> =>
      (JSON.parse((await ask(`/v1/grants/${grantId}/token`)).body) as { expires_in: number }).expires_in;
    for (let turn = 0; turn < 3; turn += 1) await asked();
    const end = (await vault.getAccessToken(grantId)).expiresAt?.getTime() ?? Number.NaN;
    for (const ms of [1, 998, 1, 1, 999, 60_000, 500, 500, 1_800_000, 123]) {
      fixture.clock.advance(ms);
      assert.equal(await asked(), Math.floor((end - fixture.clock.now()) / 1_000));
    }
    close();
  });
});

const escaped = (character: string): string => (character === "_" ? "%5F" : "%3A");
const unescaped = (escape: string): string => (escape === "%5F" ? "_" : ":");

/** A connection that is kept, on which requests differ by their paths alone. */
function line(
  url: string,
  key: string,
): { key: string; ask: (path: string) => Promise<{ status: number; body: string }>; close: () => void } {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, noDelay: true });
  const ask = (path: string): Promise<{ status: number; body: string }> =>
    new Promise((resolve) => {
      let received = Buffer.alloc(0);
      const read = (chunk: Buffer): void => {
        received = Buffer.concat([received, chunk]);
        const end = received.indexOf("\r\n\r\n");
        const head = received.subarray(0, Math.max(0, end)).toString("latin1");
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (end < 0 || received.length < end + 4 + length) return;
        socket.off("data", read);
        resolve({ status: Number(head.slice(9, 12)), body: received.subarray(end + 4).toString() });
      };
      socket.on("data", read);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`);
    });
  return { key, ask, close: () => socket.destroy() };
}
