import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError, movableClock } from "../../src/index.ts";
import { testVault, outcomes, until } from "../support/test-vault.ts";
import type { TestVault } from "../support/test-vault.ts";
import { rotations } from "../support/rotations.ts";
import { untilRefreshed, expiredGrants } from "../support/expired-grants.ts";
import { startVaultProcess } from "../support/vault-processes.ts";

/** A row that this query finds is in the file. */
async function stands({ path }: TestVault, query: string): Promise<void> {
  const file = new DatabaseSync(path, { readOnly: true });
  await until(() => file.prepare(query).get() !== undefined);
  file.close();
}

/** A server that accepts every connection and answers nothing. */
async function deadEnd(t: TestContext): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

for (const { name } of rotations) {
  describe(`several processes on one file, rotation ${name}`, () => {
    test(`several processes on one file, rotation ${name}: refresh an expired grant once, and serve everybody the same token`, async (t) => {
      const fixture = await expiredGrants(t, name);
      const { grantId } = fixture;
      const processes = await Promise.all(Array.from({ length: 3 }, () => startVaultProcess(t, fixture)));
      fixture.standin.fault("POST", "/token", { times: 1, delayMs: 200 });
      const tokens = (await Promise.all(processes.map((each) => each.tokens(grantId, 50)))).flat();
      assert.equal(tokens.length, 150);
      assert.equal(new Set(tokens).size, 1);
      assert.match(tokens[0] ?? "", /^ya29\./);
      assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
    });
  });
}

test("several processes that get the same code exchange it once", async (t) => {
  const fixture = await testVault(t, { clock: movableClock() });
  const processes = await Promise.all(Array.from({ length: 3 }, () => startVaultProcess(t, fixture)));
  const code = fixture.code("ada@example.com");
  const ends = (await Promise.all(processes.map((each) => each.exchange(code, 20)))).flat();
  assert.equal(new Set(ends).size, 1);
  assert.match(ends[0] ?? "", /^g_/);
  assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
});

describe("a process that is killed between the provider's answer and the commit", () => {
  for (const name of ["none", "grace"] as const) {
    test(`rotation ${name}: a process is killed between answer and commit: the next one to open the file finishes the refresh, unasked`, async (t) => {
      const fixture = await expiredGrants(t, name);
      const { grantId } = fixture;
      const doomed = await startVaultProcess(t, fixture);
      fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 60_000 });
      void doomed.tokens(grantId);
      await untilRefreshed(fixture);
      await doomed.kill();
      fixture.newRequests();

      const vault = await fixture.open();
      await until(() => fixture.events.some(({ type }) => type === "refreshed"));
      const grant = await vault.grant(grantId);
      assert.deepEqual([grant.state, grant.generation], ["active", 2]);
      assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
      const again = name === "none" ? "refreshed" : "refreshed_in_grace";
      assert.deepEqual(outcomes(fixture.newRequests()), { [again]: 1 });
    });
  }

  test("rotation strict: a process is killed between answer and commit: the grant lapses, with a reason and an event", async (t) => {
    const fixture = await expiredGrants(t, "strict");
    const { grantId } = fixture;
    const doomed = await startVaultProcess(t, fixture);
    fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 60_000 });
    void doomed.tokens(grantId);
    await untilRefreshed(fixture);
    await doomed.kill();

    const vault = await fixture.open();
    await until(() => fixture.events.some(({ type }) => type === "lapsed"));
    await assert.rejects(vault.getAccessToken(grantId), (error) => {
      assert.ok(isOnbehalfError(error, "reauthorization_required"));
      assert.equal(error.details.reason, "crash_ambiguous_rotation");
      assert.match(error.message, /crash/);
      return true;
    });
    assert.ok(fixture.events.some((event) => event.type === "lapsed" && event.reason === "crash_ambiguous_rotation"));
  });

  test("a process is killed before the provider saw its request: nothing is lost, whatever the rotation", async (t) => {
    for (const { name } of rotations) {
      const fixture = await expiredGrants(t, name);
      const { grantId } = fixture;
      // Not an injected fault of the stand-in: the killed process's request would reach the stand-in after the fault.
      const standin = { ...fixture.standin, url: await deadEnd(t) };
      const doomed = await startVaultProcess(t, { ...fixture, standin });
      void doomed.tokens(grantId);
      await stands(fixture, "SELECT 1 FROM attempts");
      await doomed.kill();
      const vault = await fixture.open();
      assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./, name);
    }
  });
});

test("a process that is killed before it could verify who signed in: the next one finishes it from the journal", async (t) => {
  const fixture = await testVault(t, { clock: movableClock() });
  const doomed = await startVaultProcess(t, fixture);
  fixture.standin.fault("GET", "/oauth2/v3/certs", { times: "always", delayMs: 60_000 });
  void doomed.exchange(fixture.code("ada@example.com"));
  await stands(fixture, "SELECT 1 FROM intakes WHERE state = 'answered'");
  await doomed.kill();
  fixture.standin.clearFaults();

  const vault = await fixture.open();
  await until(() => fixture.events.some(({ type }) => type === "grant_stored"));
  const [grant] = (await vault.grants()).grants;
  assert.equal(grant?.profile.email, "ada@example.com");
  assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
});

test("a grant that one process revokes is soon handed out by no other", async (t) => {
  const fixture = await expiredGrants(t, "none");
  const { grantId } = fixture;
  const other = await startVaultProcess(t, fixture);
  assert.match((await other.tokens(grantId))[0] ?? "", /^ya29\./);
  const vault = await fixture.open();
  await vault.revoke(grantId);
  await until(async () => (await other.tokens(grantId))[0] === "reauthorization_required");
});
