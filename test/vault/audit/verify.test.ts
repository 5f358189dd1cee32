import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { fixedClock } from "../../../src/core/clock.ts";
import { inOrder, numbered } from "../../../src/store/sql/column.ts";
import type { SqlRow } from "../../../src/store/sql/sql.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { assertEditsAreFound } from "../../support/audit-edits.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("every edit, deletion, swap and cut of the audit log in a SQLite file is found and placed", async (t) => {
  const path = `${await temporaryFolder(t)}/onbehalf.db`;
  const store = sqlite(path);
  await store.open({ clock: fixedClock(0) });
  const raw = new DatabaseSync(path);
  raw.exec("PRAGMA synchronous = OFF");
  t.after(async () => {
    raw.close();
    await store.close();
  });
  await assertEditsAreFound(
    {
      store,
      run: async (text, values = {}) => {
        const statement = numbered(text, "?");
        return raw.prepare(statement.text).all(...inOrder(values, statement.names)) as SqlRow[];
      },
      empty: async () => raw.exec("DELETE FROM audit; UPDATE audit_head SET seq = 0, link = x''"),
    },
    Number(process.env["AUDIT_EDITS"] ?? 150),
  );
});
