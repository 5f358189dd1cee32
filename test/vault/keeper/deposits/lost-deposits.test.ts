/** Deposits whose answer, process, store or keys are lost on the way: nothing is stored that did not work, nothing sent twice. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { OnbehalfError, isOnbehalfError } from "../../../../src/index.ts";
import type { Vault } from "../../../../src/index.ts";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import type { Store } from "../../../../src/store/store.ts";
import { bentProvider } from "../../../support/bent-provider.ts";
import { eventually } from "../../../support/eventually.ts";
import { fails } from "../../../support/fails.ts";
import { issuedToken } from "../../../support/issued-tokens.ts";
import { rotations } from "../../../support/rotations.ts";
import { outcomes, testVault } from "../../../support/test-vault.ts";
import type { TestVault } from "../../../support/test-vault.ts";

interface Scene extends TestVault {
  readonly vault: Vault;
  readonly refreshToken: string;
}

async function scene(t: TestContext, kind: "none" | "grace" | "strict", store?: Store): Promise<Scene> {
  const { rotation, standin } = rotations.find(({ name }) => name === kind) ?? assert.fail(kind);
  const fixture = await testVault(t, { ...standin, provider: { rotation } });
  const vault = await fixture.open(store === undefined ? {} : { store });
  const refreshToken = await issuedToken(fixture.standin, "ada@example.com");
  fixture.newRequests();
  return Object.assign(fixture, { vault, refreshToken });
}

const deposit = (vault: Vault, refreshToken: string, more: { readonly sendAgain?: boolean } = {}) =>
  vault.deposit({ refreshToken, externalId: "user-1", ...more });

/** The state of the only intake. */
function intakes(path: string): string[] {
  const database = new DatabaseSync(path);
  const rows = database.prepare("SELECT state FROM intakes").all();
  database.close();
  return rows.map(({ state }) => String(state));
}

describe("a deposit whose answer is lost", () => {
  test("at a provider that replaces tokens, it is not sent again, and says so, until somebody wants it", async (t) => {
    const { vault, refreshToken, standin, newRequests, open, path } = await scene(t, "strict");
    standin.fault("POST", "/token", { drop: true, after: "request" });
    const lost = fails("deposit_outcome_unknown", "", [refreshToken]);
    await assert.rejects(deposit(vault, refreshToken), lost);
    newRequests();
    await assert.rejects(deposit(vault, refreshToken), lost);
    const later = await open();
    await assert.rejects(deposit(later, refreshToken), lost);
    assert.deepEqual(outcomes(newRequests()), {});
    assert.deepEqual(intakes(path), []);
    const grant = await deposit(later, refreshToken, { sendAgain: true });
    assert.equal(grant.state, "active");
    assert.equal((await deposit(vault, refreshToken)).grantId, grant.grantId);
    assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
  });

  test("where the provider has replaced it, sending it again is refused, and stores nothing", async (t) => {
    const { vault, refreshToken, standin } = await scene(t, "strict");
    standin.fault("POST", "/token", { drop: true, after: "answer" });
    await assert.rejects(deposit(vault, refreshToken), fails("deposit_outcome_unknown"));
    await assert.rejects(deposit(vault, refreshToken, { sendAgain: true }), fails("deposit_refused"));
    assert.deepEqual((await vault.grants()).grants, []);
  });

  test("within a grace period it is sent again, and after it is not", async (t) => {
    const { vault, refreshToken, standin, clock } = await scene(t, "grace");
    standin.fault("POST", "/token", { drop: true, after: "answer", times: 2 });
    await assert.rejects(deposit(vault, refreshToken), fails("provider_unavailable"));
    clock.advance(10_000);
    await assert.rejects(deposit(vault, refreshToken), fails("provider_unavailable"));
    clock.advance(10_000);
    assert.equal((await deposit(vault, refreshToken)).state, "active");
    const other = await issuedToken(standin, "carl@example.com");
    standin.fault("POST", "/token", { drop: true, after: "answer" });
    await assert.rejects(deposit(vault, other), fails("provider_unavailable"));
    clock.advance(26_000);
    await assert.rejects(deposit(vault, other), fails("deposit_outcome_unknown"));
  });

  test("at a provider that replaces no tokens, it is sent again", async (t) => {
    const { vault, refreshToken, standin, newRequests } = await scene(t, "none");
    standin.fault("POST", "/token", { drop: true, after: "answer" });
    await assert.rejects(deposit(vault, refreshToken), fails("provider_unavailable"));
    assert.equal((await deposit(vault, refreshToken)).state, "active");
    assert.equal(outcomes(newRequests())["refreshed"], 2);
  });

  for (const status of [429, 503]) {
    test(`${status} says that nothing was done: it is sent again at a strict provider, too`, async (t) => {
      const { vault, refreshToken, standin, clock } = await scene(t, "strict");
      standin.fault("POST", "/token", { status, retryAfter: 2 });
      await assert.rejects(deposit(vault, refreshToken), fails("provider_unavailable"));
      clock.advance(60_000);
      assert.equal((await deposit(vault, refreshToken)).state, "active");
    });
  }

  test("a client that the provider refuses is no fault of the token", async (t) => {
    const { vault, refreshToken, standin, clock } = await scene(t, "strict");
    standin.fault("POST", "/token", { status: 401, body: { error: "invalid_client" } });
    await assert.rejects(deposit(vault, refreshToken), fails("client_misconfigured"));
    clock.advance(3_600_000);
    assert.equal((await deposit(vault, refreshToken)).state, "active");
  });
});

