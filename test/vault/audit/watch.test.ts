import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock } from "../../../src/core/clock.ts";
import { Keyring } from "../../../src/crypto/keyring.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { pruneAudit } from "../../../src/vault/audit/prune.ts";
import { watchAudit } from "../../../src/vault/audit/watch.ts";
import { recorder } from "../../../src/vault/context.ts";
import type { VaultEvent } from "../../../src/vault/events.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const keyring = new Keyring("store", [{ key: { keyId: 1, bytes: Buffer.alloc(32, 7) }, keyClass: "index" }]);
const me = { caller: "@operator", requestId: null };

interface Watched {
  readonly edit: (sql: string) => void;
  readonly append: (rows: number) => Promise<void>;
  /** What is told while so many hours pass, by the process that began first, or by another one. */
  readonly told: (hours: number) => Promise<VaultEvent[]>;
  readonly restart: () => void;
  readonly prune: () => Promise<unknown>;
}

async function watched(t: TestContext): Promise<Watched> {
  const path = `${await temporaryFolder(t)}/onbehalf.db`;
  const store = sqlite(path);
  const clock = fixedClock("2026-11-22T00:00:00Z");
  await store.open({ clock });
  const raw = new DatabaseSync(path);
  raw.exec("PRAGMA synchronous = OFF");
  t.after(async () => {
    raw.close();
    await store.close();
  });
  store.recordWith(recorder(keyring, clock, "@test"));
  let events: VaultEvent[] = [];
  const begin = (): (() => Promise<void>) =>
    watchAudit({ store, keyring, clock, random: () => 0.5, emit: (event) => events.push(event) });
  let look = begin();
  return {
    edit: (sql) => raw.exec(sql),
    restart: () => (look = begin()),
    async append(rows) {
      for (let n = 0; n < rows; n += 1) {
        const entry = { action: "api.called", grantId: "g_1", generation: 1, outcome: "sent", detail: null };
        await store.appendAudit([[entry, { caller: "reports", requestId: null }]]);
      }
    },
    async told(hours) {
      events = [];
      for (let minute = 0; minute < hours * 60; minute += 1) {
        clock.advance(60_000);
        await look();
      }
      return events;
    },
    prune: () => pruneAudit(store, keyring, clock.now() - 86_400_000, { principal: me, now: clock.now() }),
  };
}

describe("whoever watches the audit log", () => {
  test("whoever watches the audit log says nothing of one that is as it was written, while it grows and is pruned", async (t) => {
    const log = await watched(t);
    assert.deepEqual(await log.told(2), []);
    await log.append(20);
    assert.deepEqual(await log.told(25), []);
    await log.append(20);
    await log.prune();
    assert.deepEqual(await log.told(25), []);
  });

  test("whoever watches the audit log tells once of a row that was changed, and again of another one", async (t) => {
    const log = await watched(t);
    await log.append(9);
    assert.deepEqual(await log.told(1), []);
    log.edit("UPDATE audit SET caller = 'nobody' WHERE seq = 4");
    assert.deepEqual(await log.told(30), [{ type: "audit_broken", seq: 4, problem: "changed", faults: 1 }]);
    log.edit("DELETE FROM audit WHERE seq BETWEEN 6 AND 7");
    assert.deepEqual(await log.told(30), [{ type: "audit_broken", seq: 6, upTo: 7, problem: "missing", faults: 2 }]);
    log.restart();
    assert.deepEqual(await log.told(30), [{ type: "audit_broken", seq: 4, problem: "changed", faults: 2 }]);
  });

  test("whoever watches the audit log misses the end, though nothing in the database tells of it any more", async (t) => {
    const log = await watched(t);
    await log.append(9);
    assert.deepEqual(await log.told(1), []);
    log.edit(
      "DELETE FROM audit WHERE seq > 5; UPDATE audit_head SET seq = 5, link = (SELECT link FROM audit WHERE seq = 5)",
    );
    assert.deepEqual(await log.told(30), [{ type: "audit_broken", seq: 6, upTo: 9, problem: "cut", faults: 1 }]);
    await log.append(9);
    assert.deepEqual(await log.told(30), []);
  });

  test("whoever watches the audit log misses an end that was cut off and written anew", async (t) => {
    const log = await watched(t);
    await log.append(9);
    assert.deepEqual(await log.told(1), []);
    log.edit(
      "DELETE FROM audit WHERE seq > 5; UPDATE audit_head SET seq = 5, link = (SELECT link FROM audit WHERE seq = 5)",
    );
    await log.append(9);
    assert.deepEqual(await log.told(30), [{ type: "audit_broken", seq: 9, problem: "head_differs", faults: 1 }]);
  });
});
