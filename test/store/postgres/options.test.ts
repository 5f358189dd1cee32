import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseConnectionString } from "../../../src/store/postgres/connection-string.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import { fails } from "../../support/fails.ts";

describe("a PostgreSQL connection string", () => {
  const locations: Record<string, string> = {
    "postgres://ada:pa55@db.example:5433/onbehalf": "postgres://db.example:5433/onbehalf",
    "postgresql://ada@db.example/onbehalf?sslmode=verify-full&password=pa55": "postgres://db.example/onbehalf",
    "postgres://ada:p%40%3A%2Fa@[::1]:5432/onbehalf": "postgres://[::1]:5432/onbehalf",
    "postgres:///onbehalf?host=/var/run/postgresql": "postgres:///var/run/postgresql/onbehalf",
    "postgres:///onbehalf": "postgres://localhost/onbehalf",
  };
  for (const [text, location] of Object.entries(locations)) {
    test(`the location of the connection string ${text} is shown as ${location}`, () =>
      assert.equal(parseConnectionString(text).location, location));
  }

  const parts: Record<string, Partial<ReturnType<typeof parseConnectionString>>> = {
    "postgres://db/x?sslmode=require&channel_binding=require&application_name=a+b": {
      url: "postgres://db/x?application_name=a+b",
      tls: { sslmode: "require" },
      channelBinding: true,
    },
    "postgres://db/x?sslmode=verify-full&sslrootcert=/ca.pem": {
      url: "postgres://db/x",
      tls: { sslmode: "verify-full", sslrootcert: "/ca.pem" },
    },
    "postgres://db/x?ssl=true": { tls: { sslmode: "verify-full" } },
    "postgres://db?dbname=x&connect_timeout=3": { url: "postgres://db/x", connectMs: 3_000 },
    "postgres://db/x?options=-c%20search_path%3Dvault": { url: "postgres://db/x?options=-c%20search_path%3Dvault" },
    "postgres://db/x?keepalives=1&target_session_attrs=read-write&client_encoding=UTF8": { url: "postgres://db/x" },
    "postgres://ada:p%2Fa%3Fss@db/x": { url: "postgres://ada:p%2Fa%3Fss@db/x", channelBinding: false },
  };
  for (const [text, expected] of Object.entries(parts)) {
    test(`the connection string ${text} is taken apart`, () => {
      const parsed = parseConnectionString(text);
      for (const [name, value] of Object.entries(expected)) {
        assert.deepEqual(parsed[name as keyof typeof parsed], value, name);
      }
    });
  }

  const refused: Record<string, string> = {
    "postgres://db/x?pgbouncer=true": "pgbouncer",
    "postgres://db/x?schema=vault": "schema",
    "postgres://db/x?sslcrl=/crl.pem": "sslcrl",
    "postgres://db/x?ssl_min_protocol_version=TLSv1.3": "ssl_min_protocol_version",
    "postgres://db/x?service=mine": "service",
    "postgres://db/x?target_session_attrs=standby": "target_session_attrs",
    "postgres://db/x?client_encoding=LATIN1": "client_encoding",
    "postgres://db/x?SSLMODE=require": "SSLMODE",
    "postgres://db/x?sslmode=required": "sslmode",
    "postgres://db/x?sslmode=": "sslmode",
    "postgres://db/x?sslmode=require&sslmode=disable": "twice",
    "postgres://db/x?connect_timeout=soon": "connect_timeout",
    "postgres://db/x?dbname=y": "database twice",
    "postgres://db1,db2/x": "several hosts",
    "postgres://db/x?query_timeout=1": "query_timeout",
    "postgres://db/x?types=1": "types",
    "postgres://db/x?max=100": "max",
    "postgres://db/x#primary": "#",
    "postgres://ada:100%@db/x": "%",
    "'postgres://ada:pa55word@db/x'": "quotes",
    '"postgres://ada:pa55word@db/x"': "quotes",
    "postgres://ada:pa55word@db/x\n": "line end",
    " postgres://ada:pa55word@db/x": "white space",
    "postgres://${DB_USER}:pa55word@db/x": "variable",
  };
  for (const [text, word] of Object.entries(refused)) {
    test(`the connection string ${text} is refused by name`, () => {
      assert.throws(() => postgres(text), fails("configuration_invalid", word));
      const both = { connectionString: "postgres://db/x", directConnectionString: text };
      assert.throws(() => postgres(both), fails("configuration_invalid", word));
    });
  }

  const malformed = {
    "not a URL": "pa55word",
    "for another database": "mysql://ada:pa55word@db/onbehalf",
    "cut by a slash in its password": "postgres://ada:1234/pa55word@db/onbehalf",
    "cut by a question mark in its password": "postgres://ada:1234?pa55word@db/onbehalf",
    "cut by a hash in its password": "postgres://ada:1234#pa55word@db/onbehalf",
    "malformed by a bad escape in its password": "postgres://ada:pa55word%zz@db:port/onbehalf",
  };
  for (const [what, text] of Object.entries(malformed)) {
    test(`a connection string that is ${what} is rejected, and not repeated in the message`, () => {
      const rejected = fails("configuration_invalid", "connection string", ["pa55word", "1234"]);
      assert.throws(() => postgres(text), rejected);
      assert.throws(
        () => postgres({ connectionString: "postgres://db/onbehalf", directConnectionString: text }),
        rejected,
      );
    });
  }
});
