import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHash } from "node:crypto";
import { fixedClock, isOnbehalfError } from "../../../src/index.ts";
import { RefusedTokens } from "../../../src/vault/tokens/refused-tokens.ts";
import { bentProvider } from "../../support/bent-provider.ts";
import type { BentOptions, BentProvider } from "../../support/bent-provider.ts";

const digest = (token: string): string => createHash("sha256").update(token).digest("hex");

/** A provider whose API answers each token as `answer` says, and a vault that calls it. */
async function withApi(
  t: Parameters<typeof bentProvider>[0],
  answer: (token: string, url: URL) => Response,
  provider: BentOptions["provider"] = {},
): Promise<BentProvider & { readonly calls: string[] }> {
  const calls: string[] = [];
  const send: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (!url.hostname.endsWith(".example")) return fetch(input, init);
    const token = new Headers(init?.headers).get("authorization")?.slice(7) ?? "";
    calls.push(token);
    return answer(token, url);
  };
  const apiHosts = ["api.example", "other.example"];
  const bent = await bentProvider(t, {}, { provider: { apiHosts, ...provider }, vault: { fetch: send } });
  return Object.assign(bent, { calls });
}

const refusal = (): Response => Response.json({ error: "no" }, { status: 401 });
const note = ({ headers }: Response): string | null => headers.get("onbehalf-refresh");

