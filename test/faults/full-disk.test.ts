import assert from "node:assert/strict";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { test } from "node:test";
import { isOnbehalfError } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { testVault, outcomes, until } from "../support/test-vault.ts";
import { smallDisk } from "../support/small-disk.ts";
import { accepts } from "../support/accepts.ts";

/** Takes the last byte of a disk. */
function fill(path: string): void {
  const file = openSync(path, "w");
  for (let size = 1_048_576; size >= 1;) {
    try {
      writeSync(file, new Uint8Array(size));
    } catch {
      size = Math.floor(size / 2);
    }
  }
  closeSync(file);
}

test("a disk that fills up while the answer is on its way: served from memory, stored when there is space", async (t) => {
  const disk = await smallDisk(t, 3_000);
  if (disk === undefined) return;
  const fixture = await testVault(t, {
    rotation: "strict",
    revokeFamilyOnReuse: true,
    provider: { rotation: "strict" },
  });
  const { standin, clock, events } = fixture;
  const vault = await fixture.open({ store: sqlite(`${disk.folder}/grants.db`), random: () => 0 });
  const { grantId } = await vault.exchangeCode({ code: fixture.code("ada@example.com") });
  const other = await vault.exchangeCode({ code: fixture.code("carl@example.com") });
  clock.advance(3_700_000);
  fixture.newRequests();
  standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 300 });
  const waiting = vault.getAccessToken(grantId);
  await until(() => standin.log().counts["refreshed"] === 1);
  const ballast = `${disk.folder}/ballast`;
  fill(ballast);

  const { token } = await waiting;
  assert.ok(await accepts(standin, token));
  assert.equal((await vault.getAccessToken(grantId)).token, token, "and again");
  assert.ok(
    events.some((event) => event.type === "answer_kept" && event.as === "memory"),
    "it could not be stored",
  );
  await assert.rejects(vault.getAccessToken(other.grantId), (error) => {
    assert.ok(isOnbehalfError(error, "store_unavailable"));
    assert.match(error.message, /full disk/);
    return true;
  });
  assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 }, "no token is spent that could not be stored");

  rmSync(ballast);
  await until(() => events.some((event) => event.type === "refreshed" && event.grantId === grantId));
  assert.match((await vault.getAccessToken(other.grantId)).token, /^ya29\./);
  await vault.close();
  const next = await fixture.open({ store: sqlite(`${disk.folder}/grants.db`) });
  assert.equal((await next.getAccessToken(grantId)).token, token);
  clock.advance(3_700_000);
  assert.ok(await accepts(standin, (await next.getAccessToken(grantId)).token), "its refresh token was kept");
  assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 2 });
});
