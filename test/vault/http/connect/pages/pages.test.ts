import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  confirmPage,
  type ConfirmView,
  continuePage,
  type Outcome,
  outcomePage,
  outcomeStatus,
} from "../../../../../src/vault/http/connect/pages/index.ts";
import { languages, textsOf } from "../../../../../src/vault/http/connect/pages/languages/language.ts";

const view: ConfirmView = {
  language: "en",
  appName: "Notes",
  providerName: "Google",
  userLabel: "user-42",
  scopes: ["openid", "email", "https://www.googleapis.com/auth/drive.appdata", "repo:status"],
  actionUrl: "/connect/c_1",
  csrf: "csrf-1",
};

const outcomes = Object.keys(outcomeStatus) as Outcome[];

/** The page without what differs by its values: tags with their attributes' names, in order. */
function skeleton(page: string): string {
  return page
    .replace(/<style>.*<\/style>/s, "<style></style>")
    .replaceAll(/="[^"]*"/g, "")
    .replaceAll(/>[^<]*</g, "><");
}

/** What stands in the page to be read, without what separates the paragraphs. */
function read(page: string): string {
  const body = page.slice(page.indexOf("<main>"));
  const text = body.replaceAll(/<[^>]*>/g, "");
  const decoded = text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (entity) => signs[entity] ?? entity);
  return decoded.replaceAll(/\s+/g, " ").trim();
}
const signs: Readonly<Record<string, string>> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };

describe("the texts of the connect pages", () => {
  const english = Object.entries(textsOf.en);
  const places = (text: string): string[] => [...new Set(text.match(/\{[a-z]+\}/g))].sort();
  for (const language of languages) {
    test(`${language} says everything that English says, with the same names in it`, () => {
      const texts: Readonly<Record<string, string>> = { ...textsOf[language] };
      assert.deepEqual(Object.keys(texts).sort(), english.map(([key]) => key).sort());
      for (const [key, said] of english) {
        assert.deepEqual(places(texts[key] ?? ""), places(said), key);
        assert.notEqual((texts[key] ?? "").trim(), "", key);
        if (language !== "en" && key !== "detailTitle") assert.notEqual(texts[key], said, `${key} is not translated`);
      }
    });

    test(`${language} has no place for a name that the pages do not fill`, () => {
      const known = new Set(["{app}", "{provider}"]);
      assert.deepEqual(
        Object.values(textsOf[language])
          .flatMap(places)
          .filter((place) => !known.has(place)),
        [],
      );
    });
  }
});

describe("the confirmation before a connect link leads on", () => {
  test("it says which account at which provider will be connected to which user of which app, and what is asked for", () => {
    const said = read(confirmPage({ ...view, accountHint: "ada@example.com" }));
    for (const part of [
      "Connect your Google account to Notes?",
      "Whoever uses Notes as the user below can then access your Google account through it.",
      "Your account at Google ada@example.com",
      "User account in Notes user-42",
      "What Notes asks for",
      "See your e-mail address",
      "Keep its own data in a folder of your Google Drive, without access to your other files",
      "repo:status",
      "Is the user account in Notes above yours?",
      "Whoever uses that account could get access to yours.",
      "Continue to Google",
      "Cancel",
    ])
      assert.ok(said.includes(part), `${part}\n${said}`);
  });

  for (const language of languages) {
    test(`in ${language}, an account that was connected before is asked for as that, and neither it nor the user is named to whoever opens the link`, () => {
      const texts = textsOf[language];
      const page = confirmPage({ ...view, language, isAgain: true, accountHint: "ada@example.com" });
      const said = read(page);
      for (const part of [texts.againAccount, texts.againOther]) assert.ok(said.includes(part), `${part}\n${said}`);
      for (const name of ["Notes", "Google"]) assert.ok(said.includes(name), name);
      for (const hidden of ["user-42", "ada@example.com", texts.warning.split("{")[0] ?? ""])
        assert.ok(!page.includes(hidden), hidden);
      assert.match(page, /value="continue"[^]*value="cancel"/);
    });
  }

  test("without a hint, or with one of which nothing can be seen, it says that the person chooses the account", () => {
    for (const accountHint of [undefined, "", " \n", "\u200b\u202e"]) {
      const page = confirmPage(accountHint === undefined ? view : { ...view, accountHint });
      assert.match(read(page), /Your account at Google The one you choose on the next page/);
    }
  });

  test("without scopes of its own it says that the provider shows what is asked for", () => {
    assert.match(read(confirmPage({ ...view, scopes: [] })), /Google shows on the next page what Notes asks for\./);
  });

  test("a scope that means what the page says anyway is not listed", () => {
    assert.doesNotMatch(confirmPage({ ...view, scopes: ["repo", "offline_access"] }), /offline_access/);
    assert.match(read(confirmPage({ ...view, scopes: ["offline_access"] })), /Google shows on the next page/);
  });

  test("scopes that mean the same are listed once", () => {
    const scopes = ["email", "https://www.googleapis.com/auth/userinfo.email", "repo", "repo"];
    const said = read(confirmPage({ ...view, scopes }));
    assert.equal(said.split("See your e-mail address").length, 2);
    assert.equal(said.split("repo").length, 2);
  });

  test("it cancels at the app where there is an address of the web for that, and by its form otherwise", () => {
    const link = confirmPage({ ...view, cancelUrl: "https://app.example/back?status=error&error=access_denied" });
    assert.match(
      link,
      /<a class="button quiet" href="https:\/\/app\.example\/back\?status=error&amp;error=access_denied"/,
    );
    assert.doesNotMatch(link, /value="cancel"/);
    for (const others of [{}, { cancelUrl: "javascript:alert(1)" }, { cancelUrl: "/connect/c_1" }, { cancelUrl: "" }]) {
      const page = confirmPage({ ...view, ...others });
      assert.match(page, /name="decision" value="cancel"/);
      assert.doesNotMatch(page, /href/);
    }
  });

  for (const language of languages) {
    test(`in ${language} it says its language, and names app, provider and user`, () => {
      const page = confirmPage({ ...view, language });
      assert.match(page, new RegExp(`<html lang="${language}" dir="ltr">`));
      for (const value of ["Notes", "Google", "user-42"]) assert.ok(page.includes(`<bdi>${value}</bdi>`), value);
      assert.doesNotMatch(read(page), /[{}]/);
    });
  }
});

