import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OnbehalfError, isOnbehalfError, oauth2 } from "../../../src/index.ts";
import type { Probe, Store } from "../../../src/index.ts";
import type { Fault } from "../../../src/standin/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { bentProvider } from "../../support/bent-provider.ts";
import type { Bend, BentProvider } from "../../support/bent-provider.ts";
import { outcomes, testVault } from "../../support/test-vault.ts";
import type { TestVault } from "../../support/test-vault.ts";

/** A grant of Ada's, and nothing that the stand-in was asked for it counts. */
async function granted(t: Parameters<typeof testVault>[0], options?: Parameters<typeof testVault>[1]) {
  const fixture = await testVault(t, options);
  const vault = await fixture.open();
  const grant = await vault.exchangeCode({
    code: fixture.code("ada@example.com"),
    source: "android",
    externalId: "ada",
  });
  fixture.newRequests();
  return { fixture, vault, grant };
}

const refreshes = (fixture: TestVault): Record<string, number> => outcomes(fixture.newRequests("/token"));

describe("a probe of a grant with a refresh token", () => {
  test("a probe refreshes once, says valid until the new token ends, and shows no token", async (t) => {
    const { fixture, vault, grant } = await granted(t);
    fixture.clock.advance(600_000);
    const found = await vault.probe({ externalId: "ada" });
    assert.equal(found.result, "valid");
    assert.equal(found.reason, undefined);
    assert.equal(found.offline, true);
    assert.equal(found.checkedAt.getTime(), fixture.clock.now());
    assert.equal(found.expiresAt?.getTime(), fixture.clock.now() + 3_599_000);
    assert.deepEqual(refreshes(fixture), { refreshed: 1 });
    assert.doesNotMatch(JSON.stringify(found), /ya29|1\/\//);
    const token = await vault.getAccessToken(grant, { minTtlSeconds: 3_500 });
    assert.deepEqual(refreshes(fixture), {}, "what the probe got is what is handed out");
    assert.equal(token.expiresAt?.getTime(), found.expiresAt.getTime());
  });

  test("within ten seconds after a look every process gets what it found; then there is another one", async (t) => {
    const { fixture, vault } = await granted(t);
    const other = await fixture.open();
    const both = [vault, other];
    const found = await Promise.all(
      Array.from({ length: 40 }, (_, n) => (both[n % 2] ?? vault).probe({ externalId: "ada" })),
    );
    assert.deepEqual(new Set(found.map((each) => each.result)), new Set(["valid"]));
    assert.deepEqual(refreshes(fixture), { refreshed: 1 });
    const first = fixture.clock.now();
    fixture.clock.advance(9_999);
    for (const each of both) assert.equal((await each.probe({ externalId: "ada" })).checkedAt.getTime(), first);
    assert.deepEqual(refreshes(fixture), {});
    fixture.clock.advance(1);
    for (const each of both)
      assert.equal((await each.probe({ externalId: "ada" })).checkedAt.getTime(), first + 10_000);
    assert.deepEqual(refreshes(fixture), { refreshed: 1 });
  });

  test("a consent that the person has taken back is invalid in one call, with what speaks for it", async (t) => {
    const { fixture, vault, grant } = await granted(t);
    fixture.standin.revoke("ada@example.com");
    const found = await vault.probe(grant);
    assert.deepEqual([found.result, found.reason, found.expiresAt], ["invalid", "invalid_grant", undefined]);
    assert.ok(found.evidence.length >= 2);
    assert.match(found.evidence.map(({ what }) => what).join("\n"), /consented.*\n.*answered invalid_grant/s);
    assert.equal((await vault.grant(grant)).state, "lapsed");
    assert.deepEqual(refreshes(fixture), { invalid_grant: 2 }, "two looks");
    assert.equal((await vault.probe(grant)).result, "invalid");
    assert.deepEqual(refreshes(fixture), {}, "and none at what is over");
  });

  test("a consent that comes again within seconds is valid at once", async (t) => {
    const { fixture, vault, grant } = await granted(t);
    fixture.standin.revoke("ada@example.com");
    assert.equal((await vault.probe(grant)).result, "invalid");
    fixture.clock.advance(1_000);
    await vault.exchangeCode({ code: fixture.code("ada@example.com"), source: "android" });
    assert.equal((await vault.probe(grant)).result, "valid");
  });

  const faults: Readonly<Record<string, { readonly fault: Fault; readonly reason: string }>> = {
    "503": { fault: { status: 503, body: { error: "temporarily_unavailable" } }, reason: "provider_unavailable" },
    "a page instead of JSON": { fault: { status: 502, html: true }, reason: "provider_unavailable" },
    "429": {
      fault: { status: 429, retryAfter: 30, body: { error: "rate_limit_exceeded" } },
      reason: "provider_unavailable",
    },
    "no answer": { fault: { drop: true }, reason: "provider_unavailable" },
    "403 of a firewall": { fault: { status: 403, html: true }, reason: "provider_unavailable" },
    "a word that nobody knows": {
      fault: { status: 400, body: { error: "quota_of_moons" } },
      reason: "provider_unavailable",
    },
    invalid_client: { fault: { status: 401, body: { error: "invalid_client" } }, reason: "client_misconfigured" },
    unauthorized_client: {
      fault: { status: 400, body: { error: "unauthorized_client" } },
      reason: "client_misconfigured",
    },
    invalid_scope: { fault: { status: 400, body: { error: "invalid_scope" } }, reason: "client_misconfigured" },
  };
  for (const [name, { fault, reason }] of Object.entries(faults)) {
    test(`where the provider answers a probe with ${name}, nothing is known of the consent, and the grant stays as it is`, async (t) => {
      const { fixture, vault, grant } = await granted(t);
      fixture.standin.fault("POST", "/token", { ...fault, times: 5 });
      const found = await vault.probe(grant);
      assert.deepEqual([found.result, found.reason], ["unknown", reason]);
      assert.ok(found.evidence.length > 0);
      assert.equal((await vault.grant(grant)).state, "active");
      assert.ok((await vault.getAccessToken(grant)).token !== "", "the token that lives is handed out");
      fixture.standin.clearFaults();
      assert.equal((await vault.probe(grant)).result, "unknown", "within ten seconds it is what was found");
    });
  }

  test("a breaker that keeps everybody away makes a probe of another grant unknown, and nothing is sent", async (t) => {
    const { fixture, vault } = await granted(t);
    const other = await vault.exchangeCode({ code: fixture.code("carl@example.com"), source: "android" });
    fixture.standin.fault("POST", "/token", {
      status: 429,
      retryAfter: 60,
      body: { error: "rate_limit_exceeded" },
      times: 9,
    });
    assert.equal((await vault.probe({ externalId: "ada" })).result, "unknown");
    fixture.newRequests();
    const found = await vault.probe(other);
    assert.deepEqual([found.result, found.reason], ["unknown", "provider_unavailable"]);
    assert.deepEqual(refreshes(fixture), {});
  });

  test("a probe while a refresh is under way joins it, and one that a strict provider has answered is not asked again", async (t) => {
    const { fixture, vault, grant } = await granted(t, { rotation: "strict", provider: { rotation: "strict" } });
    fixture.clock.advance(3_600_000);
    const [token, found] = await Promise.all([vault.getAccessToken(grant), vault.probe(grant)]);
    assert.equal(found.result, "valid");
    assert.equal(token.expiresAt?.getTime(), found.expiresAt?.getTime());
    assert.deepEqual(refreshes(fixture), { refreshed: 1 });
    assert.equal((await vault.grant(grant)).generation, 2);
  });

  test("forty probes by four processes at a strict provider use no token twice", async (t) => {
    const { fixture, grant } = await granted(t, { rotation: "strict", provider: { rotation: "strict" } });
    const vaults = await Promise.all([1, 2, 3, 4].map(() => fixture.open()));
    for (let round = 0; round < 3; round++) {
      fixture.clock.advance(10_000);
      const found = await Promise.all(vaults.flatMap((vault) => Array.from({ length: 10 }, () => vault.probe(grant))));
      assert.deepEqual(new Set(found.map(({ result }) => result)), new Set(["valid"]));
    }
    assert.deepEqual(refreshes(fixture), { refreshed: 3 });
  });

  test("who asks and goes away ends neither the look nor anybody else's wait", async (t) => {
    const { fixture, vault, grant } = await granted(t);
    const gone = new AbortController();
    const first = vault.probe(grant, { signal: gone.signal });
    const second = vault.probe(grant);
    gone.abort(new Error("gone"));
    await assert.rejects(first, /gone/);
    assert.equal((await second).result, "valid");
    assert.deepEqual(refreshes(fixture), { refreshed: 1 });
  });
});

describe("a probe of a grant without a refresh token", () => {
  test("is valid while the access token lives, then invalid with no_refresh_token, and the provider is not asked", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const code = fixture.standin.code({ email: "ada@example.com", accessType: "online" });
    const grant = await vault.exchangeCode({ code, source: "android" });
    fixture.newRequests();
    const found = await vault.probe(grant);
    assert.deepEqual([found.result, found.offline], ["valid", false]);
    assert.equal(found.expiresAt?.getTime(), fixture.clock.now() + 3_599_000);
    fixture.clock.advance(3_600_000);
    const after = await vault.probe(grant);
    assert.deepEqual([after.result, after.reason, after.offline], ["invalid", "no_refresh_token", false]);
    assert.equal(fixture.newRequests().length, 0);
  });
});

