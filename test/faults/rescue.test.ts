import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { movableClock } from "../../src/index.ts";
import { house, outcomes, until } from "../support/house.ts";
import { startVaultProcess } from "../support/vault-processes.ts";

const grants = 12;

test("answers that a locked file could not take survive a crash, however many they are", async (t) => {
  const home = await house(t, {
    clock: movableClock(),
    rotation: "strict",
    revokeFamilyOnReuse: true,
    provider: { rotation: "strict" },
    accessTokenTtlSeconds: 30,
  });
  const { standin, path } = home;
  const vault = await home.open();
  const ids = await Promise.all(
    Array.from({ length: grants }, async (_, n) => {
      const { grantId } = await vault.exchangeCode({ code: home.code(`person-${n}@example.com`) });
      return grantId;
    }),
  );
  await vault.close();
  standin.settings({ accessTokenTtlSeconds: 3_600 });
  home.news();

  const doomed = await startVaultProcess(t, home);
  standin.fault("POST", "/token", { times: grants, after: "answer", delayMs: 2_000 });
  const served = Promise.all(ids.map((grantId) => doomed.tokens(grantId)));
  await until(() => standin.log().counts["refreshed"] === grants);
  const other = new DatabaseSync(path, { timeout: 5_000 });
  other.exec("BEGIN IMMEDIATE");
  const tokens = (await served).flat();
  const folder = `${path}-rescue`;
  const kept = (): string[] =>
    existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".answer")) : [];
  // Long before SQLite has given up waiting for the lock even once.
  await until(() => kept().length === grants);
  await doomed.kill();
  other.exec("ROLLBACK");
  other.close();

  const next = await home.open();
  // Callers come before the journal was looked at, and find the dead one's attempts in their way.
  const found = await Promise.all(ids.map(async (grantId) => (await next.getAccessToken(grantId)).token));
  assert.deepEqual(found, tokens);
  assert.deepEqual(outcomes(home.news()), { refreshed: grants }, "no used token was presented again");
  await until(() => kept().length === 0);
  home.clock.advance(3_700_000);
  await Promise.all(ids.map((grantId) => next.getAccessToken(grantId)));
  assert.deepEqual(outcomes(home.news()), { refreshed: grants }, "all of them live on");
});