describe("an API that refuses every token", () => {
  test("an API that refuses every token does not cost a refresh a call: they come ever less often, and the answer says so", async (t) => {
    const provider = await withApi(t, refusal);
    const { grantId } = await provider.connect();
    const call = (): Promise<Response> => provider.vault.fetch(grantId, "https://api.example/x");
    const first = await call();
    assert.deepEqual([first.status, note(first)], [401, "skipped; retry-after=30"]);
    for (let n = 0; n < 10; n++) {
      const response = await call();
      assert.deepEqual([response.status, note(response)], [401, "skipped; retry-after=30"]);
      assert.deepEqual(await response.json(), { error: "no" }, "the API's own answer");
    }
    assert.equal(provider.count("/token"), 2, "the code, and one refresh");
    const waits: number[] = [];
    for (let n = 0; n < 9; n++) {
      const seconds = Number(note(await call())?.split("=")[1]);
      waits.push(seconds);
      provider.clock.advance(seconds * 1000);
    }
    assert.deepEqual(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    assert.equal(provider.count("/token"), 11, "one for each wait, and one for a token that had ended");
  });

  test("an API that refuses every token is answered about where the fetch keeps a copy of each answer, as one that logs does", async (t) => {
    const copies: Response[] = [];
    for (const rotation of ["none", "strict"] as const) {
      const provider = await withApi(
        t,
        () => {
          const answer = new Response("no".repeat(100_000), { status: 401 });
          copies.push(answer);
          return answer.clone();
        },
        { rotation },
      );
      const { grantId } = await provider.connect();
      assert.equal((await provider.vault.fetch(grantId, "https://api.example/x")).status, 401);
    }
    assert.equal(copies.length, 4);
  });

  test("an API that refuses every token says nothing of another host, nor of another person", async (t) => {
    const provider = await withApi(t, (token, url) =>
      url.hostname === "other.example" && token !== "at-1" ? new Response("ok") : refusal(),
    );
    const { grantId } = await provider.connect("ada/1");
    await provider.vault.fetch(grantId, "https://api.example/x");
    assert.equal((await provider.vault.fetch(grantId, "https://other.example/x")).status, 200);
    const { grantId: another } = await provider.connect("carl/1");
    const before = provider.count("/token");
    await provider.vault.fetch(another, "https://api.example/x");
    assert.equal(provider.count("/token"), before + 1);
  });

  test("many hosts that refuse every token do not cost a refresh each", async (t) => {
    const apiHosts = ["*.api.example"];
    const provider = await withApi(t, refusal, { apiHosts });
    const { grantId } = await provider.connect();
    for (let n = 0; n < 40; n++) {
      const answer = await provider.vault.fetch(grantId, `https://h${n}.api.example/x`);
      assert.deepEqual([answer.status, note(answer)], [401, "skipped; retry-after=30"]);
    }
    assert.equal(provider.count("/token"), 2, "the code, and one refresh");
    provider.clock.advance(30_000);
    for (let n = 0; n < 40; n++) await provider.vault.fetch(grantId, `https://i${n}.api.example/x`);
    assert.equal(provider.count("/token"), 3);
  });

  test("an API that refuses the person one address is not asked with new tokens because another address works", async (t) => {
    const provider = await withApi(t, (_, { pathname }) => (pathname === "/mine" ? new Response("ok") : refusal()));
    const { grantId } = await provider.connect();
    for (let n = 0; n < 10; n++) {
      assert.equal((await provider.vault.fetch(grantId, "https://api.example/theirs")).status, 401);
      assert.equal((await provider.vault.fetch(grantId, "https://api.example/mine")).status, 200);
    }
    assert.equal(provider.count("/token"), 2);
  });

  test("an API that refuses a token which was good for long gets a new one at once", async (t) => {
    const dead = new Set<string>();
    const provider = await withApi(t, (token) => (dead.has(token) ? refusal() : new Response("ok")));
    const { grantId } = await provider.connect();
    for (let n = 1; n < 6; n++) {
      dead.add(`at-${n}`);
      assert.equal((await provider.vault.fetch(grantId, "https://api.example/x")).status, 200);
      provider.clock.advance(1_800_000);
    }
    assert.equal(provider.count("/token"), 6);
  });
});

describe("a token that an API has refused in its own way", () => {
  const tokenRefusals = [
    { status: 403, word: "INVALID_SESSION_ID" },
    { status: 400, word: "invalid_auth" },
    { status: 200, word: "token_expired" },
    { status: 419 },
  ];
  const cases: readonly (readonly [string, () => Response, boolean])[] = [
    ["403 with the word", () => Response.json([{ errorCode: "INVALID_SESSION_ID" }], { status: 403 }), true],
    ["403 with another word", () => Response.json([{ errorCode: "INSUFFICIENT_ACCESS" }], { status: 403 }), false],
    ["403 with a longer word", () => Response.json([{ errorCode: "INVALID_SESSION_ID_2" }], { status: 403 }), false],
    ["403 with the word as text", () => new Response("<e>INVALID_SESSION_ID</e>", { status: 403 }), true],
    ["400 with the word", () => Response.json({ error: "invalid_auth" }, { status: 400 }), true],
    ["400 with the other word", () => Response.json({ error: "INVALID_SESSION_ID" }, { status: 400 }), false],
    ["200 with the word", () => Response.json({ ok: false, error: "token_expired" }), true],
    ["200 that is no document", () => new Response("token_expired"), false],
    [
      "200 with the word beyond the beginning",
      () => Response.json({ a: "x".repeat(100_000), b: "token_expired" }),
      false,
    ],
    ["a status that says it alone", () => new Response("", { status: 419 }), true],
    ["a 401 as ever", refusal, true],
  ];
  for (const [name, answer, isRefused] of cases) {
    test(`a token that an API answers with ${name} is ${isRefused ? "replaced, and the call repeated" : "kept"}`, async (t) => {
      const provider = await withApi(t, (token) => (token === "at-1" ? answer() : new Response("ok")), {
        tokenRefusals,
      });
      const { grantId } = await provider.connect();
      const response = await provider.vault.fetch(grantId, "https://api.example/x");
      const expected = isRefused ? "ok" : await answer().text();
      assert.equal(await response.text(), expected, "whole, though its beginning was read");
      assert.deepEqual(provider.calls, isRefused ? ["at-1", "at-2"] : ["at-1"]);
    });
  }
});

describe("a caller that says which token was refused", () => {
  test("a caller that says which token was refused gets another, and not one for each that is refused as well", async (t) => {
    const provider = await withApi(t, refusal);
    const { grantId } = await provider.connect();
    const another = (token: string): Promise<string> =>
      provider.vault.getAccessToken(grantId, { refused: digest(token) }).then(({ token: next }) => next);
    assert.equal(await another("at-1"), "at-2");
    assert.equal(await another("at-1"), "at-2", "said again: it is another one by now");
    for (let n = 0; n < 3; n++) {
      await assert.rejects(another("at-2"), (error) => {
        assert.ok(isOnbehalfError(error, "provider_unavailable"));
        assert.match(error.message, /tokens_refused/);
        assert.equal(error.details.retryAfterMs, 30_000);
        return true;
      });
    }
    assert.equal(
      (await provider.vault.getAccessToken(grantId)).token,
      "at-2",
      "who says nothing gets the one that there is",
    );
    provider.clock.advance(30_000);
    assert.equal(await another("at-2"), "at-3");
    await assert.rejects(
      another("at-3"),
      (error) => isOnbehalfError(error, "provider_unavailable") && error.details.retryAfterMs === 60_000,
    );
    assert.equal(provider.count("/token"), 3);
  });

  test("a hundred callers that say so at once share one refresh", async (t) => {
    const provider = await withApi(t, refusal);
    const { grantId } = await provider.connect();
    const tokens = await Promise.all(
      Array.from({ length: 100 }, () =>
        provider.vault.getAccessToken(grantId, { refused: digest("at-1").toUpperCase() }),
      ),
    );
    assert.deepEqual(new Set(tokens.map(({ token }) => token)), new Set(["at-2"]));
    assert.equal(provider.count("/token"), 2);
  });

  test("a caller that says so where the provider refuses, too, learns it at once, although the token had not ended", async (t) => {
    const provider = await withApi(t, refusal, { rotation: "none" });
    const { grantId } = await provider.connect();
    provider.bend = { token: () => ({ status: 400, body: { error: "invalid_grant" } }) };
    await assert.rejects(provider.vault.getAccessToken(grantId, { refused: digest("at-1") }), (error) =>
      isOnbehalfError(error, "reauthorization_required"),
    );
  });
});

test("what is known of refused tokens outlives no clock that was wrong, and never holds for more than an hour", () => {
  const clock = fixedClock("2026-11-22T00:00:00Z");
  const refused = new RefusedTokens(clock);
  assert.equal(refused.refused("g", "h", "1"), 0);
  let token = 1;
  for (let n = 0; n < 12; n++) {
    refused.replaced("g", "h", String((token += 1)));
    const waitMs = refused.refused("g", "h", String(token));
    assert.ok(waitMs >= 30_000 && waitMs <= 3_600_000);
    clock.advance(waitMs);
  }
  refused.replaced("g", "h", "x");
  refused.refused("g", "h", "x");
  clock.advance(-86_400_000);
  assert.equal(refused.refused("g", "h", "x"), 0);
});
