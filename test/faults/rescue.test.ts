import assert from "node:assert/strict";
import { test } from "node:test";
import { hold, rescued } from "../support/held-file.ts";
import { outcomes, until } from "../support/test-vault.ts";
import { untilRefreshed, expiredGrants } from "../support/expired-grants.ts";
import { startVaultProcess } from "../support/vault-processes.ts";

const people = Array.from({ length: 12 }, (_, n) => `person-${n}@example.com`);

test("answers that a locked file could not take survive a crash, however many they are", async (t) => {
  const fixture = await expiredGrants(t, "strict", { people });
  const { standin, grantIds: ids } = fixture;
  const doomed = await startVaultProcess(t, fixture);
  standin.fault("POST", "/token", { times: ids.length, after: "answer", delayMs: 2_000 });
  const served = Promise.all(ids.map((grantId) => doomed.tokens(grantId)));
  await untilRefreshed(fixture, ids.length);
  const release = hold(fixture);
  const tokens = (await served).flat();
  // Long before SQLite has given up waiting for the lock even once.
  await until(() => rescued(fixture).length === ids.length);
  await doomed.kill();
  release();

  const next = await fixture.open();
  // Callers come before the vault has read the journal, and find attempts of the dead process.
  const found = await Promise.all(ids.map(async (grantId) => (await next.getAccessToken(grantId)).token));
  assert.deepEqual(found, tokens);
  assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: ids.length }, "no used token was presented again");
  await until(() => rescued(fixture).length === 0);
  fixture.clock.advance(3_700_000);
  await Promise.all(ids.map((grantId) => next.getAccessToken(grantId)));
  assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: ids.length }, "all of them live on");
});
