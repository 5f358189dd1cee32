import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DatabaseSync } from "node:sqlite";
import type { TestContext } from "node:test";
import type { DepositOptions, Grant, Vault } from "../../../../src/index.ts";
import { fails } from "../../../support/fails.ts";
import { issuedToken, refreshedElsewhere } from "../../../support/issued-tokens.ts";
import { rotations } from "../../../support/rotations.ts";
import { appData, outcomes, sharedStandin, testVault } from "../../../support/test-vault.ts";
import type { SharedStandin, TestVault } from "../../../support/test-vault.ts";

interface Scene extends TestVault {
  readonly vault: Vault;
  /** A refresh token of a new person that another program got. */
  token(scope?: string): Promise<string>;
  deposit(refreshToken: string, externalId: string, more?: Partial<DepositOptions>): Promise<Grant>;
}

let people = 0;

const noToken = "1//0-no-token-at-all";

for (const { name, rotation, standin } of rotations) {
  describe(`deposits at a provider whose rotation is ${name}`, () => {
    let shared: SharedStandin;
    before(async () => {
      shared = await sharedStandin(standin);
    });
    after(() => shared.standin.close());

    async function scene(t: TestContext): Promise<Scene> {
      const fixture = await testVault(t, { shared, provider: { rotation } });
      const vault = await fixture.open();
      return Object.assign(fixture, {
        vault,
        token: (scope?: string) => issuedToken(fixture.standin, `person-${people++}@example.com`, scope),
        deposit: (refreshToken: string, externalId: string, more: Partial<DepositOptions> = {}) =>
          vault.deposit({ provider: "google", refreshToken, externalId, ...more }),
      });
    }

    test("a token is proved by one refresh, and its grant works from then on", async (t) => {
      const { vault, token, deposit, newRequests, clock } = await scene(t);
      const refreshToken = await token();
      newRequests();
      const grant = await deposit(refreshToken, "user-1");
      assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
      assert.equal(grant.state, "active");
      assert.equal(grant.offline, true);
      assert.equal(grant.externalId, "user-1");
      assert.match(grant.profile.email ?? "", /^person-\d+@example\.com$/);
      assert.ok(grant.scopes.includes(appData));
      const first = await vault.getAccessToken({ externalId: "user-1" });
      assert.deepEqual(outcomes(newRequests()), {});
      clock.advance(3_600_000);
      const second = await vault.getAccessToken({ externalId: "user-1" });
      assert.notEqual(second.token, first.token);
      assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
    });

    test("the same token again is the same grant, and is not sent, also when its intake is long forgotten", async (t) => {
      const { vault, token, deposit, newRequests, clock, open, path } = await scene(t);
      const refreshToken = await token();
      const { grantId } = await deposit(refreshToken, "user-1");
      clock.advance(3_600_000);
      await vault.getAccessToken(grantId);
      await vault.close();
      await forgetIntakes(path);
      newRequests();
      const later = await open();
      const again = await later.deposit({ provider: "google", refreshToken, externalId: "user-1" });
      assert.equal(again.grantId, grantId);
      assert.deepEqual(outcomes(newRequests()), {});
      clock.advance(3_600_000);
      await later.getAccessToken(grantId, { minTtlSeconds: 300 });
      assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
    });

    test("twenty at once with one token send it once, and all get the same grant", async (t) => {
      const { token, deposit, newRequests, open } = await scene(t);
      const refreshToken = await token();
      const other = await open();
      newRequests();
      const grants = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          n % 2 === 0
            ? deposit(refreshToken, "user-1")
            : other.deposit({ provider: "google", refreshToken, externalId: "user-1" }),
        ),
      );
      assert.equal(new Set(grants.map(({ grantId }) => grantId)).size, 1);
      assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
    });

    test("one token under two external ids is one grant that is known by both", async (t) => {
      const { vault, token, deposit, newRequests } = await scene(t);
      const refreshToken = await token();
      newRequests();
      const [one, two] = await Promise.all([deposit(refreshToken, "user-1"), deposit(refreshToken, "user-2")]);
      assert.equal(one.grantId, two.grantId);
      assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
      const { externalIds } = await vault.grant(one.grantId);
      assert.deepEqual(externalIds.map(({ externalId }) => externalId).sort(), ["user-1", "user-2"]);
      assert.equal((await vault.grant({ externalId: "user-2" })).grantId, one.grantId);
    });

    test("the token that a grant holds is not sent, and the grant gets the external id of the deposit", async (t) => {
      const { open, code, newRequests, path } = await scene(t);
      const seen: string[] = [];
      const vault = await open({
        fetch: async (input, init) => {
          const answer = await fetch(input, init);
          const [, token] = /"refresh_token":\s*"([^"]+)"/.exec(await answer.clone().text()) ?? [];
          if (token !== undefined) seen.push(token);
          return answer;
        },
      });
      const held = await vault.exchangeCode({ code: code(`holder-${people++}@example.com`), externalId: "user-1" });
      newRequests();
      const [refreshToken = ""] = seen;
      for (const round of [1, 2]) {
        const grant = await vault.deposit({ refreshToken, externalId: `user-${round}` });
        assert.equal(grant.grantId, held.grantId);
        assert.equal(grant.externalId, `user-${round}`);
        await forgetIntakes(path);
      }
      await vault.revoke(held.grantId);
      assert.equal((await vault.deposit({ refreshToken, externalId: "user-1" })).state, "revoked");
      assert.deepEqual(outcomes(newRequests()), {});
    });

    test("a token that the provider refuses is refused, stores nothing, and is not sent again at once", async (t) => {
      const { vault, deposit, newRequests } = await scene(t);
      newRequests();
      await assert.rejects(deposit(noToken, "user-1"), fails("deposit_refused", "", [noToken]));
      await assert.rejects(deposit(noToken, "user-1"), fails("deposit_refused", "", [noToken]));
      assert.deepEqual(outcomes(newRequests()), { invalid_grant: 1 });
      assert.deepEqual((await vault.grants()).grants, []);
    });

    test("a token for less takes nothing from a grant that covers more", async (t) => {
      const { vault, deposit, code, standin: google } = await scene(t);
      const email = `more-${people++}@example.com`;
      const { grantId } = await vault.exchangeCode({ code: code(email), externalId: "user-1" });
      const less = await issuedToken(google, email, "openid email");
      const grant = await deposit(less, "user-1");
      assert.equal(grant.grantId, grantId);
      assert.ok(grant.scopes.includes(appData));
    });

    test("of a person who has removed the app, a grant that was revoked is not brought back by its old token", async (t) => {
      const { vault, token, deposit, newRequests } = await scene(t);
      const refreshToken = await token();
      const { grantId } = await deposit(refreshToken, "user-1");
      await vault.revoke(grantId);
      newRequests();
      const again = await deposit(refreshToken, "user-1");
      assert.equal(again.grantId, grantId);
      assert.equal(again.state, "revoked");
      assert.deepEqual(outcomes(newRequests()), {});
    });

    test("a token that was replaced before it was deposited is refused where the provider takes it no more", async (t) => {
      const { token, deposit, standin: google, clock } = await scene(t);
      const old = await token();
      await refreshedElsewhere(google, old);
      clock.advance(31_000);
      if (name === "none") assert.equal((await deposit(old, "user-1")).state, "active");
      else await assert.rejects(deposit(old, "user-1"), fails("deposit_refused"));
    });
  });
}

/** As a day later: what upkeep keeps for a day is gone. */
async function forgetIntakes(path: string): Promise<void> {
  const database = new DatabaseSync(path);
  database.exec("DELETE FROM intakes");
  database.close();
}
