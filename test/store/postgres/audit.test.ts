import { test } from "node:test";
import { Client } from "pg";
import { systemClock } from "../../../src/core/clock.ts";
import { bound } from "../../../src/store/postgres/connection.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import { assertEditsAreFound } from "../../support/audit-edits.ts";
import { emptyDatabase } from "../../support/postgres.ts";

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
