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
