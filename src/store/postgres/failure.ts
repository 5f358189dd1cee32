import { defined } from "../../core/defined.ts";
import { OnbehalfError } from "../../core/errors.ts";
import { loggedError } from "../../core/logged-error.ts";
import { storeUnavailable, storeUnusable } from "../sql/failure.ts";
import type { Failure } from "../sql/failure.ts";
import { connectionFailure } from "./connection-failure.ts";

/** What the database, or whatever stands before it, was asked when it failed: a connection, or a statement on one. */
export type Asked = "connection" | "statement";

/** What an error of the driver means. */
export type Verdict =
  /** The statement itself is wrong: a bug of ours. */
  | { readonly kind: "bug" }
  /** The database cannot be used now, and may soon. */
  | ({ readonly kind: "unavailable" } & Failure)
  /** The database cannot be used as it is, and no waiting helps. */
  | ({ readonly kind: "unusable" } & Failure);

const busy: Failure = {
  problem: "is busy",
  hint: "look for long transactions that hold locks: select * from pg_stat_activity",
};
const refuses: Failure = {
  problem: "cannot be reached",
  hint: "check that the server is running and accepts connections from this host",
};
const pooled: Failure = {
  problem: "is behind a pooler that mixes up sessions",
  hint: "let the pooler keep a transaction on one connection; onbehalf tries again by itself",
};

/** SQLSTATEs, or their classes, that say why the database cannot be used now. */
const unavailable: Readonly<Record<string, Failure>> = {
  "08": refuses,
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
  // What transactions and prepared statements of others leave behind on a connection that a pooler handed on.
  "25": pooled,
  "26": pooled,
  "42P05": pooled,
  "53": { problem: "is out of resources", hint: "check the server's memory and disk" },
  "53100": { problem: "is on a full disk", hint: "free some space on the server; nothing was lost" },
  "53300": { problem: "has no connection left", hint: "raise max_connections, or give the store a smaller poolSize" },
  "54": { problem: "has reached a limit of the server", hint: "look at the server's log for what was too large" },
  "58": { problem: "cannot read or write its files", hint: "check the server's disk and its log" },
  "28": { problem: "does not let this user log in", hint: "check the user, the password and pg_hba.conf" },
  "3D": { problem: "does not exist", hint: "create it: createdb" },
  F0: { problem: "has a configuration file that cannot be read", hint: "look at the server's log" },
};

/** SQLSTATEs that say the database cannot be used as it is, and no waiting helps. */
const unusable: Readonly<Record<string, Failure>> = {
  "42501": {
    problem: "does not give this user the rights it needs",
    hint: "run onbehalf migrate as the owner of the schema, and grant this user the rights on its tables",
  },
  "3F": {
    problem: "has no schema in which this user can make tables",
    hint: "create the schema that the role's search_path names, or correct search_path",
  },
  "42P01": { problem: "lacks a table", hint: "run: onbehalf migrate" },
  "42P07": {
    problem: "has tables with the same names that belong to another program",
    hint: "give onbehalf a database or a schema of its own",
  },
  "22021": notUnicode(),
  "22P05": notUnicode(),
  XX001: { problem: "is damaged", hint: "look at the server's log, and restore a backup" },
  XX002: { problem: "has a damaged index", hint: "look at the server's log; rebuild the index, or restore a backup" },
};

/**
 * The classes of SQLSTATEs that speak of a statement's text, its values or what it does to rows. Such an error on a
 * statement is a bug of ours, and only that: whatever else a server or a pooler says is no fault of the statement.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const aboutStatements: ReadonlySet<string> = new Set("03 07 09 21 22 23 24 27 2F 34 36 39 3B 3C 42 44".split(" "));

/**
 * What an error of the driver means.
 *
 * @param error as `pg` threw it
 * @param asked while a connection is made no statement of ours was sent, so that none can be wrong
 */