describe("a deposit whose store fails", () => {
  for (const step of ["beginIntake", "journalAnswer", "saveFromIntake"] as const) {
    for (const when of ["before", "after"] as const) {
      test(`${when} ${step}: the next try ends in one grant, and the token was sent once at most`, async (t) => {
        const holder: { path?: string } = {};
        let isArmed = true;
        const inner = (): Store => sqlite(holder.path ?? "");
        const fixture = await testVault(t, {
          rotation: "strict",
          revokeFamilyOnReuse: true,
          provider: { rotation: "strict" },
        });
        holder.path = fixture.path;
        const real = inner();
        const store: Store = {
          ...real,
          [step]: async (...args: readonly unknown[]) => {
            const call = real[step].bind(real) as (...all: readonly unknown[]) => Promise<unknown>;
            const strike = isArmed;
            isArmed = false;
            if (strike && when === "before") throw away();
            const result = await call(...args);
            if (strike) throw away();
            return result;
          },
        };
        const vault = await fixture.open({ store });
        const refreshToken = await issuedToken(fixture.standin, "ada@example.com");
        fixture.newRequests();
        const tries = async (): Promise<string> => {
          try {
            return (await deposit(vault, refreshToken)).grantId;
          } catch (error) {
            assert.ok(isOnbehalfError(error), String(error));
            // The attempt was written, and the process that wrote it has not sent the token: nobody can know.
            if (error.code === "deposit_outcome_unknown")
              return (await deposit(vault, refreshToken, { sendAgain: true })).grantId;
            assert.equal(error.code, "store_unavailable");
            return "";
          }
        };
        const grantId = await eventually(tries, (found) => found !== "");
        assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
        assert.equal((await vault.grant({ externalId: "user-1" })).grantId, grantId);
        assert.equal((await vault.grants()).grants.length, 1);
      });
    }
  }
});

describe("whose a deposited token is", () => {
  test("while the provider's keys are away, the answer waits in the journal, and the grant is made of it later", async (t) => {
    const { vault, refreshToken, standin, newRequests, clock } = await scene(t, "strict");
    standin.fault("GET", "/oauth2/v3/certs", { status: 503, times: "always" });
    await assert.rejects(deposit(vault, refreshToken), fails("provider_unavailable"));
    standin.clearFaults();
    clock.advance(3_600_000);
    assert.equal((await deposit(vault, refreshToken)).externalId, "user-1");
    assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
  });

  test("an ID token that does not verify leaves the answer where it is, revokes nothing, and stores no grant", async (t) => {
    let audience: string | undefined = "another";
    const bent = await bentProvider(
      t,
      { claims: () => (audience === undefined ? {} : { aud: audience }) },
      { strict: true, idTokenAtRefresh: true },
    );
    audience = undefined;
    await bent.connect("ada/1", { externalId: "user-0" });
    const token = `rt-1`;
    const other = await bent.open();
    audience = "another";
    await assert.rejects(other.deposit({ refreshToken: token, externalId: "user-1" }), fails("id_token_invalid"));
    assert.equal(bent.count("/revoke"), 0);
    const sent = bent.count("/token");
    await assert.rejects(other.deposit({ refreshToken: token, externalId: "user-1" }), fails("id_token_invalid"));
    assert.equal(bent.count("/token"), sent);
    assert.deepEqual((await other.grants()).grants, []);
  });

  test("where no answer says it, the app's own user id names the grant, and claims nothing of a person", async (t) => {
    const bent = await bentProvider(t, {}, { strict: true });
    await bent.connect("ada/1");
    const other = await bent.open();
    const grant = await other.deposit({ refreshToken: "rt-1", externalId: "user-1" });
    assert.equal(grant.subject, "§bent:user-1");
    assert.deepEqual(grant.profile, { sub: "§bent:user-1" });
    bent.clock.advance(3_700_000);
    assert.notEqual((await other.getAccessToken({ externalId: "user-1" })).token, "");
  });

  test("a remembered token whose row was given somebody else's grant is not sent, and gets nobody's grant", async (t) => {
    const { vault, refreshToken, standin, newRequests, path } = await scene(t, "strict");
    await deposit(vault, refreshToken);
    const carl = await vault.deposit({
      refreshToken: await issuedToken(standin, "carl@example.com"),
      externalId: "carl",
    });
    newRequests();
    const database = new DatabaseSync(path);
    database.exec("DELETE FROM intakes");
    database.prepare("UPDATE deposits SET grant_id = ?").run(carl.grantId);
    database.close();
    await assert.rejects(deposit(vault, refreshToken), fails("deposit_outcome_unknown"));
    assert.deepEqual(outcomes(newRequests()), {});
    assert.deepEqual(
      (await vault.grant(carl.grantId)).externalIds.map(({ externalId }) => externalId),
      ["carl"],
    );
  });
});

function away(): OnbehalfError {
  return new OnbehalfError("store_unavailable", "the database does not answer", {
    hint: "try again",
    details: { retryAfterMs: 1 },
  });
}
