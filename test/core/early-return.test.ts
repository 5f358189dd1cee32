import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { afterRequest, clientMarginMs } from "../../src/core/early-return.ts";
import type { GivenToken } from "../../src/core/early-return.ts";

const hourMs = 3_600_000;
const start = Date.parse("2026-11-22T00:00:00Z");

/** A handle whose grant has one token after another: asked for, and replaced where the decision says so. */
class Handle {
  known: GivenToken | undefined;
  now = start;
  /** How many tokens were replaced because somebody came back. */
  replaced = 0;
  #token = 0;
  #expiresAt = start + hourMs;

  /** @returns the token that is given, where there is another to be had */
  ask(isSameConnection = false): number {
    if (this.#expiresAt - this.now <= clientMarginMs) this.#renew();
    this.#take(isSameConnection);
    if (this.known?.isRefused === true) {
      this.replaced += 1;
      this.#renew();
      this.#take(false);
    }
    return this.#token;
  }

  #renew(): void {
    this.#token += 1;
    this.#expiresAt = this.now + hourMs;
  }

  #take(isSameConnection: boolean): void {
    const request = { token: String(this.#token), expiresAt: this.#expiresAt, now: this.now, isSameConnection };
    this.known = afterRequest(this.known, request);
  }
}

describe("a client that comes back for a token that it was given", () => {
  test("whoever comes back a while later gets another token, and keeps that one", () => {
    const handle = new Handle();
    const first = handle.ask();
    handle.now += 20 * 60_000;
    const second = handle.ask();
    assert.notEqual(second, first);
    handle.now += 40 * 60_000;
    assert.equal(handle.replaced, 1);
  });

  test("programs that begin together get one token, and one that comes back on its connection another at once", () => {
    const handle = new Handle();
    const given = new Set(Array.from({ length: 20 }, () => handle.ask()));
    assert.equal(given.size, 1);
    handle.now += 5;
    assert.ok(given.has(handle.ask()));
    assert.ok(!given.has(handle.ask(true)));
  });

  test("all who come back for a refused token get the next one, whose refusal is not believed for 30 seconds", () => {
    const handle = new Handle();
    const first = handle.ask();
    handle.now += 60_000;
    const known = afterRequest(handle.known, {
      token: String(first),
      expiresAt: start + hourMs,
      now: handle.now,
      isSameConnection: false,
    });
    const again = afterRequest(known, {
      token: String(first),
      expiresAt: start + hourMs,
      now: handle.now,
      isSameConnection: false,
    });
    assert.deepEqual([known.isRefused, again.isRefused, again.replaced], [true, true, 1]);
    const second = handle.ask();
    handle.now += 29_000;
    assert.equal(handle.ask(true), second);
    handle.now += 1_001;
    assert.notEqual(handle.ask(true), second);
  });

  test("a token that clients replace by themselves is not taken for refused", () => {
    const known = afterRequest(undefined, {
      token: "1",
      expiresAt: start + clientMarginMs,
      now: start,
      isSameConnection: false,
    });
    const next = afterRequest(known, {
      token: "1",
      expiresAt: start + clientMarginMs,
      now: start + 2_000,
      isSameConnection: true,
    });
    assert.equal(next.isRefused, false);
  });

  test("one without a known end may have been refused", () => {
    const known = afterRequest(undefined, { token: "1", expiresAt: undefined, now: start, isSameConnection: false });
    const next = afterRequest(known, { token: "1", expiresAt: undefined, now: start + 2_000, isSameConnection: false });
    assert.equal(next.isRefused, true);
  });

  test("a token that lived to its end without anybody coming back forgives what was before", () => {
    const handle = new Handle();
    handle.ask();
    handle.now += 60_000;
    handle.ask();
    assert.equal(handle.known?.replaced, 1);
    handle.now += hourMs;
    handle.ask();
    assert.equal(handle.known?.replaced, 0);
  });

  test("a clock that is set back neither holds a refusal back for ever nor makes one of each request", () => {
    const handle = new Handle();
    handle.ask();
    handle.now -= 10 * hourMs;
    handle.ask();
    assert.equal(handle.replaced, 1);
  });

  for (const everyMs of [10, 1_000, 60_000, 300_000, 900_000]) {
    test(`programs that ask every ${everyMs / 1_000} s and keep no token cost one exchange an hour at most, and ten more on the first day`, () => {
      const handle = new Handle();
      const dayMs = 24 * hourMs;
      // A thousand steps in an hour show as much as each.
      const stepMs = Math.max(everyMs, 3_600);
      for (; handle.now < start + dayMs; handle.now += stepMs) handle.ask(everyMs < 1_000);
      assert.ok(handle.replaced <= 10 + 24, String(handle.replaced));
      const before = handle.replaced;
      for (; handle.now < start + 2 * dayMs; handle.now += stepMs) handle.ask(everyMs < 1_000);
      assert.ok(handle.replaced - before <= 24, String(handle.replaced - before));
    });
  }

  test("however requests come, no two tokens are replaced for this within 30 seconds", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(120_000), fc.boolean()), { maxLength: 300 }), (requests) => {
        const handle = new Handle();
        const at: number[] = [];
        for (const [waitMs, isSameConnection] of requests) {
          handle.now += waitMs;
          const before = handle.replaced;
          handle.ask(isSameConnection);
          if (handle.replaced > before) at.push(handle.now);
        }
        for (const [index, each] of at.entries()) {
          assert.ok(each - (at[index - 1] ?? -Infinity) >= 30_000);
        }
      }),
    );
  });
});
