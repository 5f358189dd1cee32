import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Grant, Vault } from "../../../src/index.ts";
import { isOnbehalfError } from "../../../src/index.ts";
import { eventually } from "../../support/eventually.ts";
import { testVault } from "../../support/test-vault.ts";
import type { TestVault } from "../../support/test-vault.ts";

/** A grant without a refresh token. */
async function loneGrant(t: TestContext): Promise<{ fixture: TestVault; vault: Vault; grant: Grant }> {
  const fixture = await testVault(t);
  const vault = await fixture.open();
  return { fixture, vault, grant: await signIn(fixture, vault) };
}

function signIn({ standin }: TestVault, vault: Vault): Promise<Grant> {
  const code = standin.code({ email: "ada@example.com", accessType: "online" });
  return vault.exchangeCode({ code, source: "android" });
}

/** The events of one type, once there are so many. */
async function told(vault: Vault, type: string, times: number): Promise<Record<string, unknown>[]> {
  return eventually(
    async () => {
      const { events } = await vault.events();
      return events.filter((each) => each.type === type) as unknown as Record<string, unknown>[];
    },
    (events) => events.length >= times,
    50,
  );
}

test("the keeper writes that a grant without a refresh token has lapsed, though nobody asks for its token, and says it once", async (t) => {
  const { fixture, vault, grant } = await loneGrant(t);
  await fixture.open();
  const end = grant.accessExpiresAt;
  assert.ok(end !== undefined);
  fixture.clock.advance(3_700_000);
  const foretold = await vault.grant(grant);
  assert.deepEqual([foretold.state, foretold.since], ["lapsed", end]);
  const [event] = await told(vault, "grant.lapsed", 1);
  assert.deepEqual([event?.["reason"], event?.["was"], event?.["error"]], ["no_refresh_token", "active", undefined]);
  const written = await vault.grant(grant);
  assert.deepEqual({ ...written, updatedAt: 0 }, { ...foretold, updatedAt: 0 });
  const logged = fixture.events.filter(({ type }) => type === "lapsed");
  assert.deepEqual(
    logged.map((each) => each.type === "lapsed" && each.reason),
    ["no_refresh_token"],
  );
  await assert.rejects(vault.getAccessToken(grant), (error) => {
    assert.ok(isOnbehalfError(error, "reauthorization_required"));
    assert.deepEqual([error.details.reason, error.details.since], ["no_refresh_token", end]);
    assert.match(error.hint, /access_type=offline/);
    return true;
  });
  fixture.newRequests();
  const { result, reason, notAsked, checkedAt } = await vault.probe(grant);
  assert.deepEqual([result, reason], ["invalid", "no_refresh_token"]);
  assert.match(notAsked ?? "", /there is no refresh token/);
  assert.deepEqual(checkedAt, end);
  assert.equal(fixture.newRequests().length, 0);
  assert.equal((await told(vault, "grant.lapsed", 1)).length, 1);
});

test("a sign-in without a refresh token brings a lapsed grant back for as long as its access token lives", async (t) => {
  const { fixture, vault, grant } = await loneGrant(t);
  fixture.clock.advance(3_700_000);
  await told(vault, "grant.lapsed", 1);
  const again = await signIn(fixture, vault);
  assert.deepEqual([again.grantId, again.state], [grant.grantId, "active"]);
  assert.equal((await told(vault, "grant.recovered", 1)).length, 1);
  assert.match((await vault.getAccessToken(grant)).token, /^ya29\./);
  fixture.clock.advance(3_700_000);
  const [, second] = await told(vault, "grant.lapsed", 2);
  assert.equal(second?.["reason"], "no_refresh_token");
  const lasting = fixture.standin.code({ email: "ada@example.com", prompt: "consent" });
  await vault.exchangeCode({ code: lasting, source: "android" });
  assert.equal((await told(vault, "grant.recovered", 2)).length, 2);
  fixture.clock.advance(3_700_000);
  assert.match((await vault.getAccessToken(grant)).token, /^ya29\./);
});