describe("a probe of an access token without an end, at a provider that can be asked whose it is", () => {
  /** A provider as GitHub is: no refresh token, no end, and an address where a token can be tried. */
  async function endless(
    t: Parameters<typeof testVault>[0],
    bend: Bend,
  ): Promise<BentProvider & { probe: () => Promise<Probe> }> {
    const record = (url: string): ReturnType<typeof oauth2> =>
      oauth2({
        name: "plain",
        authorizationEndpoint: `${url}/authorize`,
        tokenEndpoint: `${url}/token`,
        clientId: "cid",
        identity: { userinfo: `${url}/userinfo`, subject: "id" },
      });
    const token: Bend["token"] = (answer) => {
      delete answer["expires_in"];
      delete answer["refresh_token"];
      return { body: answer };
    };
    const bent = await bentProvider(t, { token }, { record });
    const grant = await bent.connect("ada/1");
    bent.bend = { token, ...bend };
    return Object.assign(bent, { probe: () => bent.vault.probe(grant) });
  }

  test("a token that the provider takes is valid, without an end, and tried once in ten seconds", async (t) => {
    const bent = await endless(t, {});
    const before = bent.count("/userinfo");
    const found = await Promise.all([bent.probe(), bent.probe(), bent.probe()]);
    assert.deepEqual(
      found.map(({ result }) => result),
      ["valid", "valid", "valid"],
    );
    assert.deepEqual([found[0]?.offline, found[0]?.expiresAt], [false, undefined]);
    assert.equal(bent.count("/userinfo"), before + 1);
    assert.equal(bent.count("/token"), 1);
  });

  test("a token that the provider refuses twice has ended: invalid, and it is handed out no more", async (t) => {
    const bent = await endless(t, { userinfo: () => ({ status: 401, body: { message: "Bad credentials" } }) });
    const found = await bent.probe();
    assert.deepEqual([found.result, found.reason], ["invalid", "no_refresh_token"]);
    await assert.rejects(bent.vault.getAccessToken({ subject: "ada" }), (error) =>
      isOnbehalfError(error, "reauthorization_required"),
    );
  });

  test("one refusal out of two ends nothing", async (t) => {
    let asked = 0;
    const bent = await endless(t, { userinfo: () => ((asked += 1) === 1 ? { status: 401, body: {} } : undefined) });
    assert.equal((await bent.probe()).result, "valid");
    assert.equal(asked, 2);
  });

  for (const [name, answer] of Object.entries({
    "503": { status: 503, text: "busy" },
    "403 of a firewall": { status: 403, text: "<html>" },
    "a redirect to elsewhere": { status: 302, headers: { location: "https://evil.example/" } },
    "an answer that breaks off": { cutAfter: 3, text: "a longer text than that" },
  })) {
    test(`where its userinfo endpoint answers ${name}, nothing is known, and the token is handed out as before`, async (t) => {
      const bent = await endless(t, { userinfo: () => answer });
      const found = await bent.probe();
      assert.deepEqual([found.result, found.reason], ["unknown", "provider_unavailable"]);
      assert.equal((await bent.vault.getAccessToken({ subject: "ada" })).token, "at-1");
    });
  }
});

