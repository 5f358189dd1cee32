import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { OnbehalfError } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import type { Store } from "../../src/store/store.ts";
import { hold, rescued } from "../support/held-file.ts";
import { outcomes, until } from "../support/test-vault.ts";
import { untilRefreshed, expiredGrants } from "../support/expired-grants.ts";
import { faultyStore } from "./faulty-store.ts";
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

test("where the rescue journal cannot be written, the answer is stored all the same once the store is back", async (t) => {
  const fixture = await expiredGrants(t, "strict", { people: ["ada@example.com"] });
  const [grantId = ""] = fixture.grantIds;
  // A file stands where the folder should be made.
  writeFileSync(`${fixture.path}-file`, "");
  const { store, faults } = faultyStore(sqlite(fixture.path));
  const vault = await fixture.open({ store, rescueFolder: `${fixture.path}-file/rescue` });
  faults.arm(grantId, 3, "before");
  await vault.getAccessToken(grantId).catch(() => undefined);
  assert.ok(faults.disarm());
  await vault.getAccessToken(grantId);
  assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
});

test("a bug that a commit meets after its caller was let go is told to onFault", async (t) => {
  const fixture = await expiredGrants(t, "strict", { people: ["ada@example.com"] });
  const [grantId = ""] = fixture.grantIds;
  const file = sqlite(fixture.path);
  let tries = 0;
  const store: Store = {
    ...file,
    async commitAttempt(...args) {
      tries += 1;
      if (tries > 2) return file.commitAttempt(...args);
      if (tries === 2) throw new TypeError("a bug");
      await pause(1_300);
      throw new OnbehalfError("store_unavailable", "away", { hint: "wait", details: { retryAfterMs: 1 } });
    },
  };
  const faults: unknown[] = [];
  // A file stands where the folder should be made, so that nothing else stores the answer.
  writeFileSync(`${fixture.path}-file`, "");
  const vault = await fixture.open({
    store,
    rescueFolder: `${fixture.path}-file/rescue`,
    onFault: (error: unknown) => void faults.push(error),
  });
  await vault.getAccessToken(grantId);
  await until(() => faults.length > 0);
  assert.match(String(faults[0]), /a bug/);
  await until(async () => (await vault.grant(grantId)).generation === 2);
});
