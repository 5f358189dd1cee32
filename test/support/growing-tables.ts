/**
 * Tables of which a statement may read every row: they do not grow with the number of grants. Every other table counts
 * as one that grows, a new one too. To have one here, say why it stays small.
 */
const small: Readonly<Record<string, string>> = {
  attempts: "refreshes that are under way, and all of them are wanted",
  orphans: "late answers that wait for their grant, and all of them are wanted",
  callers: "programs that may use a service",
  data_keys: "a handful of keys",
  client_keys: "one row a client",
  registered_clients: "one row an MCP server",
  dashboard_links: "links of ten minutes, as many as operators make",
  operator_sessions: "operators who are signed in",
  refresh_counts: "a few rows a provider and quarter of an hour, for eight days",
  meta: "a handful of facts",
  onbehalf_migrations: "one row a migration",
  change_counter: "one row",
  audit_head: "one row",
  event_head: "one row",
  webhook: "one row",
  webhook_waiting:
    "what a receiver did not take within a day at most, and all of it is counted, or tried again at once",
  provider_conditions: "one row a provider and client",
  store_marks: "two thousand marks, and one is looked up by its number",
  store_epochs: "one row for each time that a backup was restored",
  key_readers: "processes that are open while data keys are replaced",
  owners: "processes that were alive within a day",
  slots: "no table: the numbers of the slots of keep-alive, made up by the statement that looks into each",
};

/** Those of the tables that grow with the number of grants. The databases' own do not. */
export function growing(tables: readonly string[]): string[] {
  return tables.filter((table) => !Object.hasOwn(small, table) && !/^(?:pg|pragma|sqlite)_/.test(table));
}

/** How many grants the tests of scale fill a store with; `SCALE=full` for the real number. */
export const scale = process.env["SCALE"] === "full" ? 300_000 : 60_000;

/**
 * More steps than any statement needs that returns or changes so many rows, and fewer than there are grants. The look into each
 * slot of keep-alive takes the most: fifty for each of them, however many grants there are.
 */
export function affordable(rows: number, perRow: number): number {
  return 4_000 + perRow * rows;
}

/** No statement brings or changes more rows than this at once. */
export const rowsAtOnce = 501;
