/**
 * `node tools/experiments/two-connections.ts`: why each SQLite write begins with BEGIN IMMEDIATE, and why reads have a
 * connection of their own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printTable } from "./table.ts";

const folder = mkdtempSync(join(tmpdir(), "onbehalf-experiment-"));
const path = join(folder, "grants.db");
const busyTimeoutMs = 5_000;

function open(timeout: number): DatabaseSync {
  const connection = new DatabaseSync(path, { timeout });
  connection.exec("PRAGMA journal_mode = WAL");
  return connection;
}

/** What a step takes, and how it ends. */
function tried(work: () => unknown): { readonly end: string; readonly tookMs: number } {
  const begun = performance.now();
  let end = "done";
  try {
    work();
  } catch (error) {
    end = `error ${(error as { errcode?: number }).errcode ?? ""}`;
  }
  return { end, tookMs: Math.round(performance.now() - begun) };
}

const ours = open(busyTimeoutMs);
const reader = open(busyTimeoutMs);
const other = open(busyTimeoutMs);
ours.exec("CREATE TABLE grants (id TEXT PRIMARY KEY, generation INTEGER); INSERT INTO grants VALUES ('g', 1)");
const rows: (readonly (string | number)[])[] = [];
const note = (what: string, { end, tookMs }: ReturnType<typeof tried>): void => {
  rows.push([what, end, `${tookMs} ms`]);
};

// Deferred: the transaction reads, somebody else commits, and now it wants to write what it has decided.
ours.exec("BEGIN");
ours.prepare("SELECT generation FROM grants").get();
other.exec("UPDATE grants SET generation = 2");
note(
  `BEGIN, read, another process commits, write (busy timeout ${busyTimeoutMs} ms)`,
  tried(() => ours.exec("UPDATE grants SET generation = 3")),
);
ours.exec("ROLLBACK");

// Immediate: the others wait before they read, so that what one has read is still so when it writes.
ours.exec("BEGIN IMMEDIATE");
ours.prepare("SELECT generation FROM grants").get();
other.exec("PRAGMA busy_timeout = 200");
note(
  "BEGIN IMMEDIATE, read; another process wants to write (it waits, here 200 ms at most)",
  tried(() => other.exec("BEGIN IMMEDIATE")),
);
note(
  "the first one writes what it has decided",
  tried(() => ours.exec("UPDATE grants SET generation = 4")),
);

// Reading meanwhile: on a connection of its own, and on the one that writes.
const generationSeen = (connection: DatabaseSync): number =>
  Number(connection.prepare("SELECT generation FROM grants").get()?.["generation"]);
const before = performance.now();
const seen = [generationSeen(reader), generationSeen(ours)];
rows.push([
  `reading before the commit: own connection sees ${seen[0]}`,
  "done",
  `${Math.round(performance.now() - before)} ms`,
]);
rows.push([`reading before the commit: the writing connection sees ${seen[1]}, which may yet be undone`, "done", ""]);
ours.exec("ROLLBACK");

printTable(["step", "end", "took"], rows);
for (const connection of [ours, reader, other]) connection.close();
rmSync(folder, { recursive: true, force: true });
