import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "pg";
import { systemClock } from "../../../src/core/clock.ts";
import { bound } from "../../../src/store/postgres/statements.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import { recorder } from "../../../src/vault/context.ts";
import { pruneAudit } from "../../../src/vault/audit/prune.ts";
import { verifyAudit } from "../../../src/vault/audit/verify.ts";
import { Keyring } from "../../../src/crypto/keyring.ts";
import { save, tokens } from "../../../src/store/suite/rows.ts";
import { assertEditsAreFound } from "../../support/audit-edits.ts";
import { emptyDatabase } from "../../support/postgres.ts";

test("of rows that many wrote at once in PostgreSQL, old ones are taken out, and the rest are verified as before", async (t) => {
  const store = postgres(await emptyDatabase(t));
  await store.open({ clock: systemClock });
  t.after(() => store.close());
  const keyring = new Keyring("store", [{ key: { keyId: 1, bytes: Buffer.alloc(32, 7) }, keyClass: "index" }]);
  const hour = 3_600_000;
  let now = 1_800_000_000_000;
  store.recordWith(recorder(keyring, { ...systemClock, now: () => (now += hour) }, "@test"));
  const principal = { caller: "reports", requestId: null };
  const entry = { action: "api.called", grantId: "g_1", generation: 1, outcome: "sent", detail: null };
  const end = now + 400 * hour;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let n = 0; n < 50; n += 1) await store.appendAudit([[entry, principal]]);
    }),
  );
  const rows = await store.auditRows({ after: 0, limit: 500 });
  const isAcross = rows.some(({ seq, anchor }) => anchor !== null && anchor < seq - 1);
  assert.ok(isAcross, "some were written at the same time");
  for (let before = end - 390 * hour; before < end - 30 * hour; before += 7 * hour) {
    await pruneAudit(store, keyring, before, { principal, now });
    const report = await verifyAudit(store, keyring);
    assert.deepEqual(report.faults, []);
    assert.deepEqual((await verifyAudit(store, keyring, { newest: 20 })).faults, []);
  }
  assert.ok((await store.auditRows({ after: 0, limit: 500 })).length < 120);
});

test("rows that a process of an earlier version adds are numbered and linked among those of this one", async (t) => {
  const url = await emptyDatabase(t);
  const store = postgres(url);
  await store.open({ clock: systemClock });
  t.after(() => store.close());
  const keyring = new Keyring("store", [{ key: { keyId: 1, bytes: Buffer.alloc(32, 7) }, keyClass: "index" }]);
  const recordOf = recorder(keyring, systemClock, "@test");
  store.recordWith(recordOf);
  const grants = await Promise.all(Array.from({ length: 12 }, () => save(store)));
  const earlier = async (grantId: string): Promise<void> => {
    const client = new Client(url);
    await client.connect();
    try {
      const entry = { action: "grant.refreshed", grantId, generation: 2, outcome: "active", detail: null };
      const record = recordOf(entry, { seq: 0, link: new Uint8Array() }, undefined);
      assert.ok(record !== undefined);
      await client.query("BEGIN");
      await client.query("UPDATE grants SET generation = 2 WHERE grant_id = $1", [grantId]);
      await client.query(
        `INSERT INTO audit (record_id, at, caller, action, grant_id, generation, outcome, anchor, mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [
          record.recordId,
          record.at,
          record.caller,
          record.action,
          grantId,
          2,
          record.outcome,
          record.anchor,
          Buffer.from(record.mac),
        ],
      );
      await client.query("COMMIT");
    } finally {
      await client.end();
    }
  };
  // None waits for another that waits for it.
  await Promise.all(
    grants.map(({ grantId }, n) =>
      n % 2 === 0 ? earlier(grantId) : store.commitAttempt(grantId, 1, tokens("2"), 1).then(() => undefined),
    ),
  );
  const rows = await store.auditRows({ after: 0, limit: 100 });
  assert.equal(rows.length, 24);
  assert.deepEqual((await verifyAudit(store, keyring)).faults, []);
});

// Takes an index away, and so comes last.
test("every edit, deletion, swap and cut of the audit log in PostgreSQL is found and placed", async (t) => {
  const database = await emptyDatabase(t);
  const store = postgres(database);
  await store.open({ clock: systemClock });
  const raw = new Client(database);
  await raw.connect();
  t.after(async () => {
    await raw.end();
    await store.close();
  });
  // Whoever can write the database can turn its triggers off as well.
  await raw.query("SET session_replication_role = replica; SET synchronous_commit = off");
  await assertEditsAreFound(
    {
      store,
      run: async (text, values = {}) => (await raw.query(bound(text, values))).rows,
      empty: async () => void (await raw.query("DELETE FROM audit; UPDATE audit_head SET seq = 0, link = ''")),
    },
    Number(process.env["AUDIT_EDITS"] ?? 60),
  );
});
