import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fixedClock } from "../../../src/index.ts";
import type { MovableClock, VaultEvent } from "../../../src/index.ts";
import { DistinctReads } from "../../../src/vault/tokens/distinct-reads.ts";
import { testVault } from "../../support/test-vault.ts";

function watched(): { clock: MovableClock; events: VaultEvent[]; read: (caller: string, grants: number) => void } {
  const clock = fixedClock("2026-11-22T00:00:00Z");
  const events: VaultEvent[] = [];
  const reads = new DistinctReads({ clock, emit: (event) => events.push(event) });
  return {
    clock,
    events,
    read: (caller, grants) => {
      for (let n = 0; n < grants; n += 1) reads.note(caller, `g_${caller}${n}`);
    },
  };
}

describe("how many grants a caller uses in an hour", () => {
  test("an hour with many times more grants than any before is told once, and the next such hour is usual", () => {
    const { clock, events, read } = watched();
    for (let hour = 0; hour < 3; hour += 1) {
      for (let again = 0; again < 10; again += 1) read("app", 200);
      clock.advance(3_600_000);
    }
    read("app", 900);
    assert.equal(events.length, 0);
    read("app", 20_000);
    read("app", 30_000);
    const [event, ...others] = events;
    assert.ok(event?.type === "unusual_reads" && others.length === 0, JSON.stringify(events));
    assert.ok(
      event.caller === "app" && event.usual > 195 && event.usual < 205 && event.grants > 980 && event.grants < 1_050,
    );
    clock.advance(3_600_000);
    read("app", 30_000);
    assert.equal(events.length, 1);
  });

  test("an hour like those of a week ago is usual: a job on Mondays", () => {
    const { clock, events, read } = watched();
    read("app", 10_000);
    for (let hour = 1; hour < 168; hour += 1) {
      clock.advance(3_600_000);
      read("app", 3);
    }
    clock.advance(3_600_000);
    read("app", 10_000);
    assert.equal(events.length, 0);
  });

  test("a caller that nobody knows yet, few grants, and other callers' hours are not unusual", () => {
    const { clock, events, read } = watched();
    read("new", 50_000);
    clock.advance(3_600_000);
    for (let hour = 0; hour < 3; hour += 1) {
      read("small", 1);
      clock.advance(3_600_000);
    }
    read("small", 49);
    read("other", 5_000);
    assert.equal(events.length, 0);
    read("small", 100);
    assert.equal(events.length, 1);
  });

  test("a clock that is set back, and more callers than are remembered, neither fail nor fill memory", () => {
    const { clock, events, read } = watched();
    for (let n = 0; n < 1_200; n += 1) read(`c${n}`, 2);
    clock.advance(-86_400_000);
    for (let n = 0; n < 100; n += 1) read(`c${n}`, 2);
    assert.equal(events.length, 0);
  });
});

test("a caller that suddenly uses many grants is told of, by tokens and by calls, and the program itself is not", async (t) => {
  const fixture = await testVault(t);
  const vault = await fixture.open({ exchangeRate: { perSecond: 1_000, burst: 1_000 } });
  const grantIds: string[] = [];
  const grant = async (): Promise<void> => {
    const { grantId } = await vault.exchangeCode({ code: fixture.code(`p${grantIds.length}@example.com`) });
    grantIds.push(grantId);
  };
  await grant();
  const { caller } = await vault.callers.create("app", { allow: ["token", "proxy"] });
  const view = vault.forCaller(caller);
  for (let hour = 0; hour < 2; hour += 1) {
    await view.getAccessToken(grantIds[0] ?? "");
    fixture.clock.advance(3_600_000);
  }
  while (grantIds.length < 52) await grant();
  const told = (): VaultEvent[] => fixture.events.filter(({ type }) => type === "unusual_reads");
  for (const grantId of grantIds) await vault.getAccessToken(grantId);
  assert.deepEqual(told(), []);
  for (const grantId of grantIds.slice(0, 26)) await view.getAccessToken(grantId);
  assert.deepEqual(told(), []);
  for (const grantId of grantIds.slice(26)) {
    await view.fetch(grantId, "https://www.googleapis.com/drive/v3/files/appfolder");
  }
  assert.deepEqual(told(), [{ type: "unusual_reads", caller: "app", grants: 51, usual: 1 }]);
});
