import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import { bentProvider } from "../../support/bent-provider.ts";
import type { Bend, BentProvider } from "../../support/bent-provider.ts";

const hour = 3_600_000;
const day = 24 * hour;

/** Answers whose members are as given: undefined leaves one out. */
function answering(members: Record<string, unknown>, onRefresh: Record<string, unknown> = members): Bend {
  return {
    token: (answer, { form }) => ({
      body: { ...answer, ...(form["grant_type"] === "refresh_token" ? onRefresh : members) },
    }),
  };
}

const needsPerson = (error: unknown): boolean => isOnbehalfError(error, "reauthorization_required");
const sha256 = (token: string): string => createHash("sha256").update(token).digest("hex");

/** A vault whose API answers with one status after another; the last one for good. */
async function withApi(
  t: Parameters<typeof bentProvider>[0],
  bend: Bend,
  answers: readonly (number | { readonly status: number; readonly wwwAuthenticate: string })[],
): Promise<BentProvider & { readonly sent: string[] }> {
  const sent: string[] = [];
  const api: typeof fetch = async (input, init) => {
    if (!String(input instanceof Request ? input.url : input).startsWith("https://api.example/"))
      return fetch(input, init);
    sent.push(new Headers(init?.headers).get("authorization") ?? "");
    const answer = answers[Math.min(sent.length, answers.length) - 1] ?? 200;
    return typeof answer === "number"
      ? new Response("{}", { status: answer })
      : new Response("{}", { status: answer.status, headers: { "www-authenticate": answer.wwwAuthenticate } });
  };
  const bent = await bentProvider(t, bend, { provider: { apiHosts: ["api.example"] }, vault: { fetch: api } });
  return Object.assign(bent, { sent });
}

describe("a token whose end nobody said, and that nothing can replace", () => {
  const without = answering({ expires_in: undefined, refresh_token: undefined });
  for (const [name, members] of Object.entries({
    "no expires_in": { expires_in: undefined },
    "expires_in of null": { expires_in: null },
    "expires_in of 0": { expires_in: 0 },
    "expires_in of -1": { expires_in: -1 },
    "expires_in in words": { expires_in: "never" },
    "expires_at of 0": { expires_in: undefined, expires_at: 0 },
  })) {
    test(`a token with ${name} and no refresh token is handed out for years, and says that its end is unknown`, async (t) => {
      const bent = await bentProvider(t, answering({ ...members, refresh_token: undefined }));
      const grant = await bent.connect();
      assert.deepEqual([grant.accessTokenEndKnown, grant.accessExpiresAt, grant.offline], [false, undefined, false]);
      for (const passed of [61 * 60_000, day, 400 * day]) {
        bent.clock.advance(passed);
        const { token, expiresAt } = await bent.vault.getAccessToken(grant, { minTtlSeconds: 86_400 });
        assert.deepEqual([token, expiresAt], ["at-1", undefined]);
      }
      assert.equal(bent.count("/token"), 1);
    });
  }

  test("a token that an API refuses twice ends, and the person must sign in again", async (t) => {
    const bent = await withApi(t, without, [200, 401]);
    const grant = await bent.connect();
    assert.equal((await bent.vault.fetch(grant, "https://api.example/")).status, 200);
    await assert.rejects(bent.vault.fetch(grant, "https://api.example/"), needsPerson);
    assert.equal(bent.sent.length, 3);
    await assert.rejects(bent.vault.getAccessToken(grant), needsPerson);
    const again = await bent.connect("d");
    assert.equal((await bent.vault.getAccessToken(again)).token, "at-2");
  });

  test("a token outlives one bad moment of an API, and a 401 that means something else", async (t) => {
    const bent = await withApi(t, without, [
      401,
      200,
      { status: 401, wwwAuthenticate: 'Bearer realm="x", error="insufficient_user_authentication"' },
      { status: 401, wwwAuthenticate: 'Bearer error="invalid_token"' },
      200,
    ]);
    const grant = await bent.connect();
    const statuses = [];
    for (let n = 0; n < 3; n++) statuses.push((await bent.vault.fetch(grant, "https://api.example/")).status);
    assert.deepEqual(statuses, [200, 401, 200]);
    assert.equal((await bent.vault.getAccessToken(grant)).token, "at-1");
  });

  test("a token whose end is known is not replaced either, and ends by the same rule", async (t) => {
    const bent = await withApi(t, answering({ refresh_token: undefined }), [401]);
    const grant = await bent.connect();
    await assert.rejects(bent.vault.fetch(grant, "https://api.example/"), needsPerson);
    await assert.rejects(bent.vault.getAccessToken(grant), needsPerson);
  });

  test("a token that a caller says was refused ends; another caller's older token ends nothing", async (t) => {
    const bent = await bentProvider(t, without);
    const grant = await bent.connect();
    assert.equal((await bent.vault.getAccessToken(grant, { refused: sha256("at-0") })).token, "at-1");
    await assert.rejects(bent.vault.getAccessToken(grant, { refused: sha256("at-1").toUpperCase() }), needsPerson);
    await assert.rejects(bent.vault.getAccessToken(grant), needsPerson);
  });
});

