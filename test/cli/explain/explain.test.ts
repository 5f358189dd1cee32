import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { findTerms, nearWords } from "../../../src/cli/explain/find-terms.ts";
import { termsOf } from "../../../src/cli/explain/terms.ts";
import type { Term } from "../../../src/cli/explain/terms.ts";
import { reasonInWords } from "../../../src/core/diagnosis/provider-words.ts";
import { reasons } from "../../../src/core/diagnosis/reasons.ts";
import { refusalsOf, standardRefusals } from "../../../src/core/refresh.ts";
import { statusOf } from "../../../src/core/errors.ts";
import { problemOf } from "../../../src/core/problem.ts";
import { OnbehalfError, github, google, microsoft, slack } from "../../../src/index.ts";
import type { ErrorCode } from "../../../src/index.ts";

const page = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");
const terms = termsOf({ errors: page("errors.md"), library: page("library.md"), operations: page("operations.md") });

/** Whether there is such a page, and a section of that name in it. */
function isThere(place: string): boolean {
  const [name = "", section] = place.split("#");
  const headings = [...page(name).matchAll(/^##+ (.*)$/gm)].map(([, title = ""]) => {
    return title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-");
  });
  return section === undefined || headings.includes(section);
}

/** What a text is explained as: kind and word of each, with a description where one was told apart. */
function explained(text: string): string[] {
  return findTerms(text, terms).map(({ kind, word, says }) =>
    says === undefined ? `${kind} ${word}` : `${kind} ${word} ${says}`,
  );
}

