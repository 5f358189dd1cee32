import { OnbehalfError } from "../../core/errors.ts";

type Failure = readonly [what: string, hint: string];

const away: Failure = ["cannot be reached", "look whether the server runs and this host may connect to it"];
const busy: Failure = ["is busy", "look for long transactions that hold locks: select * from pg_stat_activity"];
const refused: Failure = ["refuses this user", "look at the user, the password and pg_hba.conf"];

/** SQLSTATEs, or their classes, that say the database cannot be used now. */
const unavailable: Readonly<Record<string, Failure>> = {
  "08": away,
  "57": ["is stopping, starting or cancelled the statement", "nothing was lost: it is tried again"],
  "57014": busy,
  "55P03": busy,
  "40": busy,
  "25P03": ["ended a transaction that stood still", "this process was paused; it is tried again"],
  "25006": ["is read-only", "connect to the primary; look whether its disk is full"],
  "53": ["is out of resources", "look at its memory and disk"],
  "53100": ["is on a full disk", "free some space; nothing was lost"],
  "53300": ["has no connection left", "raise max_connections, or give the store a smaller poolSize"],
  "58": ["cannot read or write its files", "look at the server's disk and log"],
  "28": refused,
  "3D": ["does not exist", "create it: createdb"],
};

/** SQLSTATEs that say it cannot be used as it is, and no waiting helps. */
const unusable: Readonly<Record<string, Failure>> = {
  "42501": ["does not give this user the rights it needs", "migrate as the owner of the schema, or grant them"],
  "42P01": ["lacks a table", "run: onbehalf migrate"],
  "42P07": ["has tables of somebody else by the same names", "give this store a database or a schema of its own"],
  XX001: ["is damaged", "look at the server's log, and restore a backup"],
  XX002: ["has a damaged index", "look at the server's log; reindex, or restore a backup"],
};

/**
 * What `pg` threw as one of ours; a statement that is wrong in itself unchanged. Neither message carries more of the
 * connection string than `location` does.
 */
export function postgresFailure(error: unknown, location: string): unknown {
  if (!(error instanceof Error) || error instanceof OnbehalfError) return error;
  const state = sqlState(error);
  // What is not the server's answer is the lack of one.
  if (state === undefined) return failed("store_unavailable", location, withCode(away, error), error);
  const broken = unusable[state];
  if (broken !== undefined) return failed("store_unusable", location, broken, error);
  const failure = unavailable[state] ?? unavailable[state.slice(0, 2)];
  return failure === undefined ? error : failed("store_unavailable", location, failure, error);
}

/** Whether the connection is gone, and another one may well work. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const state = sqlState(error);
  return state === undefined || state.startsWith("08") || state.startsWith("57P");
}

/** The server's own code for an error; undefined where the error is not the server's. */
function sqlState(error: Error): string | undefined {
  return "severity" in error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function withCode([what, hint]: Failure, error: Error): Failure {
  return "code" in error && typeof error.code === "string" ? [`${what} (${error.code})`, hint] : [what, hint];
}

function failed(
  code: "store_unusable" | "store_unavailable",
  location: string,
  [what, hint]: Failure,
  cause: unknown,
): OnbehalfError {
  const message = `the database ${location} ${what}`;
  return code === "store_unusable"
    ? new OnbehalfError(code, message, { hint, details: {}, cause })
    : new OnbehalfError(code, message, { hint, details: { retryAfterMs: 1_000 }, cause });
}
