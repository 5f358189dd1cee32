import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { locationOf } from "../../../src/store/postgres/options.ts";
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
      assert.equal(locationOf(text), location));
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
