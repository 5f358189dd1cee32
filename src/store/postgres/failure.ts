import { OnbehalfError } from "../../core/errors.ts";
import { storeUnavailable, storeUnusable } from "../sql/failure.ts";

/** `problem` follows the database's location in the message. */
interface Failure {
  readonly problem: string;
  readonly hint: string;
}

const unreachable: Failure = {
  problem: "cannot be reached",
  hint: "check that the server is running and accepts connections from this host",
};
const busy: Failure = {
  problem: "is busy",
  hint: "look for long transactions that hold locks: select * from pg_stat_activity",
};

/** SQLSTATEs, or their classes, that say the database cannot be used now. */
const unavailable: Readonly<Record<string, Failure>> = {
  "08": unreachable,
  "57": {
    problem: "is starting or stopping, or cancelled the statement",
    hint: "nothing was lost; onbehalf tries again by itself",
  },
  "57014": busy,
  "55P03": busy,
  "40": busy,
  "25P03": {
    problem: "ended a transaction that made no progress",
    hint: "this process was paused for several seconds; onbehalf tries again by itself",
  },
  "25006": {
    problem: "is read-only",
    hint: "connect to the primary server; if this is the primary, check whether its disk is full",
  },
  "53": { problem: "is out of resources", hint: "check the server's memory and disk" },
  "53100": { problem: "is on a full disk", hint: "free some space on the server; nothing was lost" },
  "53300": { problem: "has no connection left", hint: "raise max_connections, or give the store a smaller poolSize" },
  "58": { problem: "cannot read or write its files", hint: "check the server's disk and its log" },
  "28": { problem: "does not let this user log in", hint: "check the user, the password and pg_hba.conf" },
  "3D": { problem: "does not exist", hint: "create it: createdb" },
};

/** SQLSTATEs that say the database cannot be used as it is, and no waiting helps. */
const unusable: Readonly<Record<string, Failure>> = {
  "42501": {
    problem: "does not give this user the rights it needs",
    hint: "run onbehalf migrate as the owner of the schema, and grant this user the rights on its tables",
  },
  "42P01": { problem: "lacks a table", hint: "run: onbehalf migrate" },
  "42P07": {
    problem: "has tables with the same names that belong to another program",
    hint: "give onbehalf a database or a schema of its own",
  },
  XX001: { problem: "is damaged", hint: "look at the server's log, and restore a backup" },
  XX002: { problem: "has a damaged index", hint: "look at the server's log; rebuild the index, or restore a backup" },
};

/**
 * Turns what `pg` threw into one of our errors; leaves an error in the statement itself unchanged. Neither message
 * carries more of the connection string than `location` does.
 */
export function postgresFailure(error: unknown, location: string): unknown {
  if (!(error instanceof Error) || error instanceof OnbehalfError) return error;
  const state = sqlState(error);
  const message = ({ problem }: Failure): string => `the database ${location} ${problem}`;
  if (state === undefined) {
    // Whatever is not the server's answer is the lack of one.
    const code = "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
    return storeUnavailable(message(unreachable) + code, unreachable.hint, error);
  }
  const broken = unusable[state];
  if (broken !== undefined) return storeUnusable(message(broken), broken.hint, error);
  const failure = unavailable[state] ?? unavailable[state.slice(0, 2)];
  return failure === undefined ? error : storeUnavailable(message(failure), failure.hint, error);
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
