import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import type { HttpAnswer, HttpResult } from "../../src/oauth/bounded-fetch.ts";
import { withOwnTokens, withoutIdToken } from "../../src/oauth/plain-oauth-answer.ts";
import { tokenResponseOf } from "../../src/oauth/token-endpoint.ts";

/** What Slack answers to a code: a bot's tokens, and a person's within. */
const answer = {
  ok: true,
  access_token: "xoxb-bot",
  token_type: "bot",
  scope: "commands",
  refresh_token: "xoxe-bot",
  expires_in: 43_200,
  team: { id: "T1", name: "Team" },
  enterprise: { id: "E1", name: "Org" },
  authed_user: {
    id: "U1",
    scope: "search:read",
    access_token: "xoxp-user",
    token_type: "user",
    refresh_token: "xoxe-user",
    expires_in: 43_200,
  },
};
/** The same, the person's tokens first. */
const { authed_user: user, ...rest } = answer;
const reversed = { authed_user: user, ...rest };

const records = {
  user: { tokensIn: "authed_user" },
  bot: { otherTokensIn: ["authed_user"] },
} as const;

const answered = (text: string): HttpAnswer => ({ status: 200, headers: new Headers(), text });
const body = (text: string): HttpResult => ({ kind: "body", ...answered(text) });
const cut = (text: string): HttpResult => ({ kind: "silence", sent: true, error: "econnreset", begun: answered(text) });
const tooLarge = (text: string, found: string): HttpResult => ({ kind: "too-large", ...answered(text), found });

/** Every token that is read in an answer. */
function tokensOf(result: HttpResult): readonly string[] {
  const response = tokenResponseOf(result, 0);
  if (response.kind !== "tokens") return [];
  const { accessToken, refreshToken, otherRefreshTokens = [] } = response.tokens;
  return [accessToken, refreshToken, ...otherRefreshTokens].flatMap((each) => each?.expose() ?? []);
}

function subjectOf(result: HttpResult, tokenAnswer: string | readonly (string | readonly string[])[]): unknown {
  return withoutIdToken({ identity: { tokenAnswer } }, result, {}).subject;
}

