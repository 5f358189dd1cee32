import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestContext } from "node:test";
import { OnbehalfError, isOnbehalfError, movableClock } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { hold, rescued } from "../support/held-file.ts";
import { outcomes, testVault, until } from "../support/test-vault.ts";
import type { TestVault } from "../support/test-vault.ts";
import { startVaultProcess } from "../support/vault-processes.ts";

/** A process that was killed after it had the answer to a code, while another program held the store's file. */
async function killedWithAnswer(t: TestContext): Promise<{ readonly fixture: TestVault; readonly code: string }> {
  const fixture = await testVault(t, { rotation: "strict", clock: movableClock(), provider: { rotation: "strict" } });
  const code = fixture.code("ada@example.com");
  const doomed = await startVaultProcess(t, fixture);
  fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 1_500 });
  void doomed.exchange(code);
  await until(() => fixture.standin.log().counts["exchanged"] === 1);
  const release = hold(fixture);
  await until(() => rescued(fixture).length === 1);
  await doomed.kill();
  release();
  return { fixture, code };
}

test("the answer to a code that a locked file could not take survives a crash: the same code gives the grant, and is not sent again", async (t) => {
  const { fixture, code } = await killedWithAnswer(t);
  for (const path of rescued(fixture))
    assert.doesNotMatch(readFileSync(path, "utf8"), /ya29\.|1\/\/0[\w-]{40}|ada@/, "sealed");
  const next = await fixture.open();
  const grant = await next.exchangeCode({ code });
  assert.deepEqual([grant.profile.email, grant.offline], ["ada@example.com", true]);
  assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
  await until(() => rescued(fixture).length === 0);
  fixture.clock.advance(3_700_000);
  await next.getAccessToken(grant.grantId);
  assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
});

test("the answer to a code that a locked file could not take is finished by itself when a vault is opened over the file", async (t) => {
  const { fixture } = await killedWithAnswer(t);
  const next = await fixture.open();
  await until(() => fixture.events.some(({ type }) => type === "sign_in_finished"));
  const { grants } = await next.grants();
  assert.deepEqual(
    grants.map(({ profile, generation }) => [profile.email, generation]),
    [["ada@example.com", 1]],
  );
  await until(() => rescued(fixture).length === 0);
  assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
});

test("the answer to a code waits in the rescue journal while the store fails, and leaves it once the store has taken it", async (t) => {
  const fixture = await testVault(t);
  const file = sqlite(fixture.path);
  const seen: number[] = [];
  const vault = await fixture.open({
    store: {
      ...file,
      async journalAnswer(...args) {
        seen.push(rescued(fixture).length);
        if (seen.length > 3) return file.journalAnswer(...args);
        throw new OnbehalfError("store_unavailable", "full", { hint: "wait", details: { retryAfterMs: 1 } });
      },
    },
  });
  const { grantId } = await vault.exchangeCode({ code: fixture.code("ada@example.com") });
  assert.deepEqual(seen, [0, 1, 1, 1]);
  assert.deepEqual(rescued(fixture), []);
  assert.equal((await vault.grant(grantId)).generation, 1);
});

test("an answer to a code is neither checked nor made a grant before it is in the journal", async (t) => {
  const fixture = await testVault(t);
  const file = sqlite(fixture.path);
  const looked = (): boolean => fixture.standin.log().entries.some(({ path }) => path === "/oauth2/v3/certs");
  const early: boolean[] = [];
  const vault = await fixture.open({
    store: {
      ...file,
      async journalAnswer(...args) {
        // As a store that is slow: whoever does not wait for it is seen.
        await sleep(300);
        early.push(looked());
        return file.journalAnswer(...args);
      },
    },
  });
  await vault.exchangeCode({ code: fixture.code("ada@example.com") });
  assert.deepEqual([early, looked()], [[false], true]);
});

test("whoever sent a code does not wait for a store that takes nothing: the answer is kept, and becomes the grant later", async (t) => {
  const fixture = await testVault(t);
  const file = sqlite(fixture.path);
  let isAway = true;
  const vault = await fixture.open({
    store: {
      ...file,
      async journalAnswer(...args) {
        if (!isAway) return file.journalAnswer(...args);
        throw new OnbehalfError("store_unavailable", "full", { hint: "wait", details: { retryAfterMs: 1 } });
      },
    },
  });
  const request = { code: fixture.code("ada@example.com") };
  await assert.rejects(vault.exchangeCode(request), (error) => isOnbehalfError(error, "store_unavailable"));
  assert.equal(rescued(fixture).length, 1);
  isAway = false;
  assert.equal((await vault.exchangeCode(request)).profile.email, "ada@example.com");
  assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
});