describe("a probe of a grant that is over", () => {
  test("a grant that we revoked is invalid, and nobody is asked", async (t) => {
    const { fixture, vault, grant } = await granted(t);
    await vault.revoke(grant);
    fixture.newRequests();
    const found = await vault.probe(grant);
    assert.deepEqual([found.result, found.reason], ["invalid", "revoked"]);
    assert.equal(found.evidence.length, 1);
    assert.equal(fixture.newRequests().length, 0);
  });

  test("a lapsed grant is looked at once more when that is due, and comes back where its token works", async (t) => {
    const { fixture, vault, grant } = await granted(t);
    fixture.standin.fault("POST", "/token", { status: 400, body: { error: "invalid_grant" }, times: 2 });
    assert.equal((await vault.probe(grant)).result, "invalid");
    fixture.clock.advance(7 * 3_600_000);
    assert.equal((await vault.probe(grant)).result, "valid");
    assert.equal((await vault.grant(grant)).state, "active");
  });
});

describe("a probe while the store is away", () => {
  /** A SQLite store whose methods fail as a store does that is away. */
  function failing(path: string, isAway: (method: string) => boolean): Store {
    return new Proxy(sqlite(path), {
      get(store, name: keyof Store) {
        const method: unknown = store[name];
        if (typeof method !== "function") return method;
        return async (...given: unknown[]) => {
          if (isAway(name))
            throw new OnbehalfError("store_unavailable", "the store is away", {
              hint: "wait",
              details: { retryAfterMs: 1_000 },
            });
          return (method as (...all: unknown[]) => unknown).apply(store, given);
        };
      },
    });
  }

  test("where memory knows the grant it is unknown, never invalid; where it does not, nobody can say which grant is meant", async (t) => {
    const fixture = await testVault(t);
    let away: (method: string) => boolean = () => false;
    const vault = await fixture.open({ store: failing(fixture.path, (method) => away(method)) });
    await vault.exchangeCode({ code: fixture.code("ada@example.com"), source: "android", externalId: "ada" });
    await vault.getAccessToken({ externalId: "ada" });
    for (const method of ["grantsByExternalId", "beginProbe", "beginAttempt"]) {
      away = (name) => name === method;
      const found: Probe = await vault.probe({ externalId: "ada" });
      assert.deepEqual([found.result, found.reason, found.offline], ["unknown", "store_unavailable", true], method);
      fixture.clock.advance(10_000);
    }
    away = (name) => name.startsWith("grant");
    await assert.rejects(vault.probe({ externalId: "carl" }), (error) => isOnbehalfError(error, "store_unavailable"));
    away = (name) => name === "endProbe";
    assert.equal((await vault.probe({ externalId: "ada" })).result, "valid", "what was found is true all the same");
  });
});
