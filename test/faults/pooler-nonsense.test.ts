import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { expiredGrants } from "../support/expired-grants.ts";
import { errorResponse, faultyPooler, message, noTenant } from "../support/faulty-pooler.ts";
import type { PoolerMood } from "../support/faulty-pooler.ts";
import { emptyDatabase } from "../support/postgres.ts";
import { storeAt } from "../support/store-process.ts";
import { outcomes, until } from "../support/test-vault.ts";
import { startServiceProcess } from "./service-process.ts";

/** How long each mood of the pooler lasts, milliseconds: `POOLER=full` makes ten seconds of nonsense in all. */
const moodMs = process.env["POOLER"] === "full" ? 1_250 : 400;

const moods: readonly PoolerMood[] = [
  { says: noTenant },
  { holds: noTenant },
  { says: errorResponse({ S: "ERROR", C: "Z0001", M: "no such thing" }) },
  { says: message("E", Buffer.from("SFATAL\0CXX000\0")) },
  { says: Buffer.from("HTTP/1.1 502 Bad Gateway\r\n\r\n") },
  { holds: Buffer.alloc(64, 0x5a) },
  "is silent",
  "refuses",
];

const people = Array.from({ length: 40 }, (_, n) => `person-${n}@example.com`);

for (const keeper of ["process", "none"] as const) {
  test(`a service (keeper: ${keeper}) whose pooler answers nonsense in mid-load lives, loses no grant, and is back by itself`, async (t) => {
    const database = await emptyDatabase(t);
    const pooler = await faultyPooler(t, database);
    const fixture = await expiredGrants(t, "strict", { people, where: database });
    const { standin, grantIds, callerKey } = fixture;
    const service = await startServiceProcess(t, fixture, {
      ONBEHALF_STORE: pooler.url,
      ONBEHALF_RESCUE_DIR: `${fixture.path}-answers`,
      ONBEHALF_KEEPER: keeper,
    });
    const ask = async (grantId: string): Promise<number> => {
      const { status } = await fetch(`${service.url}/v1/grants/${grantId}/token`, {
        headers: { authorization: `Bearer ${callerKey}` },
      });
      return status;
    };
    const statuses = new Set<number>();
    const load = new AbortController();
    // Every second refresh is on its way while the pooler falls ill.
    standin.fault("POST", "/token", { times: grantIds.length / 2, after: "answer", delayMs: 700 });
    const callers = grantIds.map(async (grantId) => {
      while (!load.signal.aborted) {
        statuses.add(await ask(grantId));
        await pause(50);
      }
    });
    await until(() => (standin.log().counts["refreshed"] ?? 0) >= grantIds.length / 4);
    for (const mood of moods) {
      pooler.become(mood);
      pooler.interject(noTenant);
      await pause(moodMs);
    }
    pooler.become("passes");

    for (const grantId of grantIds) await until(async () => (await ask(grantId)) === 200);
    load.abort();
    await Promise.all(callers);
    assert.deepEqual(
      [...statuses].filter((status) => status !== 200 && status !== 503),
      [],
      "whatever could not be answered was to be asked again",
    );
    assert.ok(pooler.illConnections > 0);
    assert.equal((await fetch(`${service.url}/healthz`)).status, 200);

    // What was handed out may have come from memory: what is stored must work as well.
    const { refreshed = 0, ...others } = outcomes(fixture.newRequests());
    assert.deepEqual(others, {}, "no used token was sent");
    assert.ok(refreshed >= grantIds.length, String(refreshed));
    const renewed = await Promise.all(
      grantIds.map(async (grantId) => {
        const response = await fetch(`${service.url}/v1/grants/${grantId}`, {
          headers: { authorization: `Bearer ${callerKey}` },
        });
        return ((await response.json()) as { state: string }).state;
      }),
    );
    assert.deepEqual(new Set(renewed), new Set(["active"]));
    const { ended } = service;
    process.kill(service.pid, "SIGTERM");
    assert.equal(await ended, 0);

    fixture.clock.advance(3_700_000);
    const next = await fixture.open({ store: storeAt(database), rescueFolder: `${fixture.path}-answers` });
    for (const grantId of grantIds) await next.getAccessToken(grantId);
    assert.deepEqual(Object.keys(outcomes(fixture.newRequests())), ["refreshed"], "every stored refresh token lives");
  });
}
