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
    test(`${text} is shown as ${location}`, () => assert.equal(locationOf(text), location));
  }

  const malformed = {
    "no URL": "pa55word",
    "another database's": "mysql://ada:pa55word@db/onbehalf",
    "a password with a slash": "postgres://ada:1234/pa55word@db/onbehalf",
    "a password with a question mark": "postgres://ada:1234?pa55word@db/onbehalf",
    "a password with a hash": "postgres://ada:1234#pa55word@db/onbehalf",
    "a password with a bad escape": "postgres://ada:pa55word%zz@db:port/onbehalf",
  };
  for (const [what, text] of Object.entries(malformed)) {
    test(`${what} is refused, and not repeated`, () => {
      const refused = fails("configuration_invalid", "connection string", ["pa55word", "1234"]);
      assert.throws(() => postgres(text), refused);
      assert.throws(
        () => postgres({ connectionString: "postgres://db/onbehalf", directConnectionString: text }),
        refused,
      );
    });
  }
});
