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
import { permissions } from "../../src/vault/http/callers.ts";

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
    const { key } = await bent.vault.callers.create("app", { allow: permissions });
    const header = `Bearer ${key.expose()}`;
    bent.clock.advance(day);
    await bent.vault.callers.authenticate(header);
    bent.clock.advance(-day);
    const other = await bent.open({ store: sqlite(path) });
    await other.callers.revoke("app");
    await assert.rejects(bent.vault.callers.authenticate(header), (error) => isOnbehalfError(error, "unauthorized"));
  });

  test("a sign-in to the dashboard that was begun by a clock that was ahead lasts no longer than others", async (t) => {
    const bent = await bentProvider(t);
    const { operators } = bent.vault;
    bent.clock.advance(day);
    const { secret } = await operators.createLink();
    const cookie = (await operators.signIn(secret.expose()))?.cookie.expose();
    await operators.authenticate(cookie);
    bent.clock.advance(-day);
    await assert.rejects(operators.authenticate(cookie), (error) => isOnbehalfError(error, "unauthorized"));
    assert.deepEqual(await operators.list(), []);
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

describe("a sign-in while our own clock is wrong", () => {
  const offs = [
    ["2 h ahead", 2 * hour],
    ["a day ahead", day],
    ["a year ahead", 365 * day],
    ["61 s behind", -61_000],
    ["2 h behind", -2 * hour],
    ["a year behind", -365 * day],
  ] as const;
  const dates = [
    ["a Date by the provider's clock", undefined],
    ["no Date", ""],
    ["a Date that is none", "yesterday"],
    ["a Date of a proxy whose clock is wrong, too", "Thu, 01 Jan 1998 00:00:00 GMT"],
  ] as const;
  for (const [name, off] of offs) {
    for (const [dated, date] of dates) {
      test(`a clock that is ${name}, and ${dated}: the error names the clock, nothing is revoked, the sign-in is finished later`, async (t) => {
        const bent = await bentProvider(t, {
          token: (body) => (date === undefined ? undefined : { body, headers: { date } }),
        });
        const clock = fixedClock(bent.clock.now() + off);
        const path = await temporaryFile(t);
        const vault = await bent.open({ clock, store: sqlite(path) });
        const options = { code: "c", source: "web-redirect", redirectUri: "https://app.example/cb" } as const;
        const says = `this machine's clock is ${Math.abs(off) / 1000} s ${off > 0 ? "ahead of" : "behind"} bent's`;
        for (let n = 0; n < 2; n++) {
          await assert.rejects(
            vault.exchangeCode(options),
            (error) => isOnbehalfError(error, "id_token_invalid") && error.message.endsWith(says),
          );
        }
        assert.deepEqual(bent.events[0], {
          type: "id_token_refused",
          provider: "bent",
          check: off > 0 ? "exp" : "iat",
          clockAheadMs: off,
        });
        bent.clock.advance(minute);
        clock.advance(minute - off);
        const grant = await vault.exchangeCode(options);
        assert.deepEqual([grant.state, grant.offline], ["active", true]);
        const { expiresAt } = await vault.getAccessToken(grant);
        assert.ok(Number(expiresAt) <= clock.now() + hour, "no further off than the life that was announced");
        assert.deepEqual([bent.count("/revoke"), bent.requests.filter(({ form }) => form["code"]).length], [0, 1]);
      });
    }
  }

  const lies: readonly (readonly [string, (now: number) => Record<string, unknown>])[] = [
    ["was issued long ago", (now) => ({ iat: now - 7_200, exp: now - 3_600 })],
    ["is issued in two hours", (now) => ({ iat: now + 7_200, exp: now + 10_800 })],
    ["has ended before it was issued", (now) => ({ iat: now, exp: now - 61 })],
    ["says its end in words", () => ({ exp: "tomorrow" })],
  ];
  for (const [name, claims] of lies) {
    test(`an ID token that ${name}, while our clock is right: what was issued is revoked`, async (t) => {
      const bent = await bentProvider(t);
      bent.bend = { claims: () => claims(Math.floor(bent.clock.now() / 1000)) };
      await assert.rejects(bent.connect(), (error) => {
        assert.ok(isOnbehalfError(error, "id_token_invalid"));
        assert.doesNotMatch(error.message, /clock/);
        return true;
      });
      assert.equal(bent.count("/revoke"), 1);
    });
  }

  test("a clock that is not put right within a day: the sign-in ends, and still nothing is revoked", async (t) => {
    const bent = await bentProvider(t);
    const clock = fixedClock(bent.clock.now() + 2 * hour);
    const vault = await bent.open({ clock });
    const options = { code: "c", source: "web-redirect", redirectUri: "https://app.example/cb" } as const;
    const refused = (error: unknown): boolean => isOnbehalfError(error, "id_token_invalid");
    await assert.rejects(vault.exchangeCode(options), refused);
    clock.advance(day);
    await assert.rejects(vault.exchangeCode(options), refused);
    clock.advance(2 * minute);
    await assert.rejects(vault.exchangeCode(options), (error) => isOnbehalfError(error, "code_rejected"));
    assert.deepEqual([bent.count("/revoke"), bent.count("/token")], [0, 1]);
  });
});
