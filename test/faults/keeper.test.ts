import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { signal } from "../../tools/chaos/processes.ts";
import { accepts } from "../support/accepts.ts";
import { outcomes, until } from "../support/test-vault.ts";
import type { TestVault } from "../support/test-vault.ts";
import { untilRefreshed, expiredGrants } from "../support/expired-grants.ts";
import { startServiceProcess } from "./service-process.ts";
import type { ServiceProcess } from "./service-process.ts";

interface Scene {
  readonly fixture: TestVault;
  readonly grantId: string;
  readonly service: ServiceProcess;
  /** Asks the service for a token that lives longer than the one there is. */
  readonly ask: (abort?: AbortSignal) => Promise<{ status: number; body: Record<string, unknown> }>;
}

/** A service over a grant whose token has to be refreshed, at a provider that answers late, after it has acted. */
async function scene(
  t: TestContext,
  rotation: "none" | "grace" | "strict",
  settings: Readonly<Record<string, string>> = {},
): Promise<Scene> {
  const fixture = await expiredGrants(t, rotation);
  const { grantId, callerKey } = fixture;
  const service = await startServiceProcess(t, fixture, settings);
  return {
    fixture,
    grantId,
    service,
    ask: async (abort = AbortSignal.timeout(60_000)) => {
      const response = await fetch(`${service.url}/v1/grants/${grantId}/token?min_ttl_seconds=60`, {
        headers: { authorization: `Bearer ${callerKey}` },
        signal: abort,
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
  };
}

describe("a keeper that is killed in mid-refresh", () => {
  for (const rotation of ["none", "grace"] as const) {
    test(`a keeper is killed in mid-refresh: rotation ${rotation}: the request that waits is answered by the next keeper`, async (t) => {
      const { fixture, service, ask } = await scene(t, rotation);
      fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 30_000 });
      const waiting = ask();
      await untilRefreshed(fixture);
      const [first] = service.keepers();
      assert.ok(first !== undefined, "the service has a keeper");
      assert.ok(signal(first, "SIGKILL"));
      const { status, body } = await waiting;
      assert.equal(status, 200);
      assert.ok(await accepts(fixture.standin, String(body["access_token"])));
      assert.deepEqual(
        outcomes(fixture.newRequests()),
        rotation === "none" ? { refreshed: 2 } : { refreshed: 1, refreshed_in_grace: 1 },
      );
      assert.notDeepEqual(service.keepers(), [first]);
    });
  }

  test("a keeper is killed in mid-refresh: rotation strict: the request that waits is told that the person must consent again, and why", async (t) => {
    const { fixture, service, ask, grantId } = await scene(t, "strict");
    fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 30_000 });
    const waiting = ask();
    await untilRefreshed(fixture);
    for (const pid of service.keepers()) signal(pid, "SIGKILL");
    const { status, body } = await waiting;
    assert.deepEqual(
      [status, body["error"], body["grant_id"], body["reason"]],
      [409, "reauthorization_required", grantId, "crash_ambiguous_rotation"],
    );
  });

  test("keepers are killed again and again: valid tokens are served meanwhile", async (t) => {
    const { fixture, service, ask } = await scene(t, "strict");
    const { body } = await ask();
    const token = body["access_token"];
    for (let times = 0; times < 3; times++) {
      await until(() => service.keepers().length > 0);
      for (const pid of service.keepers()) signal(pid, "SIGKILL");
      for (let reads = 0; reads < 20; reads++) assert.equal((await ask()).body["access_token"], token);
    }
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
    await until(async () => (await fetch(`${service.url}/readyz`)).status === 200);
  });
});

describe("a service that is killed in mid-refresh", () => {
  test("a service is killed in mid-refresh: its keeper finishes, stores, and goes; the next service has the token", async (t) => {
    const { fixture, service, ask, grantId } = await scene(t, "strict");
    fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 1_000 });
    const waiting = assert.rejects(ask());
    await untilRefreshed(fixture);
    signal(service.pid, "SIGKILL");
    await waiting;
    assert.equal(await service.ended, "SIGKILL");
    assert.ok(await service.allEnded(), "the keeper drains and ends");
    const next = await fixture.open();
    const grant = await next.grant(grantId);
    assert.deepEqual([grant.state, grant.generation], ["active", 2]);
    assert.ok(await accepts(fixture.standin, (await next.getAccessToken(grantId)).token));
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
  });
});

describe("SIGTERM in mid-refresh", () => {
  for (const keeper of ["process", "none"]) {
    test(`SIGTERM in mid-refresh: keeper ${keeper}: the request is answered, the answer is stored, and all of it ends with 0`, async (t) => {
      const { fixture, service, ask, grantId } = await scene(t, "strict", { ONBEHALF_KEEPER: keeper });
      fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 1_000 });
      const waiting = ask();
      await untilRefreshed(fixture);
      signal(service.pid, "SIGTERM");
      const { status, body } = await waiting;
      assert.equal(status, 200);
      assert.equal(await service.ended, 0);
      assert.ok(await service.allEnded());
      const next = await fixture.open();
      assert.equal((await next.getAccessToken(grantId)).token, body["access_token"]);
      assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
    });
  }
});

test("a caller that hangs up in mid-refresh: the refresh goes on, and the next one gets what it brought", async (t) => {
  const { fixture, ask } = await scene(t, "strict");
  fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 1_000 });
  const hangUp = new AbortController();
  const waiting = assert.rejects(ask(hangUp.signal));
  await untilRefreshed(fixture);
  hangUp.abort();
  await waiting;
  const { status, body } = await ask();
  assert.equal(status, 200);
  assert.ok(await accepts(fixture.standin, String(body["access_token"])));
  assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
});