export function verdictOn(error: Error, asked: Asked): Verdict {
  // Whatever is not the server's answer is the lack of one.
  if (!("severity" in error)) return { kind: "unavailable", ...connectionFailure(error) };
  const state = sqlState(error) ?? "";
  const kind = state.slice(0, 2);
  const broken = unusable[state] ?? unusable[kind];
  if (broken !== undefined) return { kind: "unusable", ...broken };
  const known = unavailable[state] ?? unavailable[kind];
  if (known !== undefined)
    return { kind: "unavailable", problem: known.problem + said(error, state), hint: known.hint };
  if (asked === "statement" && aboutStatements.has(kind)) return { kind: "bug" };
  return {
    kind: "unavailable",
    problem: `does not do what it should${said(error, state)}`,
    hint: "look at the log of the server, and of a pooler or proxy before it; onbehalf tries again by itself",
  };
}

/**
 * Turns what `pg` threw into one of our errors; leaves an error in the statement itself unchanged. Neither message
 * carries more of the connection string than `location` does.
 */
export function postgresFailure(error: unknown, location: string, asked: Asked = "statement"): unknown {
  if (error instanceof OnbehalfError) return error;
  const thrown = error instanceof Error ? error : new Error(String(error));
  const verdict = verdictOn(thrown, asked);
  if (verdict.kind === "bug") return error;
  const make = verdict.kind === "unusable" ? storeUnusable : storeUnavailable;
  return make(`the database ${location} ${verdict.problem}`, verdict.hint, withoutWords(thrown));
}

/**
 * What of an error may be kept as a cause: what it is and where it was thrown. A server's, a pooler's and a certificate's own
 * words may repeat anything: values of the statement, or the password that was sent.
 */
function withoutWords(error: Error): Error {
  const { name, code, syscall, stack } = loggedError(error);
  const bare = new Error(code ?? name);
  bare.name = name;
  bare.stack = stack ?? name;
  return Object.assign(bare, defined({ code, syscall }));
}

/**
 * Classes of errors after which the session itself is sound. After any other, the connection is given up: it costs
 * little to make another one, and a session that somebody else has used costs a grant. A prepared statement whose table
 * was changed meanwhile (0A000) is prepared anew on another connection.
 */
const sessionGoesOn: ReadonlySet<string> = new Set([...aboutStatements, "3F", "40", "53", "54", "55", "P0"]);

/** A statement's name that is not there, or is there already: what others have left on a session, or taken from it. */
const ofOtherSession: ReadonlySet<string> = new Set(["26000", "42P05"]);
/** Nobody knows whether the statement was carried out. */
const completionUnknown = "40003";

/** Whether a statement met a session that somebody else has used, as behind a pooler that shows the server's process ids. */
export function isOfOtherSession(error: unknown): boolean {
  return error instanceof Error && ofOtherSession.has(sqlState(error) ?? "");
}

/** Whether the connection is gone or not to be trusted, and another one may well work. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  const state = sqlState(error);
  if (state === completionUnknown || isOfOtherSession(error)) return true;
  return state === undefined || !(state === "57014" || sessionGoesOn.has(state.slice(0, 2)));
}

/** The server's own code for an error; undefined where the error is not the server's, or has no code. */
function sqlState(error: Error): string | undefined {
  if (!("severity" in error && "code" in error && typeof error.code === "string")) return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/** The server's own words, in one line that ends, and its SQLSTATE. What is no plain word may be a secret that it repeats. */
function said({ message }: Error, state: string): string {
  // Of a failed log-in, the words name the user.
  const words = /^(?:28|3D)/.test(state)
    ? ""
    : message
        .replaceAll(/[^\x20-\x7E]+/g, " ")
        .trim()
        .slice(0, 160)
        .replaceAll(/\S+/g, (word) =>
          /^[("']?[A-Za-z]?[a-z]{0,20}(?:-[a-z]{1,20})?[)"',.:;!?]*$/.test(word) ? word : "...",
        );
  return (words === "" ? "" : `: ${words}`) + (state === "" ? "" : ` (${state})`);
}

function notUnicode(): Failure {
  return {
    problem: "cannot hold every character, because its encoding is not UTF8",
    hint: "make a database with: createdb --encoding UTF8 --template template0",
  };
}
