import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Language, languageOf } from "../../../../../src/vault/http/connect/pages/index.ts";
import { languages } from "../../../../../src/vault/http/connect/pages/languages/language.ts";

describe("the language of the connect pages follows what the browser says", () => {
  const headers: [header: string | null, language: Language][] = [
    [null, "en"],
    ["", "en"],
    ["de", "de"],
    ["de-AT", "de"],
    ["de-Latn-CH-1996", "de"],
    ["es-419,es;q=0.9", "es"],
    ["KO-kr", "ko"],
    ["fr-CA;q=0.8, en;q=0.7", "fr"],
    ["fr;q=0.7, en;q=0.8", "en"],
    ["en;q=0.8, fr ; q=0.9", "fr"],
    ["de;q=0.5,es;q=0.5", "de"],
    ["nl-NL,nl;q=0.9,de;q=0.6,en;q=0.4", "de"],
    ["nl, ja", "en"],
    ["*", "en"],
    ["fr;q=0.5, *", "fr"],
    ["de;q=0, fr;q=0.001", "fr"],
    ["de;q=0", "en"],
    ["de;q=1.5, fr;q=0.2", "fr"],
    ["de;q=abc, fr;q=0.2", "fr"],
    ["de;level=1, fr;q=0.2", "fr"],
    ["deu, esperanto, kok, french", "en"],
    ["de_DE, ko", "ko"],
    [",,;q=1,,fr,,", "fr"],
    [`${"x,".repeat(100_000)}de`, "en"],
  ];
  for (const [header, language] of headers) {
    test(`${JSON.stringify(header).slice(0, 60)} is answered in ${language}`, () => {
      assert.equal(languageOf(header), language);
    });
  }

  test("whatever a browser sends, there is a language", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (header) => languages.includes(languageOf(header))));
  });
});
