import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { google } from "../../../src/index.ts";
import type { Grant, Vault } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import type { RiscSpec } from "../../../src/standin/index.ts";
import { sharedStandin, testVault } from "../../support/test-vault.ts";
import type { TestVault } from "../../support/test-vault.ts";

const shared = await sharedStandin();
after(() => shared.standin.close());
const { standin, clock } = shared;

/** Somebody new has connected an hour ago. */
async function connected(vault: Vault, fixture: TestVault, email = `${randomUUID()}@example.com`): Promise<Grant> {
  const grant = await vault.exchangeCode({ code: fixture.code(email), source: "android", externalId: email });
  clock.advance(600_000);
  return grant;
}

function emailOf({ profile }: Grant): string {
  return profile.email ?? "";
}

function about(grant: Grant, type: RiscSpec["type"], more: Partial<RiscSpec> = {}): string {
  return standin.risc({ type, email: emailOf(grant), ...more });
}

describe("security events of a provider", () => {
  test("a person who removes the app is known to have done so before any refresh is tried, with the event as the reason", async (t) => {
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open();
    const [ada, carl] = [await connected(vault, fixture), await connected(vault, fixture)];
    standin.revoke(emailOf(ada));
    fixture.newRequests();
    assert.deepEqual(await vault.signals.take(about(ada, "tokens-revoked")), { kind: "taken", isNew: true });
    const lapsed = await vault.grant(ada);
    assert.deepEqual(
      [lapsed.state, lapsed.reason, lapsed.lastError?.error],
      ["lapsed", "ended_by_provider", "tokens-revoked"],
    );
    assert.deepEqual(fixture.newRequests(), []);
    assert.equal((await vault.grant(carl)).state, "active");
    const last = (await vault.audit.list({ grantId: ada.grantId })).at(-1);
    assert.deepEqual(
      [last?.caller, last?.action, last?.outcome, last?.detail],
      ["@signals", "grant.lapsed", "ended_by_provider", "tokens-revoked"],
    );
    assert.deepEqual(
      fixture.events.filter(({ type }) => type === "lapsed" || type === "signal_taken"),
      [
        {
          type: "signal_taken",
          issuer: "https://accounts.google.com/",
          event: "tokens-revoked",
          grants: [{ grantId: ada.grantId, effect: "lapse" }],
        },
        {
          type: "lapsed",
          grantId: ada.grantId,
          provider: "google",
          reason: "ended_by_provider",
          dependsOn: "person",
          fix: "ask the person whether they want to go on, and if so to sign in again",
        },
      ],
    );
  });

  test("a token comes once, whichever vault takes it, in another process or after a restart", async (t) => {
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open();
    const other = await fixture.open();
    const grant = await connected(vault, fixture);
    const set = about(grant, "tokens-revoked");
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? vault : other).signals.take(set)),
    );
    assert.equal(results.filter((result) => result.kind === "taken" && result.isNew).length, 1);
    await vault.exchangeCode({ code: fixture.code(emailOf(grant)), source: "android", externalId: emailOf(grant) });
    await other.close();
    const again = await fixture.open();
    assert.deepEqual(await again.signals.take(set), { kind: "taken", isNew: false });
    assert.equal((await again.grant(grant)).state, "active", "the new consent is not ended by the old event");
  });

  for (const identifier of ["prefix", "hash_base64_sha512_sha512"] as const) {
    test(`a refresh token that is named by its ${identifier} ends the grant that holds it, and no other person's`, async (t) => {
      const fixture = await testVault(t, { shared });
      const vault = await fixture.open();
      const issued: string[] = [];
      const fetching: typeof fetch = async (input, init) => {
        const response = await fetch(input, init);
        const body = (await response
          .clone()
          .json()
          .catch(() => ({}))) as { refresh_token?: string };
        if (body.refresh_token !== undefined) issued.push(body.refresh_token);
        return response;
      };
      const watched = await fixture.open({ fetch: fetching });
      const [mine, others] = [await connected(watched, fixture), await connected(vault, fixture)];
      const refreshToken = issued[0] ?? assert.fail("no refresh token was seen");
      const set = standin.risc({ type: "token-revoked", refreshToken, identifier });
      assert.deepEqual(await vault.signals.take(set), { kind: "taken", isNew: true });
      assert.equal((await vault.grant(mine)).state, "lapsed");
      assert.equal((await vault.grant(others)).state, "active");
    });
  }

  test("a hijacked account's token is not served again before the provider has been asked, and lives on where it does", async (t) => {
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open();
    const grant = await connected(vault, fixture);
    await vault.getAccessToken(grant);
    await vault.signals.take(about(grant, "account-disabled", { reason: "hijacking" }));
    assert.equal((await vault.grant(grant)).state, "suspect");
    fixture.newRequests();
    await vault.getAccessToken(grant);
    assert.equal((await vault.grant(grant)).state, "active");
    assert.deepEqual(
      fixture.newRequests().map(({ outcome }) => outcome),
      ["refreshed"],
    );
  });

  test("an account that is enabled again brings back a grant that had lapsed, and none that was revoked", async (t) => {
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open();
    const [lapsed, revoked] = [await connected(vault, fixture), await connected(vault, fixture)];
    await vault.signals.take(about(lapsed, "tokens-revoked"));
    await vault.revoke(revoked);
    clock.advance(60_000);
    await vault.signals.take(about(lapsed, "account-enabled"));
    await vault.signals.take(about(revoked, "account-enabled"));
    // Its refresh token still works at the stand-in, which was never told to end it. A look is due, and a use takes it.
    await vault.getAccessToken(lapsed);
    assert.equal((await vault.grant(lapsed)).state, "active");
    assert.equal((await vault.grant(revoked)).state, "revoked");
  });

  test("an event for another client of the project is ours as well; one for another project's is refused", async (t) => {
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open();
    const grant = await connected(vault, fixture);
    const foreign = await vault.signals.take(
      about(grant, "tokens-revoked", { aud: "999-foreign.apps.googleusercontent.com" }),
    );
    assert.deepEqual([foreign.kind, "err" in foreign && foreign.err], ["refused", "invalid_audience"]);
    assert.equal((await vault.grant(grant)).state, "active");
    const phone = `${standin.clientId.split("-")[0]}-phone.apps.googleusercontent.com`;
    await vault.signals.take(about(grant, "tokens-revoked", { aud: [phone] }));
    assert.equal((await vault.grant(grant)).state, "lapsed");
  });

  test("a transmitter that calls us by a name of its own is understood where the provider's record has that name", async (t) => {
    for (const [audience, expected] of [
      [undefined, "refused"],
      ["https://vault.example", "taken"],
      [["another", "https://vault.example"], "taken"],
    ] as const) {
      const fixture = await testVault(t, {
        shared,
        provider: {
          signals: {
            issuer: "https://accounts.google.com/",
            jwksUri: `${standin.url}/oauth2/v3/certs`,
            isTypOptional: true,
            ...(audience === undefined ? {} : { audience }),
          },
        },
      });
      const vault = await fixture.open();
      const grant = await connected(vault, fixture);
      const { kind } = await vault.signals.take(about(grant, "tokens-revoked", { aud: "https://vault.example" }));
      const { state } = await vault.grant(grant);
      assert.deepEqual([kind, state], [expected, expected === "taken" ? "lapsed" : "active"], String(audience));
    }
  });

  test("an event for one of two providers of the same person leaves the grant of the other alone", async (t) => {
    const fixture = await testVault(t, { shared });
    const { clientId, clientSecret, url } = standin;
    const own = google({ clientId, clientSecret, baseUrl: url });
    const second = {
      ...own,
      name: "second",
      client: { clientId: "77-second.apps.googleusercontent.com", clientSecret: undefined as never },
    };
    const vault = await fixture.open({
      providers: [own, { ...second, client: { clientId: second.client.clientId }, clientAuthentication: "none" }],
    });
    const grant = await vault.exchangeCode({
      provider: "google",
      code: fixture.code("two@example.com"),
      source: "android",
    });
    clock.advance(60_000);
    await vault.signals.take(about(grant, "tokens-revoked", { aud: "77-second.apps.googleusercontent.com" }));
    assert.equal((await vault.grant(grant)).state, "active");
  });

  test("a person of another issuer is none that Google may speak of", async (t) => {
    const fixture = await testVault(t, {
      shared,
      provider: {
        signals: {
          issuer: "https://ssf.example",
          alsoIssuedAs: ["https://accounts.google.com/"],
          jwksUri: `${standin.url}/oauth2/v3/certs`,
          isTypOptional: true,
        },
        issuer: "https://id.example",
      },
    });
    const vault = await fixture.open();
    const result = await vault.signals.take(standin.risc({ type: "tokens-revoked", email: "ada@example.com" }));
    assert.deepEqual([result.kind, "err" in result && result.err], ["refused", "access_denied"]);
  });

  test("where the keys cannot be read nothing is known of an event, and the same is taken later", async (t) => {
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open();
    const grant = await connected(vault, fixture);
    const set = about(grant, "tokens-revoked");
    const fresh = await fixture.open();
    standin.fault("GET", "/oauth2/v3/certs", { times: 1, status: 503 });
    await assert.rejects(fresh.signals.take(set), { code: "provider_unavailable" });
    clock.advance(60_000);
    assert.deepEqual(await fresh.signals.take(set), { kind: "taken", isNew: true });
  });

  for (const [what, jwksUri, most] of [
    ["its keys", "/oauth2/v3/certs", 2],
    // It has two addresses.
    ["its configuration", undefined, 4],
  ] as const) {
    test(`while a transmitter does not give ${what}, a flood of events does not become one of questions to it`, async (t) => {
      let asked = 0;
      const fixture = await testVault(t, {
        shared,
        provider: {
          signals: {
            issuer: "https://ssf.example",
            alsoIssuedAs: ["https://accounts.google.com/"],
            isTypOptional: true,
            ...(jwksUri === undefined ? {} : { jwksUri: `${standin.url}${jwksUri}` }),
          },
        },
      });
      const fetching: typeof fetch = async (url, init) => {
        if (!/certs|configuration/.test(new Request(url).url)) return fetch(url, init);
        asked += 1;
        return new Response("<html>", { status: asked % 2 === 0 ? 200 : 503 });
      };
      const vault = await fixture.open({ fetch: fetching });
      const set = standin.risc({ type: "verification", state: "flood" });
      const flood = async (): Promise<void> => {
        for (let n = 0; n < 3; n += 1) {
          const taken = await Promise.allSettled(Array.from({ length: 20 }, () => vault.signals.take(set)));
          for (const each of taken)
            assert.equal(each.status === "rejected" && each.reason.code, "provider_unavailable");
        }
      };
      await flood();
      assert.ok(asked <= most, `asked ${asked} times`);
      clock.advance(1_001);
      await flood();
      assert.ok(asked <= 2 * most, `asked ${asked} times`);
    });
  }

  test("a store that fails leaves an event untaken, and it changes nothing twice when it comes again", async (t) => {
    const fixture = await testVault(t, { shared });
    const store = sqlite(fixture.path);
    const vault = await fixture.open({ store });
    const grant = await connected(vault, fixture);
    const set = about(grant, "tokens-revoked");
    const { takeSignal } = store;
    store.takeSignal = async (...args) => {
      await takeSignal(...args);
      store.takeSignal = takeSignal;
      throw Object.assign(new Error("the answer is lost"), { code: "lost" });
    };
    await assert.rejects(vault.signals.take(set), /the answer is lost/);
    assert.deepEqual(await vault.signals.take(set), { kind: "taken", isNew: false });
    assert.equal((await vault.grant(grant)).state, "lapsed");
  });

  test("a verification is found by the state that it was asked for with", async (t) => {
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open();
    const state = randomUUID();
    assert.equal(await vault.signals.verifiedAt(state), undefined);
    await vault.signals.take(standin.risc({ type: "verification", state }));
    assert.equal(await vault.signals.verifiedAt(state), clock.now());
    assert.equal(await vault.signals.lastAt(), clock.now());
  });
});
