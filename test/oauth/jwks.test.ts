import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { errors } from "jose";
import { fixedClock } from "../../src/core/clock.ts";
import type { MovableClock } from "../../src/core/clock.ts";
import { isOnbehalfError } from "../../src/core/errors.ts";
import { Jwks } from "../../src/oauth/jwks.ts";
import { deadPort, recorder, wireWith } from "./servers.ts";
import { ellipticMinter } from "./minting.ts";

const [one, two] = [ellipticMinter("one"), ellipticMinter("two")];
const issuer = "https://id.example";
const second = 1_000;

type Answer = () => Response | Promise<Response>;

const keys =
  (...published: unknown[]): Answer =>
  () =>
    Response.json({ keys: published });
const kept =
  (cacheControl: string): Answer =>
  () =>
    Response.json({ keys: [one.jwk] }, { headers: { "cache-control": cacheControl } });

interface Scene {
  readonly jwks: Jwks;
  readonly clock: MovableClock;
  /** What the provider answers from now on. */
  answer: Answer;
  /** How often it was asked. */
  fetches: number;
}

function scene(answer: Answer): Scene {
  const clock = fixedClock("2026-11-22T00:00:00Z");
  const fetching = async (): Promise<Response> => {
    here.fetches += 1;
    return here.answer();
  };
  const jwks = new Jwks(`${issuer}/keys`, issuer, wireWith({ fetch: fetching }), clock);
  const here: Scene = { jwks, clock, answer, fetches: 0 };
  return here;
}

/** Looks a key up as jose does. */
async function find({ jwks }: Scene, kid: string | undefined, alg = "ES256"): Promise<void> {
  await jwks.getKey({ alg, ...(kid === undefined ? {} : { kid }) }, { payload: "", signature: "" });
}

const notAmongThem = (error: unknown): boolean => error instanceof errors.JWKSNoMatchingKey;
const nothingKnown = (error: unknown): boolean =>
  isOnbehalfError(error, "provider_unavailable") && error.details.issuer === issuer;

/** All that a provider in trouble may send instead of its keys. */
const troubles: Readonly<Record<string, Answer>> = {
  "an outage": () => new Response("{}", { status: 503 }),
  "a page": () => new Response("<html>"),
  "a page of an outage, with keys in it": () => Response.json({ keys: [one.jwk] }, { status: 500 }),
  "half an answer": () => new Response('{"keys":['),
  "no set": () => Response.json([one.jwk]),
  "a set of no list": () => Response.json({ keys: { one: one.jwk } }),
  "an empty set": keys(),
  "a set of nothing": keys(null),
  "a set of texts": keys("one"),
  "a huge set": () => Response.json({ keys: [one.jwk], padding: "x".repeat(70_000) }),
  "no answer": () => Promise.reject(new TypeError("fetch failed")),
};

describe("a provider's keys", () => {
  test("a provider's keys are read once for everybody who comes at the same time", async () => {
    const gate = Promise.withResolvers<Response>();
    const here = scene(() => gate.promise);
    const all = Array.from({ length: 100 }, () => find(here, "one"));
    gate.resolve(Response.json({ keys: [one.jwk] }));
    await Promise.all(all);
    assert.equal(here.fetches, 1);
  });

  const lives: readonly (readonly [string, number])[] = [
    ["max-age=600", 600],
    ["public, max-age=600, must-revalidate, no-transform", 600],
    ["public,max-age=600", 600],
    ["Max-Age=600", 600],
    ["max-age=31536000", 86_400],
    ["max-age=1", 30],
    ["max-age=0", 30],
    ["no-store, max-age=0", 30],
    ["s-maxage=600", 300],
    ["no-store", 300],
    ["max-age=soon", 300],
    ["", 300],
  ];
  for (const [cacheControl, seconds] of lives) {
    test(`a provider's keys are kept for ${seconds} seconds where the provider says ${JSON.stringify(cacheControl)}`, async () => {
      const here = scene(kept(cacheControl));
      await find(here, "one");
      here.clock.advance(seconds * second - 1);
      await find(here, "one");
      assert.equal(here.fetches, 1);
      here.clock.advance(1);
      await find(here, "one");
      assert.equal(here.fetches, 2);
    });
  }

  test("a provider's keys are not kept for as long as a clock was ahead, nor is an unknown kid put off for as long", async () => {
    const here = scene(kept("max-age=600"));
    here.clock.advance(86_400 * second);
    await find(here, "one");
    await assert.rejects(find(here, "two"), notAmongThem);
    here.clock.advance(-86_400 * second);
    await find(here, "one");
    assert.equal(here.fetches, 3, "read again");
    here.answer = keys(one.jwk, two.jwk);
    await find(here, "two");
  });

  for (const [what, trouble] of Object.entries(troubles)) {
    test(`a provider's keys: go on being used after their time while the provider sends ${what}`, async () => {
      const here = scene(kept("max-age=600"));
      await find(here, "one");
      here.answer = trouble;
      here.clock.advance(7 * 86_400 * second);
      await find(here, "one");
      here.clock.advance(29 * second);
      await find(here, "one");
      assert.equal(here.fetches, 2, "a provider that is down is not asked for every sign-in");
      here.clock.advance(second);
      await find(here, "one");
      assert.equal(here.fetches, 3);
    });

    test(`a provider's keys are asked for again where the first answer was ${what}, and nothing is said of the token`, async () => {
      const here = scene(trouble);
      await assert.rejects(find(here, "one"), nothingKnown);
      here.answer = keys(one.jwk);
      await find(here, "one");
      assert.equal(here.fetches, 2);
    });
  }

  test("a provider's keys are read over real sockets, without following a redirect", async (t) => {
    const elsewhere = await recorder(t, () => ({ body: { keys: [one.jwk] } }));
    const { url } = await recorder(t, ({ path }) =>
      path === "/keys" ? { body: { keys: [one.jwk] } } : { status: 302, headers: { location: elsewhere.url } },
    );
    const clock = fixedClock(0);
    const at = (uri: string): Pick<Scene, "jwks"> => ({ jwks: new Jwks(uri, issuer, wireWith(), clock) });
    await find(at(`${url}/keys`) as Scene, "one");
    await assert.rejects(find(at(`${url}/moved`) as Scene, "one"), nothingKnown);
    await assert.rejects(find(at(await deadPort()) as Scene, "one"), nothingKnown);
    assert.equal(elsewhere.requests.length, 0);
  });
});

