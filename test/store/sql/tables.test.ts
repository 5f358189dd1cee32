import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Column } from "../../../src/store/sql/column.ts";
import {
  attemptColumns,
  callerColumns,
  clientKeyColumns,
  eventColumns,
  dashboardLinkColumns,
  grantColumns,
  handleColumns,
  intakeColumns,
  keyColumns,
  keyReaderColumns,
  lateAnswerColumns,
  grantSignalColumns,
  operatorSessionColumns,
  probeColumns,
  refreshCountColumns,
  sessionColumns,
  signalColumns,
  ticketColumns,
  waitingDeliveryColumns,
  registeredClientColumns,
} from "../../../src/store/sql/tables.ts";
import { sqliteSchema } from "../../../tools/schema.ts";

const maps: Record<string, Readonly<Record<string, Pick<Column<unknown>, "name">>>> = {
  grants: grantColumns,
  attempts: attemptColumns,
  orphans: lateAnswerColumns,
  intakes: intakeColumns,
  tickets: ticketColumns,
  callers: callerColumns,
  handles: handleColumns,
  sessions: sessionColumns,
  dashboard_links: dashboardLinkColumns,
  operator_sessions: operatorSessionColumns,
  refresh_counts: refreshCountColumns,
  client_keys: clientKeyColumns,
  registered_clients: registeredClientColumns,
  events: eventColumns,
  webhook_waiting: waitingDeliveryColumns,
  probes: probeColumns,
  signals: signalColumns,
  grant_signals: grantSignalColumns,
  data_keys: keyColumns,
  key_readers: keyReaderColumns,
};

/** What only statements and triggers know. */
const withoutProperty: ReadonlySet<string> = new Set(["reseals"]);

for (const [table, columns] of Object.entries(maps)) {
  test(`every column of the table ${table} has a property, and every property a column`, () => {
    const database = new DatabaseSync(":memory:");
    database.exec(sqliteSchema());
    const names = database.prepare(`SELECT name FROM pragma_table_info('${table}')`).all();
    database.close();
    assert.deepEqual(
      Object.values(columns)
        .map(({ name }) => name)
        .sort(),
      names
        .map(({ name }) => String(name))
        .filter((name) => !withoutProperty.has(name))
        .sort(),
    );
  });
}
