import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { isOnbehalfError } from "../../../src/core/errors.ts";
import { isLost, postgresFailure, verdictOn } from "../../../src/store/postgres/failure.ts";
import type { Asked } from "../../../src/store/postgres/failure.ts";

/** What the driver throws for an ErrorResponse. */
function answered(code: string | undefined, words = "words of the server", severity = "ERROR"): Error {
  return Object.assign(new Error(words), { severity, code, length: 100 });
}

/** What the driver throws where no answer came. */
function unanswered(message: string, code?: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

/**
 * Every class of SQLSTATEs in appendix A of PostgreSQL's manual, with a member, and what that means where it answers a
 * statement of ours.
 */
const classes: Readonly<Record<string, "unavailable" | "unusable" | "bug">> = {
  "00000": "unavailable", // an error that says it is none
  "01000": "unavailable",
  "02000": "unavailable",
  "03000": "bug",
  "08000": "unavailable",
  "08003": "unavailable",
  "08006": "unavailable",
  "08P01": "unavailable", // PgBouncer: no such user, or a parameter that it does not know
  "09000": "bug",
  "0A000": "unavailable", // what a pooler does not support
  "0B000": "unavailable",
  "0F000": "unavailable",
  "0L000": "unavailable",
  "0P000": "unavailable",
  "0Z000": "unavailable",
  "20000": "unavailable",
  "21000": "bug",
  "22001": "bug",
  "22021": "unusable",
  "22P02": "bug",
  "22P05": "unusable",
  "23505": "bug",
  "24000": "bug",
  "25001": "unavailable",
  "25006": "unavailable", // a standby, after a failover
  "25P02": "unavailable", // a transaction that somebody else has left behind
  "25P03": "unavailable",
  "25P04": "unavailable",
  "26000": "unavailable", // a prepared statement that a pooler has lost
  "27000": "bug",
  "28000": "unavailable",
  "28P01": "unavailable",
  "2B000": "unavailable",
  "2D000": "unavailable",
  "2F000": "bug",
  "34000": "bug",
  "38000": "unavailable",
  "39000": "bug",
  "3B000": "bug",
  "3D000": "unavailable",
  "3F000": "unusable",
  "40000": "unavailable",
  "40001": "unavailable",
  "40P01": "unavailable",
  "42501": "unusable",
  "42601": "bug",
  "42703": "bug",
  "42P01": "unusable",
  "42P05": "unavailable",
  "42P07": "unusable",
  "44000": "bug",
  "53000": "unavailable",
  "53100": "unavailable",
  "53200": "unavailable",
  "53300": "unavailable",
  "54001": "unavailable",
  "55000": "unavailable",
  "55P03": "unavailable",
  "57014": "unavailable",
  "57P01": "unavailable",
  "57P02": "unavailable",
  "57P03": "unavailable",
  "57P05": "unavailable",
  "58000": "unavailable",
  "58030": "unavailable",
  "58P01": "unavailable",
  F0000: "unavailable",
  HV000: "unavailable",
  P0001: "unavailable", // a trigger or a proxy of somebody else's
  XX000: "unavailable", // Supavisor and Neon
  XX001: "unusable",
  XX002: "unusable",
};

/** What is no code, or none that any server has. */
const oddCodes: readonly (string | undefined)[] = [undefined, "", "0", "ZZ999", "zz", "E0001", "FATAL", "99999", "☠"];

describe("what an answer of a PostgreSQL server means", () => {
  for (const [code, kind] of Object.entries(classes)) {
    test(`SQLSTATE ${code}, in answer to a statement, is ${kind}`, () => {
      assert.equal(verdictOn(answered(code), "statement").kind, kind);
    });
    test(`SQLSTATE ${code}, while connecting, is no bug: no statement of ours was sent`, () => {
      assert.equal(verdictOn(answered(code), "connection").kind, kind === "bug" ? "unavailable" : kind);
    });
  }

  for (const code of oddCodes) {
    for (const asked of ["connection", "statement"] as const) {
      test(`an error with the code ${JSON.stringify(code)} (${asked}) is store_unavailable and repeats the words`, () => {
        const error = failureOf(answered(code, "Tenant or user\r\nnot found"), asked);
        assert.equal(error.code, "store_unavailable");
        assert.match(error.message, /Tenant or user not found/);
        assert.ok(isLost(answered(code)), "another connection may work");
      });
    }
  }

  test("a server's words are repeated in one line that ends", () => {
    const { message } = failureOf(answered("XX000", `\u001B[31m${"long ".repeat(1_000)}\n\n`), "statement");
    assert.ok(message.length < 300, message);
    assert.match(message, /^[\x20-\x7E]+$/);
  });

  test("a session goes on after a statement that was refused, and after no other failure", () => {
    for (const code of ["23505", "40001", "40P01", "42601", "53100", "55P03", "57014"]) {
      assert.equal(isLost(answered(code)), false, code);
    }
    for (const code of ["08006", "08P01", "25006", "25P02", "26000", "57P01", "58030", "XX000"]) {
      assert.equal(isLost(answered(code)), true, code);
    }
  });
});

/** What the system, Node, OpenSSL and the driver say, and a word that the message must have. */
const failures: readonly (readonly [message: string, code: string | undefined, word: RegExp])[] = [
  ["connect ECONNREFUSED 127.0.0.1:5432", "ECONNREFUSED", /cannot be reached \(ECONNREFUSED\)/],
  ["read ECONNRESET", "ECONNRESET", /cannot be reached \(ECONNRESET\)/],
  ["write EPIPE", "EPIPE", /cannot be reached/],
  ["connect ETIMEDOUT", "ETIMEDOUT", /does not answer|cannot be reached/],
  ["connect EHOSTUNREACH", "EHOSTUNREACH", /cannot be reached/],
  ["connect ENETUNREACH", "ENETUNREACH", /cannot be reached/],
  ["too many open files", "EMFILE", /cannot be reached/],
  ["connect ENOENT /var/run/postgresql/.s.PGSQL.5432", "ENOENT", /cannot be reached/],
  ["connect EACCES /var/run/postgresql/.s.PGSQL.5432", "EACCES", /cannot be reached/],
  ["getaddrinfo ENOTFOUND db.example", "ENOTFOUND", /no name server knows/],
  ["getaddrinfo EAI_AGAIN db.example", "EAI_AGAIN", /cannot be looked up now/],
  ["self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT", /certificate that is not trusted/],
  ["self-signed certificate in certificate chain", "SELF_SIGNED_CERT_IN_CHAIN", /certificate that is not trusted/],
  ["unable to get local issuer certificate", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", /certificate that is not trusted/],
  ["unable to verify the first certificate", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", /certificate that is not trusted/],
  ["certificate has expired", "CERT_HAS_EXPIRED", /certificate that has expired/],
  ["certificate is not yet valid", "CERT_NOT_YET_VALID", /certificate that is not valid yet/],
  ["certificate revoked", "CERT_REVOKED", /certificate that was revoked/],
  ["Hostname/IP does not match", "ERR_TLS_CERT_ALTNAME_INVALID", /certificate for another host/],
  ["wrong version number", "ERR_SSL_WRONG_VERSION_NUMBER", /over TLS/],
  ["write EPROTO", "EPROTO", /over TLS/],
  ["The server does not support SSL connections", undefined, /does not speak TLS/],
  ["There was an error establishing an SSL connection", undefined, /does not speak PostgreSQL's protocol/],
  ["Connection terminated unexpectedly", undefined, /cannot be reached/],
  ["Connection terminated", undefined, /cannot be reached/],
  ["Connection terminated due to connection timeout", undefined, /does not answer/],
  ["timeout expired", undefined, /does not answer/],
  ["timeout exceeded when trying to connect", undefined, /does not answer/],
  ["Query read timeout", undefined, /does not answer/],
  ["Client has encountered a connection error and is not queryable", undefined, /cannot be reached/],
  ["Received unexpected dataRow message from backend.", undefined, /cannot be reached/],
  ["what came back is not PostgreSQL's protocol", undefined, /does not speak PostgreSQL's protocol/],
  ["Unknown authenticationOk message type 99", undefined, /does not speak PostgreSQL's protocol/],
  ["SASL: Only mechanism(s) SCRAM-SHA-256 are supported", undefined, /not supported/],
  ["SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string", undefined, /asks for a password/],
  ["SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature does not match", undefined, /does not speak PostgreSQL's/],
  ["Invalid array length", undefined, /cannot be reached/],
];

describe("what it means that no answer of a PostgreSQL server came", () => {
  for (const [message, code, word] of failures) {
    test(`"${message}" (${code ?? "no code"}) is store_unavailable and says what to do`, () => {
      for (const asked of ["connection", "statement"] as const) {
        const error = failureOf(unanswered(message, code), asked);
        assert.equal(error.code, "store_unavailable");
        assert.match(error.message, word);
        assert.notEqual(error.hint, "");
      }
      assert.ok(isLost(unanswered(message, code)));
    });
  }

  for (const odd of ["a string", undefined, null, { code: "XX000" }, new RangeError("offset"), new TypeError("x")]) {
    test(`${inspect(odd)}, thrown by the driver, is store_unavailable`, () => {
      assert.equal(failureOf(odd, "statement").code, "store_unavailable");
      assert.ok(isLost(odd));
    });
  }

  test("a certificate that is not trusted is answered with how to trust it", () => {
    const { hint } = failureOf(unanswered("self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"), "connection");
    assert.match(hint, /sslrootcert=.*verify-full/);
  });
});

function failureOf(error: unknown, asked: Asked): { code: string; message: string; hint: string } {
  const failure = postgresFailure(error, "postgres://db.example/onbehalf", asked);
  assert.ok(isOnbehalfError(failure), String(failure));
  assert.ok(failure.message.includes("postgres://db.example/onbehalf"), failure.message);
  return failure;
}