describe("the words that explain knows", () => {
  test("the words that explain knows: each says what it means, who can act, what to do, and where that stands", () => {
    const parties = new Set(["person", "developer", "operator", "provider"]);
    for (const { word, kind, means, fix, dependsOn, page } of terms) {
      assert.notEqual(means, "", `${word} means nothing`);
      assert.notEqual(fix, "", `${word} has nothing to do`);
      assert.doesNotMatch(`${means} ${fix}`, /\]\(|\*\*|`|\|/, `${word} has marks of Markdown in it`);
      if (kind !== "event") assert.ok(parties.has(dependsOn ?? ""), `${word}: ${dependsOn ?? "nobody"}`);
      assert.ok(isThere(page), `${word}: there is no ${page}`);
    }
  });

  test("the words that explain knows: each of our codes is there once, with its status", () => {
    const codes = terms.filter(({ kind }) => kind === "code");
    for (const { word, status } of codes) assert.equal(status, statusOf(word as ErrorCode), word);
    const party = (word: string): string | undefined => codes.find((each) => each.word === word)?.dependsOn;
    assert.equal(party("reauthorization_required"), "person");
    assert.equal(party("client_misconfigured"), "operator");
    assert.equal(party("key_invalid"), "operator");
    assert.equal(party("provider_unavailable"), "provider");
    assert.equal(party("csrf_rejected"), "developer");
  });

  test("the words that explain knows: every word that decides over a refresh is among those of providers", () => {
    const known = new Set(terms.filter(({ kind }) => kind === "provider").map(({ word }) => word));
    const client = { clientId: "id", clientSecret: "secret" };
    const records = [google(client), github(client), slack(client), microsoft({ ...client, tenant: "common" })];
    const refusals = [standardRefusals, ...records.map(refusalsOf)];
    const words = refusals.flatMap((each) => Object.keys(each)).flatMap((each) => each.split("/"));
    assert.deepEqual(
      // Entra's numbers stand in its descriptions with their family's name before them.
      words.filter((word) => !known.has(/^\d+$/.test(word) ? `AADSTS${word}` : word)),
      [],
    );
  });

  test("the words that explain knows: no word of a provider stands there twice with the same description", () => {
    const rows = terms.filter(({ kind }) => kind === "provider").map(({ word, says = "" }) => `${word} ${says}`);
    assert.deepEqual(
      rows.filter((row, index) => rows.indexOf(row) !== index),
      [],
    );
  });
});

describe("what explain finds in a text", () => {
  const cases: readonly (readonly [what: string, text: string, found: readonly string[]])[] = [
    ["a code of ours", "client_misconfigured", ["code client_misconfigured"]],
    ["a code in capitals and with blanks", "  Client Misconfigured. ", ["code client_misconfigured"]],
    ["a word of a provider", "org_internal", ["provider org_internal"]],
    ["a number of Entra's", "AADSTS7000222", ["provider AADSTS7000222"]],
    ["an event", "unusual_reads", ["event unusual_reads"]],
    [
      "a status",
      "403",
      [
        "code forbidden",
        "code csrf_rejected",
        "code ticket_invalid",
        "code host_not_allowed",
        "code insufficient_scope",
      ],
    ],
    [
      "a provider's raw answer, told apart by its description",
      '{\n  "error": "invalid_grant",\n  "error_description": "Token has been expired or revoked."\n}',
      ["provider invalid_grant Token has been expired or revoked."],
    ],
    [
      "a provider's answer with a description that nobody knows",
      '{"error":"invalid_grant","error_description":"session not active"}',
      ["provider invalid_grant"],
    ],
    [
      "a subtype beside the error",
      '{"error":"invalid_grant","error_subtype":"invalid_rapt","error_description":"reauth related error"}',
      ["provider invalid_grant", "provider invalid_rapt"],
    ],
    [
      "Entra's number within a description",
      '{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.","error_codes":[7000215]}',
      ["provider invalid_client", "provider AADSTS7000215"],
    ],
    [
      "a redirect's address",
      "https://app.example/cb?state=x&error=access_denied&error_description=The+app+has%20not%20completed%20the%20Google%20verification%20process",
      ["provider access_denied has not completed the Google verification process"],
    ],
    [
      "a header of an API",
      'www-authenticate: Bearer realm="x", error="invalid_token", error_description="expired"',
      ["provider invalid_token"],
    ],
    [
      "a form-encoded answer",
      "error=bad_refresh_token&error_description=The+refresh+token+passed+is+incorrect",
      ["provider bad_refresh_token"],
    ],
    ["Google's page", "Error 400: redirect_uri_mismatch", ["provider redirect_uri_mismatch"]],
    [
      "an API's answer",
      '{"error":{"code":403,"message":"Request had insufficient scopes","status":"PERMISSION_DENIED","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}',
      ["provider ACCESS_TOKEN_SCOPE_INSUFFICIENT"],
    ],
    ["a line of the command line", "onbehalf: no such grant (grant_not_found)", ["code grant_not_found"]],
    ["a code that is a word of English, in brackets", "onbehalf: nobody (unauthorized)", ["code unauthorized"]],
    ["a word of English in a sentence", "the request took too long, a timeout, and was unauthorized", []],
    [
      "a line of the log, with the reason that stands in it",
      '{"level":"warn","time":"2026-11-22T00:00:00.000Z","grantId":"g_1","reason":"admin_policy_enforced","msg":"lapsed"}',
      ["reason admin_policy_enforced", "event lapsed"],
    ],
    [
      "an event that has a code's name",
      '{"level":"info","provider":"google","error":"invalid_grant","msg":"code_rejected"}',
      ["provider invalid_grant", "event code_rejected"],
    ],
    [
      "a line of the log behind the time of a container",
      '2026-11-22T00:00:00Z stderr F {"level":"error","msg":"client_refused","error":"invalid_client"}',
      ["event client_refused", "provider invalid_client"],
    ],
    [
      "JSON within JSON",
      '{"log":"{\\"error\\":\\"invalid_scope\\"}\\n","stream":"stderr"}',
      ["provider invalid_scope"],
    ],
    [
      "a stack",
      "OnbehalfError: the person must consent again\n    at x (file.js:1:2) {\n  code: 'reauthorization_required',\n  details: { reason: 'revoked' }",
      ["code reauthorization_required", "reason revoked"],
    ],
    ["Google's own library", "GaxiosError: invalid_grant\n    at Gaxios._request", ["provider invalid_grant"]],
    [
      "a description alone",
      "token has been EXPIRED or revoked",
      ["provider invalid_grant Token has been expired or revoked."],
    ],
    ["an address of the page", "/docs/errors.md#store_unusable", ["code store_unusable"]],
    ["nothing that is known", "the moon is full", []],
    ["nothing at all", "  \n", []],
    [
      "a server that fails blames no person, whatever its sentence names",
      '{"error":"server_error","error_description":"the account was not found in the password database"}',
      ["provider server_error"],
    ],
    [
      "a dead token whose sentence names the password",
      '{"error":"invalid_grant","error_description":"the password was changed"}',
      ["provider invalid_grant", "reason password_changed"],
    ],
  ];
  for (const [what, text, found] of cases) {
    test(`what explain finds: ${what}`, () => assert.deepEqual(explained(text), found));
  }

  test("what explain finds: a problem document of each code is about that code first", () => {
    for (const { word } of terms.filter(({ kind }) => kind === "code")) {
      const error = new OnbehalfError(word as ErrorCode, "what", { hint: "do", details: {} });
      const text = JSON.stringify(problemOf(error).body);
      assert.equal(explained(text)[0], `code ${word}`, text);
    }
  });

  test("what explain finds: a problem's reason and the provider's word in it are explained as well", () => {
    const reauthorize = new OnbehalfError("reauthorization_required", "what", {
      hint: "do",
      details: { grantId: "g_1", since: new Date(0), reason: "invalid_grant" },
    });
    assert.deepEqual(explained(JSON.stringify(problemOf(reauthorize).body)), [
      "code reauthorization_required",
      "reason invalid_grant",
    ]);
    const rejected = new OnbehalfError("code_rejected", "what", {
      hint: "do",
      details: { providerError: "redirect_uri_mismatch" },
    });
    assert.deepEqual(explained(JSON.stringify(problemOf(rejected).body)), [
      "code code_rejected",
      "provider redirect_uri_mismatch",
    ]);
  });

  test("what explain finds: a word that is ours and the provider's is ours in our document, and theirs in their answer", () => {
    assert.deepEqual(explained('{"error":"invalid_request"}'), ["provider invalid_request"]);
    assert.deepEqual(explained('{"error":"invalid_request","hint":"send it"}'), ["code invalid_request"]);
    assert.deepEqual(explained("onbehalf: code is missing (invalid_request)"), ["code invalid_request"]);
    assert.deepEqual(explained("invalid_request"), ["code invalid_request", "provider invalid_request"]);
  });

  test("what explain finds: large texts and odd ones take no time to speak of", () => {
    for (const text of [
      "(".repeat(200_000),
      "error:".repeat(50_000),
      "%41".repeat(100_000),
      "\\".repeat(200_000),
      "a_".repeat(100_000),
    ]) {
      assert.deepEqual(explained(text), []);
      nearWords(text, terms);
    }
  });
});

describe("the words that explain proposes", () => {
  test("the words that explain proposes are nearest to what was typed, and are ours", () => {
    assert.deepEqual(nearWords("invalid_grnt", terms), ["invalid_grant"]);
    assert.deepEqual(nearWords("Invalid-Clent", terms), ["invalid_client"]);
    assert.deepEqual(nearWords("AADSTS700021", terms).length, 1);
    assert.deepEqual(nearWords("the moon is full", terms), []);
  });

  test("the words that explain proposes hold nothing of a secret that was pasted", () => {
    const words = new Set(terms.map(({ word }) => word));
    for (const secret of [
      "GOCSPX-invalid_client_x",
      "1//0invalid_gant",
      "obk_0123456789abcdef",
      "ya29.a0_invalid_grat",
    ]) {
      for (const near of nearWords(secret, terms)) assert.ok(words.has(near), near);
    }
  });
});

describe("what explain prints", () => {
  test("what explain prints comes from the pages alone: a term holds the pages' own words", () => {
    const text = '{"error":"invalid_grant","refresh_token":"1//0abcdefgh","error_description":"ya29.planted"}';
    const found: readonly Term[] = findTerms(text, terms);
    assert.ok(found.length > 0);
    for (const term of found) assert.ok(terms.includes(term));
  });
});

describe("what explain says of a provider's answer, beside what its grant says", () => {
  for (const { word, says = "", dependsOn, fix } of terms.filter(({ kind }) => kind === "provider")) {
    const reason = word.startsWith("AADSTS") ? reasonInWords("", word) : reasonInWords(word, says);
    if (reason === undefined) continue;
    test(`what explain says of ${word}${says === "" ? "" : ` (${says})`} depends on whom ${reason} depends on, and is mended alike`, () => {
      assert.deepEqual([dependsOn, fix], [reasons[reason].dependsOn, reasons[reason].fix]);
    });
  }
});
