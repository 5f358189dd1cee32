import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { trustedIssuersIn } from "../../../src/service/settings/trusted-issuers-file.ts";

/** What is read of a file, and what is said of it without its path. */
function read(t: TestContext, text: string): { readonly issuers: readonly unknown[]; readonly problems: string[] } {
  const folder = mkdtempSync(join(tmpdir(), "onbehalf-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "issuers.json");
  writeFileSync(path, text);
  const problems: string[] = [];
  const issuers = trustedIssuersIn(path, problems);
  return { issuers, problems: problems.map((problem) => problem.replace(/^.*issuers\.json:?/, "")) };
}

const entry = {
  issuer: "https://login.app.example",
  audience: "app-api",
  jwks_uri: "https://login.app.example/keys",
  external_id_claim: "user_id",
};

describe("the file of trusted issuers", () => {
  test("a file of trusted issuers is read, with the names that the library has for their members", (t) => {
    const second = { ...entry, issuer: "https://second.example", audience: ["a", "b"], external_id_claim: undefined };
    const { issuers, problems } = read(t, `\uFEFF${JSON.stringify({ issuers: [entry, second] })}`);
    assert.deepEqual(problems, []);
    assert.deepEqual(issuers, [
      {
        issuer: "https://login.app.example",
        audience: "app-api",
        jwksUri: "https://login.app.example/keys",
        externalIdClaim: "user_id",
      },
      { issuer: "https://second.example", audience: ["a", "b"], jwksUri: "https://login.app.example/keys" },
    ]);
  });

  test("everything that is wrong in a file of trusted issuers is named at once, with its line", (t) => {
    const { problems } = read(
      t,
      `{
  "issuer": [],
  "issuers": [
    {
      "issuer": "https://one.example ",
      "jwksUri": "https://one.example/keys",
      "jwks_uri": "http://one.example/keys",
      "external_id_claim": ""
    },
    "two",
    { "issuer": "https://three.example", "audience": [], "jwks_uri": "https://u:p@three.example/keys" }
  ]
}`,
    );
    assert.deepEqual(problems, [
      "2: issuer is not known: write issuers",
      "6: jwksUri is not known: write jwks_uri",
      "5: issuer must be the iss of its tokens, as they have it",
      "4: audience must be what aud of its tokens names, or a list of such texts",
      "7: jwks_uri must be an https URL without credentials (plain http is allowed for loopback addresses alone)",
      "8: external_id_claim must be the name of the claim that holds the app's own user id, or be left out",
      "10: an issuer must be an object with issuer, audience, jwks_uri, external_id_claim",
      "11: audience must be what aud of its tokens names, or a list of such texts",
      "11: jwks_uri must be an https URL without credentials (plain http is allowed for loopback addresses alone)",
    ]);
  });

  test("an issuer or a member that stands there twice is refused: nobody sees which was meant", (t) => {
    const twice = read(t, JSON.stringify({ issuers: [entry, { ...entry, audience: "other" }] }));
    assert.match(twice.problems.join(), /this issuer stands there twice/);
    const text = JSON.stringify({ issuers: [entry] }).replace('"audience"', '"audience":"x","audience"');
    assert.match(read(t, text).problems.join(), /issuers\.0\.audience stands there twice: keep one/);
  });

  for (const text of ["", "{", "[]", "{}", '{"issuers":{}}', '{"issuers":[]}', "null"]) {
    test(`a file of trusted issuers that holds ${text || "nothing"} is refused`, (t) => {
      const { issuers, problems } = read(t, text);
      assert.deepEqual([issuers.length, problems.length], [0, 1]);
    });
  }

  test("a file of trusted issuers that is not there is named by its setting", () => {
    const problems: string[] = [];
    assert.deepEqual(trustedIssuersIn("/nowhere/issuers.json", problems), []);
    assert.match(problems.join(), /^ONBEHALF_TRUSTED_ISSUERS_FILE: the file \/nowhere\/issuers\.json /);
  });
});
