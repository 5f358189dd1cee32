import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock, isOnbehalfError } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { bentProvider } from "../support/bent-provider.ts";
import { until } from "../support/test-vault.ts";

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

describe("a wait that was written down before the clock was put right", () => {
  test("a grant's back-off does not last for as long as the clock was ahead", async (t) => {
    const bent = await bentProvider(t);
    bent.clock.advance(day);
    const grant = await bent.connect();
    bent.clock.advance(2 * hour);
    bent.bend = { token: () => ({ status: 503, headers: { "retry-after": "600" } }) };
    const unavailable = (error: unknown): boolean => isOnbehalfError(error, "provider_unavailable");
    await assert.rejects(bent.vault.getAccessToken(grant), unavailable);
    await assert.rejects(bent.vault.getAccessToken(grant), unavailable);
    const before = bent.count("/token");
    bent.bend = {};
    bent.clock.advance(-day);
    assert.match((await bent.vault.getAccessToken(grant)).token, /^at-/);
    assert.equal(bent.count("/token"), before + 1);
  });

  test("a provider that was down is asked again when the clock goes back", async (t) => {
    const bent = await bentProvider(t);
    bent.clock.advance(day);
    const grants = [];
    for (let n = 0; n < 6; n++) grants.push(await bent.connect(`person-${n}/c`));
    bent.clock.advance(2 * hour);
    bent.bend = { token: () => ({ status: 503 }) };
    for (const grant of grants) await assert.rejects(bent.vault.getAccessToken(grant));
    bent.bend = {};
    bent.clock.advance(-day);
    for (const grant of grants) assert.match((await bent.vault.getAccessToken(grant)).token, /^at-/);
  });

  test("a grant that was called suspect by a clock that was ahead is not refreshed at each read until then", async (t) => {
    const path = await temporaryFile(t);
    const bent = await bentProvider(t, {}, { vault: { store: sqlite(path) } });
    const provider = { ...bent.provider, revocationEndsSiblings: true };
    const vault = await bent.open({ provider, store: sqlite(path) });
    const grant = await bent.connect();
    const store = sqlite(path);
    await store.open({ clock: bent.clock, migrate: false });
    t.after(() => store.close());
    assert.equal(await store.markSuspect(grant.grantId, bent.clock.now() + day), true);
    await until(() => vault.peekAccessToken(grant) === undefined);
    const before = bent.count("/token");
    for (let read = 0; read < 5; read++) {
      bent.clock.advance(minute);
      await vault.getAccessToken(grant);
    }
    assert.equal(bent.count("/token"), before + 1);
    assert.equal((await vault.grant(grant)).state, "active");
  });

  test("a caller's key that was verified by a clock that was ahead is looked up again", async (t) => {
    const path = await temporaryFile(t);
    const bent = await bentProvider(t, {}, { vault: { store: sqlite(path) } });
    const { key } = await bent.vault.callers.create("app");
    const header = `Bearer ${key.expose()}`;
    bent.clock.advance(day);
    await bent.vault.callers.authenticate(header);
    bent.clock.advance(-day);
    const other = await bent.open({ store: sqlite(path) });
    await other.callers.revoke("app");
    await assert.rejects(bent.vault.callers.authenticate(header), (error) => isOnbehalfError(error, "unauthorized"));
  });

  test("an attempt that began in the future counts from the first look at it", async (t) => {
    const path = await temporaryFile(t);
    const bent = await bentProvider(t, {}, { vault: { store: sqlite(path) } });
    const { grantId } = await bent.connect();
    const store = sqlite(path);
    await store.open({ clock: bent.clock, migrate: false });
    t.after(() => store.close());
    const owner = { node: "elsewhere", pid: 1, startedAt: "", vault: "v" };
    const attempt = { grantId, generation: 1, owner, at: bent.clock.now() };
    bent.clock.advance(day);
    assert.equal((await store.beginAttempt({ ...attempt, attemptId: "first" })).kind, "begun");
    bent.clock.advance(-day);
    const held = await store.beginAttempt({ ...attempt, attemptId: "second" });
    assert.ok(held.kind === "held");
    assert.equal(held.attempt.startedAt, bent.clock.now());
    assert.equal((await store.attempts())[0]?.startedAt, bent.clock.now());
  });
});
