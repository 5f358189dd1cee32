import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock, isOnbehalfError } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { bentProvider } from "../support/bent-provider.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

async function temporaryFile(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "grants.db");
}

describe("a clock that was wrong and is put right", () => {
  for (const ahead of [minute, 2 * hour, day, 365 * day]) {
    test(`a token that came while the clock was ${ahead / hour} h ahead is refreshed, and none is served past its life`, async (t) => {
      const bent = await bentProvider(t);
      bent.clock.advance(ahead);
      const grant = await bent.connect();
      assert.equal((await bent.vault.getAccessToken(grant)).token, "at-1");
      bent.clock.advance(-ahead);
      const { token, expiresAt } = await bent.vault.getAccessToken(grant, { minTtlSeconds: 0 });
      assert.equal(token, "at-2");
      assert.ok(Number(expiresAt) <= bent.clock.now() + hour, "no further off than the life that was announced");
      bent.clock.advance(50 * minute);
      assert.equal((await bent.vault.getAccessToken(grant)).token, "at-2", "one refresh is enough");
      assert.equal(bent.vault.peekAccessToken(grant)?.token, "at-2");
    });
  }

  test("a process that starts after the clock was put right trusts no token from the future either", async (t) => {
    const path = await temporaryFile(t);
    const bent = await bentProvider(t, {}, { vault: { store: sqlite(path) } });
    bent.clock.advance(day);
    const grant = await bent.connect();
    await bent.vault.close();
    bent.clock.advance(-day);
    const vault = await bent.open({ store: sqlite(path) });
    assert.equal(vault.peekAccessToken(grant), undefined);
    assert.equal((await vault.getAccessToken(grant)).token, "at-2");
  });

  test("a token from the future that nothing can replace is not served as if its end were known", async (t) => {
    const bent = await bentProvider(t, { token: (answer) => ({ body: { ...answer, refresh_token: undefined } }) });
    bent.clock.advance(day);
    const grant = await bent.connect();
    bent.clock.advance(2 * hour - day);
    await assert.rejects(bent.vault.getAccessToken(grant), (error) =>
      isOnbehalfError(error, "reauthorization_required"),
    );
  });

  test("a clock that jumps forward costs a refresh, and going back to the time before it one more", async (t) => {
    const bent = await bentProvider(t);
    const grant = await bent.connect();
    for (const [jump, token] of [
      [day, "at-2"],
      [-day, "at-3"],
      [30 * minute, "at-3"],
      [-30 * minute, "at-3"],
    ] as const) {
      bent.clock.advance(jump);
      assert.equal((await bent.vault.getAccessToken(grant)).token, token);
    }
  });

  test("two processes whose clocks differ by some seconds share one token", async (t) => {
    const path = await temporaryFile(t);
    const bent = await bentProvider(t, {}, { vault: { store: sqlite(path) } });
    const grant = await bent.connect();
    const slow = await bent.open({ store: sqlite(path), clock: fixedClock(bent.clock.now() - 5_000) });
    const { token, expiresAt } = await slow.getAccessToken(grant);
    assert.equal(token, "at-1");
    assert.equal(Number(expiresAt), bent.clock.now() - 5_000 + hour, "by its own clock, no longer than it lives");
  });

  test("two processes whose clocks differ by ten minutes refresh once more, and not at each read", async (t) => {
    const path = await temporaryFile(t);
    const bent = await bentProvider(t, {}, { vault: { store: sqlite(path) } });
    const grant = await bent.connect();
    const slow = await bent.open({ store: sqlite(path), clock: fixedClock(bent.clock.now() - 10 * minute) });
    for (let read = 0; read < 10; read++) {
      await slow.getAccessToken(grant);
      await bent.vault.getAccessToken(grant);
    }
    assert.equal(bent.count("/token"), 2);
  });
});
