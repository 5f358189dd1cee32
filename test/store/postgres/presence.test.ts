import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../src/core/clock.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { owner, save, tokens } from "../../../src/store/suite/rows.ts";
import { eventually } from "../../support/eventually.ts";
import { administer, emptyDatabase } from "../../support/postgres.ts";
import { storeProcess } from "../../support/store-process.ts";

describe("proof of life in PostgreSQL", () => {
  test("the liveness of an owner that never announced itself is unknown", async (t) => {
    const store = await openStore(t, await emptyDatabase(t));
    assert.equal(await livenessOf(store, "somebody"), "unknown");
  });

  test("an owner is alive while its process is paused, and dead once it was killed", async (t) => {
    const database = await emptyDatabase(t);
    const store = await openStore(t, database);
    const { grantId } = await save(store);
    const { child, answer } = storeProcess(t, database, { do: "hold", grantId, attemptId: "a" });
    assert.equal(await answer, "begun");
    assert.equal(await livenessOf(store, "a"), "alive");
    child.kill("SIGSTOP");
    await sleep(6_000);
    assert.equal(await livenessOf(store, "a"), "alive");
    child.kill("SIGKILL");
    const seen = new Set<string>();
    await eventually(
      () => livenessOf(store, "a"),
      (liveness) => {
        seen.add(liveness);
        return liveness === "dead";
      },
    );
    assert.ok(seen.has("unknown"), "a lock that is gone is no proof yet");
  });

  test("an owner whose connection is cut takes its lock again, and is never taken for dead", async (t) => {
    const database = await emptyDatabase(t);
    const [store, other] = [await openStore(t, database), await openStore(t, database)];
    await store.announceOwner?.(owner("cut"));
    for (let cut = 1; cut <= 3; cut++) {
      // On a busy machine the lock that was just cut may not be taken again yet.
      const [holder] = await eventually(
        () => administer(database, sessionOf),
        ({ length }) => length > 0,
      );
      await administer(database, `SELECT pg_terminate_backend(${String(holder?.["pid"])})`);
      const liveness = await eventually(
        () => livenessOf(other, "cut"),
        (seen) => seen !== "unknown",
      );
      assert.equal(liveness, "alive");
    }
  });

  test("the owners of a closed store are dead, and those of another store are not", async (t) => {
    const database = await emptyDatabase(t);
    const [store, other] = [await openStore(t, database), await openStore(t, database)];
    await store.announceOwner?.(owner("closing"));
    await other.announceOwner?.(owner("staying"));
    assert.equal(await livenessOf(other, "closing"), "alive");
    await store.close();
    await eventually(
      () => livenessOf(other, "closing"),
      (liveness) => liveness === "dead",
    );
    assert.equal(await livenessOf(other, "staying"), "alive");
  });
});

describe("hints of change in PostgreSQL", () => {
  test("hints of change come from other processes, and stop when nobody listens any more", async (t) => {
    const database = await emptyDatabase(t);
    const [store, other] = [await openStore(t, database), await openStore(t, database)];
    let hints = 0;
    const stop = store.onChange?.(() => (hints += 1));
    const { grantId } = await save(other);
    await eventually(
      () => hints,
      (count) => count > 0,
    );
    stop?.();
    const before = hints;
    await other.commitAttempt(grantId, 1, tokens("2"), 1);
    await sleep(100);
    assert.equal(hints, before);
  });

  test("hints of change come again after the connection was cut, first one for what was missed", async (t) => {
    const database = await emptyDatabase(t);
    const [store, other] = [await openStore(t, database), await openStore(t, database)];
    const { grantId } = await save(other);
    let hints = 0;
    store.onChange?.(() => (hints += 1));
    await store.announceOwner?.(owner("listener"));
    const [listener] = await administer(database, sessionOf);
    const before = hints;
    await administer(database, `SELECT pg_terminate_backend(${String(listener?.["pid"])})`);
    await eventually(
      () => hints,
      (count) => count > before,
    );
    const missed = hints;
    await other.commitAttempt(grantId, 1, tokens("2"), 1);
    await eventually(
      () => hints,
      (count) => count > missed,
    );
    assert.deepEqual(store.notes?.(), []);
  });
});

/** Finds the session that holds an owner's lock in the database that is asked. */
const sessionOf = `SELECT pid FROM pg_locks WHERE locktype = 'advisory'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

async function livenessOf(store: Store, name: string): Promise<string> {
  return (await store.ownerLiveness?.(owner(name))) ?? "nothing is said";
}

async function openStore(t: TestContext, database: string): Promise<Store> {
  const store = postgres(database);
  t.after(() => store.close());
  await store.open({ clock: systemClock });
  return store;
}