describe("an unknown kid", () => {
  test("an unknown kid is looked for once more: the provider has rotated its keys", async () => {
    const here = scene(keys(one.jwk));
    await find(here, "one");
    here.clock.advance(second);
    here.answer = keys(one.jwk, two.jwk);
    await find(here, "two");
    await find(here, "one");
    assert.equal(here.fetches, 2);
  });

  test("an unknown kid is held against the token where the keys were read after it came", async () => {
    const here = scene(keys(one.jwk));
    await assert.rejects(find(here, "two"), notAmongThem);
    assert.equal(here.fetches, 1, "they were read for this very token");
    here.clock.advance(second);
    await assert.rejects(find(here, "two"), notAmongThem);
    assert.equal(here.fetches, 2);
  });

  test("an unknown kid is not held against the token where the keys may not be read again so soon", async () => {
    const here = scene(keys(one.jwk));
    await find(here, "one");
    await assert.rejects(find(here, "nonsense"), notAmongThem);
    here.clock.advance(10 * second);
    await assert.rejects(find(here, "two"), (error) => {
      assert.ok(isOnbehalfError(error, "provider_unavailable"));
      assert.equal(error.details.retryAfterMs, 20 * second, "it says when it will be known");
      return true;
    });
    here.clock.advance(20 * second);
    here.answer = keys(one.jwk, two.jwk);
    await find(here, "two");
  });

  test("an unknown kid is not held against the token while the provider is down, and does not wait for it twice", async () => {
    const here = scene(keys(one.jwk));
    await find(here, "one");
    here.answer = troubles["an outage"] ?? assert.fail();
    await assert.rejects(find(here, "two"), nothingKnown);
    assert.equal(here.fetches, 2);
    here.clock.advance(86_400 * second);
    await assert.rejects(find(here, "two"), nothingKnown);
    assert.equal(here.fetches, 3);
  });

  for (const [providerState, answer, age] of [
    ["is up", keys(one.jwk), 0],
    ["is down", troubles["no answer"], 0],
    ["has been down for days", troubles["no answer"], 3 * 86_400 * second],
  ] as const) {
    test(`an unknown kid causes a fetch every 30 seconds at most in a flood, while the provider ${providerState}`, async () => {
      const here = scene(kept("max-age=86400"));
      await find(here, "one");
      here.answer = answer ?? assert.fail();
      here.clock.advance(age);
      for (let tick = 0; tick < 600; tick++) {
        const forged = Array.from({ length: 5 }, (_, index) => find(here, `forged-${tick}-${index}`));
        const ends = await Promise.allSettled(forged);
        assert.ok(ends.every(({ status }) => status === "rejected"));
        here.clock.advance(second);
      }
      // One reading, then one look for every half of ten minutes.
      assert.equal(here.fetches, 1 + 20);
      await find(here, "one");
    });
  }

  test("an unknown kid is looked for once, by all who come with one at the same time", async () => {
    const here = scene(keys(one.jwk));
    await find(here, "one");
    const gate = Promise.withResolvers<Response>();
    here.answer = () => gate.promise;
    const all = Array.from({ length: 50 }, () => find(here, "two"));
    gate.resolve(Response.json({ keys: [two.jwk] }));
    await Promise.all(all);
    assert.equal(here.fetches, 2);
  });
});

describe("a key that does not fit", () => {
  const unfit: Readonly<Record<string, object>> = {
    "for encryption": { ...two.jwk, use: "enc" },
    "that may not verify": { ...two.jwk, key_ops: ["encrypt"] },
    "of another algorithm": { ...two.jwk, alg: "ES384" },
    "of another kind": { kty: "oct", kid: "two", k: "c2VjcmV0" },
  };
  for (const [what, jwk] of Object.entries(unfit)) {
    test(`a key that does not fit is passed over: one ${what}`, async () => {
      await assert.rejects(find(scene(keys(one.jwk, jwk)), "two"), notAmongThem);
    });
  }

  const broken: Readonly<Record<string, object>> = {
    "without its numbers": { kty: "EC", crv: "P-256", kid: "two" },
    "with nonsense for a number": { ...two.jwk, x: "?" },
    "with a point off the curve": { ...two.jwk, x: one.jwk.x },
  };
  for (const [what, jwk] of Object.entries(broken)) {
    test(`a key that does not fit is the provider's trouble and not the token's: one ${what}`, async () => {
      const here = scene(keys(one.jwk, jwk));
      await assert.rejects(find(here, "two"), nothingKnown);
      await find(here, "one");
    });
  }

  test("a key that does not fit is not guessed at: without a kid there must be one candidate alone", async () => {
    await find(scene(keys(one.jwk)), undefined);
    await assert.rejects(find(scene(keys(one.jwk, two.jwk)), undefined), errors.JWKSMultipleMatchingKeys);
  });
});
