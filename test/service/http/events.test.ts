import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { openRemoteVault } from "../../../src/client/index.ts";
import { isOnbehalfError } from "../../../src/index.ts";
import { assertProblem } from "../../support/problem.ts";
import { testService } from "../../support/test-service.ts";

interface Page {
  readonly events: readonly { readonly type: string; readonly external_ids: unknown }[];
  readonly next: number;
}

describe("GET /v1/events", () => {
  test("a request that waits is answered when something happens, and when the service closes", async (t) => {
    const { ask, grant, server } = await testService(t);
    const waiting = ask("/v1/events?wait_seconds=60");
    await grant("ada@example.com");
    const page = (await (await waiting).json()) as Page;
    assert.deepEqual(
      page.events.map(({ type }) => type),
      ["grant.created"],
    );
    const begun = ask(`/v1/events?after=${page.next}&wait_seconds=60`);
    await ask("/v1/events");
    await server.close();
    assert.deepEqual(await (await begun).json(), { events: [], next: 1 });
  });

  test("whoever hangs up while it waits is waited for no longer", async (t) => {
    const { url, key, vault, faults } = await testService(t);
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write(`GET /v1/events?wait_seconds=60 HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n\r\n`);
    while (vault.eventReader.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    while (vault.eventReader.waiting > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(faults, []);
  });

  test("it needs its permission, and says what is wrong with what was asked", async (t) => {
    const { ask, keyFor } = await testService(t);
    const authorization = `Bearer ${await keyFor("grants:read")}`;
    await assertProblem(await ask("/v1/events", { headers: { authorization } }), "forbidden");
    for (const query of ["after=-1", "limit=0", "wait_seconds=61", "wait_seconds=x", "since=1"]) {
      await assertProblem(await ask(`/v1/events?${query}`), "invalid_request", query);
    }
    const body = await assertProblem(await ask("/v1/events?after=5"), "events_missed");
    assert.equal(body["read_on_after"], 0);
  });

  test("a remote vault reads the same events, of one grant too, and waits", async (t) => {
    const { url, key, vault, fixture } = await testService(t);
    await using remote = await openRemoteVault({ url, key, clock: fixture.clock });
    const waiting = remote.events({ waitSeconds: 30 });
    const code = fixture.code("ada@example.com");
    const grant = await vault.exchangeCode({ code, source: "android", externalId: "ada" });
    await waiting;
    await vault.revoke(grant);
    assert.deepEqual(await remote.events(), await vault.events());
    const of = { grant: { externalId: "ada" }, after: 1 };
    assert.deepEqual(await remote.events(of), await vault.events(of));
    await assert.rejects(remote.events({ after: 7 }), (error: unknown) => {
      assert.ok(isOnbehalfError(error, "events_missed"));
      assert.equal(error.details.readOnAfter, 2);
      return true;
    });
  });
});