describe("an answer that holds the tokens of two, in any form", () => {
  const forms: Readonly<Record<string, (text: string) => string>> = {
    JSON: (text) => text,
    "a list of one": (text) => `[${text}]`,
    "JSON that was encoded twice": (text) => JSON.stringify(text),
    "a comma too many": (text) => text.replace(/\}$/, ",}"),
    "single quotes": (text) => text.replaceAll('"', "'"),
    "a line of a log before it": (text) => `warning: deprecated\n${text}`,
    "white space": (text) => JSON.stringify(JSON.parse(text), undefined, 2),
  };
  for (const [name, spell] of Object.entries(forms)) {
    for (const [whose, record] of Object.entries(records)) {
      for (const whole of [answer, reversed]) {
        test(`the ${whose}'s tokens alone are read of ${name}: ${JSON.stringify(whole).slice(0, 22)}`, () => {
          const found = tokensOf(withOwnTokens(record, body(spell(JSON.stringify(whole))), false));
          assert.deepEqual(
            new Set(found),
            new Set(whose === "user" ? ["xoxp-user", "xoxe-user"] : ["xoxb-bot", "xoxe-bot"]),
          );
        });
      }
    }
  }

  test("wherever an answer is cut off, no token of the other one is read, and ours is once it has come whole", () => {
    const isOf = { user: /^xox[pe]-user$/, bot: /^xox[be]-bot$/ };
    for (const whole of [answer, reversed]) {
      const text = JSON.stringify(whole);
      for (let length = 0; length < text.length; length++) {
        const part = text.slice(0, length);
        for (const whose of ["user", "bot"] as const) {
          for (const result of [cut(part), body(part), tooLarge(part, '"refresh_token":"xoxe-user","x":"')]) {
            const found = tokensOf(withOwnTokens(records[whose], result, false));
            assert.ok(
              found.every((token) => isOf[whose].test(token)),
              `${whose} has ${found.join()} of ${part}`,
            );
            if (part.includes(`"xoxe-${whose}"`)) assert.ok(found.includes(`xoxe-${whose}`), part);
          }
        }
      }
    }
  });

  test("whatever stands in an answer, a token from where others' stand is never read", () => {
    const noise = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
    const text = fc
      .record({ before: noise, after: noise, inner: noise, at: fc.double({ min: 0, max: 1, noNaN: true }) })
      .map(({ before, after, inner, at }) => {
        const whole = JSON.stringify({
          ...before,
          authed_user: { ...inner, access_token: "theirs", refresh_token: "theirs" },
          ...after,
        });
        return whole.slice(0, Math.ceil(whole.length * at));
      });
    fc.assert(
      fc.property(text, (part) => {
        for (const result of [cut(part), body(part)]) {
          assert.ok(!tokensOf(withOwnTokens(records.bot, result, false)).includes("theirs"));
        }
      }),
    );
  });

  test("the answer to a refresh that was cut off holds its owner's tokens, wherever they stand", () => {
    const part = '{"ok":true,"access_token":"xoxe.xoxp-2","refresh_token":"xoxe-2","team":{"id"';
    for (const record of Object.values(records)) {
      assert.deepEqual(new Set(tokensOf(withOwnTokens(record, cut(part), true))), new Set(["xoxe.xoxp-2", "xoxe-2"]));
    }
    // To a code, the person's may still have followed.
    assert.deepEqual(tokensOf(withOwnTokens(records.user, cut(part), false)), []);
  });

  test("others' tokens may stand further down, at a path", () => {
    const text = JSON.stringify({ access_token: "mine", data: { bot: { refresh_token: "theirs" }, kept: 1 } });
    const record = { otherTokensIn: ["data.bot"] };
    assert.deepEqual(tokensOf(withOwnTokens(record, body(text), false)), ["mine"]);
    const broken = text.replace(/\}$/, ',"refresh_token":"r",}');
    assert.deepEqual(new Set(tokensOf(withOwnTokens(record, body(broken), false))), new Set(["mine", "r"]));
  });

  test("a form holds its owner's tokens, and a page that holds an answer replaces no refresh token", () => {
    const form = "access_token=a&refresh_token=r&token_type=bearer";
    assert.deepEqual(tokensOf(withOwnTokens(records.user, body(form), false)), ["a", "r"]);
    const page = `<html><script>var x = ${JSON.stringify(answer)}</script>`;
    const response = tokenResponseOf(withOwnTokens(records.user, body(page), false), 0);
    assert.ok(response.kind !== "tokens" || response.tokens.refreshToken === undefined);
    assert.ok(!tokensOf(withOwnTokens(records.user, body(page), false)).includes("xoxe-bot"));
  });
});

describe("whose tokens an answer says they are, although it is broken", () => {
  const text = JSON.stringify(answer);
  test("an id that came whole counts, and half of one does not", () => {
    for (let length = 0; length < text.length; length++) {
      const subject = subjectOf(cut(text.slice(0, length)), ["team.id", "authed_user.id"]);
      assert.ok(subject === undefined || subject === "T1:U1", String(subject));
      if (text.slice(0, length).includes('"id":"U1"')) assert.equal(subject, "T1:U1");
    }
  });

  test("an id in another's place does not count while the first one may still come", () => {
    const place = [["team.id", "enterprise.id"], "authed_user.id"];
    const part = '{"enterprise":{"id":"E1"},"authed_user":{"id":"U1"},"team":{"i';
    assert.equal(subjectOf(cut(part), place), undefined);
    assert.equal(subjectOf(body(JSON.stringify({ ...answer, team: null })), place), "E1:U1");
    assert.equal(subjectOf(body(text), place), "T1:U1");
  });

  test("a number counts where no digit of it is lost", () => {
    assert.equal(subjectOf(body('{"id":583231,}'), "id"), "583231");
    assert.equal(subjectOf(body('{"id":98765432109876543210,}'), "id"), undefined);
    assert.equal(subjectOf(body('{"id":98765432109876543210}'), "id"), "98765432109876543210");
  });
});