describe("a token whose end nobody said, with a refresh token", () => {
  const unsaid = answering({ expires_in: undefined });
  test("such a token is replaced when it is an hour old, and not before", async (t) => {
    const bent = await bentProvider(t, unsaid);
    const grant = await bent.connect();
    assert.equal(grant.accessTokenEndKnown, false);
    bent.clock.advance(hour - 1);
    assert.equal((await bent.vault.getAccessToken(grant, { minTtlSeconds: 86_400 })).token, "at-1");
    bent.clock.advance(1);
    for (let n = 0; n < 5; n++) {
      const { token, expiresAt } = await bent.vault.getAccessToken(grant, { minTtlSeconds: 86_400 });
      assert.deepEqual([token, expiresAt], ["at-2", undefined]);
    }
  });

  test("such a token is handed out while the provider fails, however old it is", async (t) => {
    const bent = await bentProvider(t, unsaid);
    const grant = await bent.connect();
    bent.bend = { token: () => ({ status: 503 }) };
    bent.clock.advance(2 * day);
    assert.equal((await bent.vault.getAccessToken(grant)).token, "at-1");
  });

  test("the provider's record may say how long such tokens live", async (t) => {
    const bent = await bentProvider(t, unsaid, { provider: { accessTokenTtlSeconds: 600 } });
    const grant = await bent.connect();
    assert.deepEqual([grant.accessTokenEndKnown, Number(grant.accessExpiresAt)], [true, bent.clock.now() + 600_000]);
    bent.clock.advance(541_000);
    assert.equal((await bent.vault.getAccessToken(grant)).token, "at-2");
  });
});

describe("a token with a short life", () => {
  for (const [seconds, reads, refreshes] of [
    [60, 60, 1],
    [30, 60, 2],
    [10, 60, 8],
    [1, 10, 10],
  ] as const) {
    test(`a token that lives ${seconds} s is not refreshed at each of ${reads} reads in as many seconds`, async (t) => {
      const bent = await bentProvider(t, answering({ expires_in: seconds }));
      const grant = await bent.connect();
      const before = bent.count("/token");
      for (let read = 0; read < reads; read++) {
        for (let each = 0; each < 5; each++) {
          const { expiresAt } = await bent.vault.getAccessToken(grant);
          assert.ok(Number(expiresAt) > bent.clock.now());
        }
        bent.clock.advance(1_000);
      }
      assert.ok(bent.count("/token") - before <= refreshes, `${bent.count("/token") - before} refreshes`);
    });
  }

  for (const life of [0, -5, "0", 0.4]) {
    test(`a refreshable token that lives ${JSON.stringify(life)} s is never served, and asked for twice a minute at most`, async (t) => {
      const bent = await bentProvider(t, answering({ expires_in: life }), { strict: true });
      const grant = await bent.connect();
      for (let second = 0; second < 60; second++) {
        await assert.rejects(bent.vault.getAccessToken(grant), (error) =>
          isOnbehalfError(error, "provider_unavailable"),
        );
        bent.clock.advance(1_000);
      }
      assert.ok(bent.count("/token") <= 3, `${bent.count("/token")} exchanges`);
      bent.bend = {};
      bent.clock.advance(30_000);
      assert.match((await bent.vault.getAccessToken(grant)).token, /^at-/);
    });
  }

  test("a token that lives for longer than anybody is served as long as an API takes it", async (t) => {
    const bent = await bentProvider(t, answering({ expires_in: 1e12 }));
    const grant = await bent.connect();
    bent.clock.advance(3_650 * day);
    assert.equal((await bent.vault.getAccessToken(grant)).token, "at-1");
    const next = await bent.vault.getAccessToken(grant, { refused: sha256("at-1") });
    assert.equal(next.token, "at-2");
  });
});

describe("a token that an API refused", () => {
  test("refused gives another token, once for all who say it, and the newer one to latecomers", async (t) => {
    const bent = await bentProvider(t, {}, { strict: true });
    const grant = await bent.connect();
    const refused = sha256((await bent.vault.getAccessToken(grant)).token);
    const tokens = await Promise.all(Array.from({ length: 20 }, () => bent.vault.getAccessToken(grant, { refused })));
    assert.deepEqual([...new Set(tokens.map(({ token }) => token))], ["at-2"]);
    assert.equal((await bent.vault.getAccessToken(grant, { refused })).token, "at-2");
    assert.equal(bent.count("/token"), 2);
  });

  test("refused never gives the same token again, not even while the provider fails", async (t) => {
    const bent = await bentProvider(t);
    const grant = await bent.connect();
    const refused = sha256((await bent.vault.getAccessToken(grant)).token);
    bent.bend = { token: () => ({ status: 503 }) };
    await assert.rejects(bent.vault.getAccessToken(grant, { refused }), (error) =>
      isOnbehalfError(error, "provider_unavailable"),
    );
  });

  for (const refused of ["", "at-1", "g".repeat(64), "a".repeat(63)]) {
    test(`refused must be a SHA-256 in hex: ${JSON.stringify(refused)}`, async (t) => {
      const bent = await bentProvider(t);
      const grant = await bent.connect();
      await assert.rejects(bent.vault.getAccessToken(grant, { refused }), (error) =>
        isOnbehalfError(error, "invalid_request"),
      );
    });
  }
});
