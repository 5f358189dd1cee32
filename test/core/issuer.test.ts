import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { issuersFor } from "../../src/core/issuer.ts";

describe("the issuers that an ID token may name", () => {
  const issuer = "https://login.example/common/v2.0";
  const alsoIssuedAs = ["https://login.example/{tid}/v2.0"];
  const tables: readonly (readonly [string, Record<string, unknown>, readonly string[]])[] = [
    ["of its own tenant", { tid: "9a-1" }, [issuer, "https://login.example/9a-1/v2.0"]],
    ["without a tenant", {}, [issuer]],
    ["with an empty tenant", { tid: "" }, [issuer]],
    ["with a tenant that is no text", { tid: 7 }, [issuer]],
    ["with a tenant that is a path", { tid: "../x" }, [issuer]],
    ["with a tenant that has a slash", { tid: "a/b" }, [issuer]],
    ["with a tenant of dots", { tid: ".." }, [issuer]],
    ["with a tenant that is a pattern", { tid: "{tid}" }, [issuer]],
  ];
  for (const [what, claims, expected] of tables) {
    test(`the issuers that an ID token may name: ${what}`, () => {
      assert.deepEqual(issuersFor({ issuer, alsoIssuedAs }, claims), expected);
    });
  }

  test("the issuers that an ID token may name do not come from what every object has", () => {
    assert.deepEqual(issuersFor({ issuer, alsoIssuedAs: ["https://x.example/{constructor}"] }, {}), [issuer]);
  });
});