describe("the page that leads on to the provider", () => {
  test("it leads there at once without a script, and by a link where a browser waits to be asked", () => {
    const url = "https://accounts.google.com/o/oauth2/v2/auth?client_id=1&state=s%22%3E";
    const page = continuePage({ language: "en", providerName: "Google", url });
    const written = url.replaceAll("&", "&amp;");
    assert.ok(page.includes(`<meta http-equiv="refresh" content="0; url=${written}" />`));
    assert.ok(page.includes(`href="${written}"`));
    assert.doesNotMatch(page, /<script/);
  });

  test("it leads nowhere but to the web", () => {
    for (const url of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/connect", ""])
      assert.throws(() => continuePage({ language: "en", providerName: "Google", url }), TypeError, url);
  });
});

describe("the page at which a connect link ends", () => {
  for (const outcome of outcomes) {
    test(`of ${outcome} there is a page in each language, with nothing of another one`, () => {
      const pages = languages.map((language) => read(outcomePage({ language, outcome })));
      assert.equal(new Set(pages).size, languages.length);
      for (const page of pages) assert.doesNotMatch(page, /[{}]|undefined/);
    });
  }

  test("it has a link back to the app, goes there by itself where it should, and leads to nothing that runs", () => {
    const url = "https://app.example/back?a=1&b=2";
    const linked = outcomePage({ language: "en", outcome: "denied", backUrl: url });
    assert.match(linked, /href="https:\/\/app\.example\/back\?a=1&amp;b=2"/);
    assert.doesNotMatch(linked, /http-equiv/);
    const going = outcomePage({ language: "en", outcome: "denied", backUrl: url, goesBack: true });
    assert.match(going, /<meta http-equiv="refresh" content="0; url=https:\/\/app\.example\/back\?a=1&amp;b=2" \/>/);
    assert.match(outcomePage({ language: "en", outcome: "denied", backUrl: "com.example.app:/x" }), /href="com\./);
    for (const backUrl of [
      "javascript:alert(1)",
      " javascript:alert(1)",
      "java\nscript:alert(1)",
      "data:text/html,x",
      "/x",
    ])
      assert.doesNotMatch(
        outcomePage({ language: "en", outcome: "denied", backUrl, goesBack: true }),
        /href|http-equiv/,
      );
  });

  test("a provider's words stand in it as a quotation, not as ours", () => {
    const page = outcomePage({ language: "en", outcome: "failed", detail: "<script>alert(1)</script>" });
    assert.match(page, /<q><bdi>&lt;script&gt;alert\(1\)&lt;\/script&gt;<\/bdi><\/q>/);
  });
});

const marks =
  `" ' < > & \` = / \\ -- <!-- ]]> </title> </style> <script> javascript: onload= &lt; &#60; {app} {provider} $& $1`.split(
    " ",
  );
const signsOfOthers = [
  "\u0000",
  "\r\n",
  "\u2028",
  "\u202e",
  "\u2066",
  "\u2069",
  "\ud800",
  "e\u0301".repeat(9),
  "\u0489".repeat(30),
  "اسم",
  "가",
  "x".repeat(200),
];

describe("what comes from others stays in its place on the connect pages", () => {
  const odd = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.constantFrom(...marks, ...signsOfOthers)).map((parts) => parts.join("")),
  );
  // Of these values something can be seen, so that the page has the same parts with each of them.
  const seen = odd.map((value) => `n${value}`);

  test("no value can add, end or change an element or an attribute", () => {
    const plain = confirmPage({ ...view, accountHint: "n", scopes: ["n1"] });
    fc.assert(
      fc.property(seen, seen, seen, seen, odd, (appName, providerName, userLabel, accountHint, csrf) => {
        const page = confirmPage({ ...view, appName, providerName, userLabel, accountHint, csrf, scopes: [userLabel] });
        assert.equal(skeleton(page), skeleton(plain));
      }),
    );
  });

  test("no detail of an error can add, end or change an element or an attribute", () => {
    const plain = outcomePage({ language: "en", outcome: "failed", providerName: "n", detail: "n" });
    fc.assert(
      fc.property(seen, seen, (providerName, detail) => {
        assert.equal(
          skeleton(outcomePage({ language: "en", outcome: "failed", providerName, detail })),
          skeleton(plain),
        );
      }),
    );
  });

  test("no value holds anything that nobody sees, breaks the line, or fills the page", () => {
    fc.assert(
      fc.property(seen, seen, (userLabel, appName) => {
        const page = confirmPage({ ...view, userLabel, appName });
        const values = [...page.matchAll(/<bdi>(.*?)<\/bdi>/gs)].map(([, value = ""]) => value);
        assert.ok(values.length > 0);
        for (const value of values) {
          assert.doesNotMatch(
            value,
            /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufeff]/u,
          );
          assert.doesNotMatch(value, /\p{M}{5}/u);
          assert.ok(Array.from(value.replaceAll(/&[a-z#0-9]+;/g, "x")).length <= 80);
          assert.ok(value.isWellFormed());
        }
        const [, title = ""] = /<title>(.*?)<\/title>/s.exec(page) ?? [];
        assert.equal(title.split("\u2068").length, title.split("\u2069").length);
      }),
    );
  });

  test("a form gives back the very bytes of its secret, whatever they are", () => {
    const page = confirmPage({ ...view, csrf: `a"b<c>&amp;'`, actionUrl: `/connect/"><script>` });
    assert.match(page, /name="csrf" value="a&quot;b&lt;c&gt;&amp;amp;&#39;"/);
    assert.match(page, /action="\/connect\/&quot;&gt;&lt;script&gt;"/);
  });

  const names: [what: string, value: string, shown: string][] = [
    ["an override of direction", "moc.elgoog\u202e", "moc.elgoog"],
    ["a name with its own direction", "شركة", "شركة"],
    ["lines", "user-42\r\n\r\nThis page is safe", "user-42 This page is safe"],
    ["a word of 500 letters", "a".repeat(500), `${"a".repeat(59)}…${"a".repeat(20)}`],
    ["two long ids that differ at the end", `${"a".repeat(500)}7`, `${"a".repeat(59)}…${"a".repeat(19)}7`],
    ["a family emoji, which holds joiners", "👩‍👧", "👩‍👧"],
    ["half a character", "a\ud800b", "a\ufffdb"],
    ["a tower of marks", `Z${"\u0301".repeat(50)}`, `Z${"\u0301".repeat(4)}`],
    ["a name with accents", "José Núñez", "José Núñez"],
    ["a place of our own", "{provider}", "{provider}"],
  ];
  for (const [what, value, shown] of names) {
    test(`shown to people, ${what} becomes ${JSON.stringify(shown).slice(0, 40)}`, () => {
      assert.ok(confirmPage({ ...view, userLabel: value }).includes(`<dd class="name"><bdi>${shown}</bdi></dd>`));
    });
  }

  test("the style holds nothing that would end it or load anything", () => {
    const [, style = ""] = /<style>(.*?)<\/style>/s.exec(confirmPage(view)) ?? [];
    assert.doesNotMatch(style, /[<&]|url\(|@import|expression/);
  });
});
