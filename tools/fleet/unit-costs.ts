/** What `measure.ts` has found, and what follows from it for a server of an ordinary size. */
import { readFileSync } from "node:fs";
import type { UnitCosts } from "./database.ts";

/** What was measured, and on what. Milliseconds of the server's CPU time, and bytes. */
export interface MeasuredCosts {
  readonly machine: string;
  readonly postgres: string;
  /** One of many at once, as in a fleet that is busy, and one by itself. */
  readonly attemptAndCommit: number;
  readonly attemptAndCommitAlone: number;
  readonly attempt: number;
  readonly end: number;
  readonly read: number;
  /** A look for changes that finds none, and what each change adds. */
  readonly look: number;
  readonly change: number;
  /** A page of a listing, and each of its rows. */
  readonly page: number;
  readonly row: number;
  readonly logBytesARefresh: number;
  readonly diskBytesAGrant: number;
  readonly auditBytesARefresh: number;
}

export function measuredCosts(): MeasuredCosts {
  return JSON.parse(readFileSync(new URL("unit-costs.json", import.meta.url), "utf8")) as MeasuredCosts;
}

/** Eight cores, a disk that flushes in a millisecond, and a quarter of one to the server and back: none of it measured. */
const server = { cores: 8, flush: 1, roundTrip: 0.25 };

/** With 64 at once, about so many writes share a transaction. By itself, a write has one of its own. */
const together = 32;

export function onServer(measured: MeasuredCosts): UnitCosts {
  const { attemptAndCommit, attemptAndCommitAlone, attempt, end, read, look, change, page, row } = measured;
  const transaction = Math.max(0, attemptAndCommitAlone - attemptAndCommit) / 2;
  const share = transaction / together;
  const alone = Math.max(0, attempt - share);
  const commit = Math.max(0, attemptAndCommit - 2 * share - alone);
  return { ...server, transaction, attempt: alone, commit, end, read, look, change, page, row };
}
