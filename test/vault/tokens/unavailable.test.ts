import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import type { AnyOnbehalfError, ErrorCode } from "../../../src/index.ts";
import { problemOf } from "../../../src/core/problem.ts";
import type { Fault } from "../../../src/standin/index.ts";
import { testVault, outcomes } from "../../support/test-vault.ts";

/** The error that is thrown. */
async function thrown(work: Promise<unknown>): Promise<AnyOnbehalfError> {
  const error: unknown = await work.then(
    () => assert.fail("nothing was thrown"),
    (reason: unknown) => reason,
  );
  assert.ok(isOnbehalfError(error), String(error));
  return error;
}

interface Row {
  readonly fault: Fault;
  /** For the call that meets the fault, and for the next call, which asks for another grant. */
  readonly says: readonly [RegExp, RegExp?];
  readonly hints: readonly [RegExp, RegExp?];
  readonly retryAfter?: string;
  readonly code?: ErrorCode;
}

const down = Object.assign(new TypeError("fetch failed"), {
  cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }),
});

const table: Readonly<Record<string, Row>> = {
  "429 with Retry-After": {
    fault: { status: 429, retryAfter: 30, body: { error: "rate_limit_exceeded" } },
    says: [
      /^google gave no new token \(rate_limit_exceeded\)$/,
      /^google gave no new token: .+ too many requests.+\(rate_limited\)$/,
    ],
    hints: [/^try again in 30 s; the grant is as it was$/, /^try again in 30 s; the grant is as it was$/],
    retryAfter: "30",
  },
  "503 with a Retry-After that is not a number": {
    fault: { status: 503, retryAfter: "soon", body: { error: "temporarily_unavailable" } },
    says: [/^google gave no new token \(temporarily_unavailable\)$/],
    hints: [/^try again in 1 s; the grant is as it was$/],
    retryAfter: "1",
  },
  "503 with a negative Retry-After": {
    fault: { status: 503, retryAfter: "-5", html: true },
    says: [/^google gave no new token \(not_json\)$/],
    hints: [/^try again in 1 s; /],
    retryAfter: "1",
  },
  "503 with a Retry-After of a year": {
    fault: { status: 503, retryAfter: "31536000", html: true },
    says: [/\(not_json\)$/],
    hints: [/^try again in 3600 s; /],
    retryAfter: "3600",
  },
  "an answer that is late": {
    fault: { delayMs: 5_000 },
    says: [/^google gave no new token: it did not answer in time \(timeout\)$/],
    hints: [/^try again in 1 s; the grant is as it was; if this lasts, .*HTTPS_PROXY/],
    retryAfter: "1",
  },
  invalid_client: {
    fault: { status: 401, body: { error: "invalid_client" } },
    code: "client_misconfigured",
    says: [/^google refused client .+ \(invalid_client\)$/],
    hints: [/download client_secret\.json again/],
  },
  deleted_client: {
    fault: { status: 401, body: { error: "deleted_client" } },
    code: "client_misconfigured",
    says: [/\(deleted_client\)$/],
    hints: [/restore it/],
  },
  invalid_scope: {
    fault: { status: 400, body: { error: "invalid_scope" } },
    code: "client_misconfigured",
    says: [/\(invalid_scope\)$/],
    hints: [/settings/],
  },
};

describe("what a caller is told while there is no new token", () => {
  for (const [name, { fault, says, hints, retryAfter, code = "provider_unavailable" }] of Object.entries(table)) {
    test(`without a new token the caller is told: ${name}: what happened, what to do, and when`, async (t) => {
      const { standin, clock, open, code: newCode } = await testVault(t);
      const vault = await open({ exchangeTimeoutMs: 400, random: () => 0 });
      const one = await vault.exchangeCode({ code: newCode("ada@example.com") });
      const other = await vault.exchangeCode({ code: newCode("carl@example.com") });
      clock.advance(3_700_000);
      standin.fault("POST", "/token", { times: 1, ...fault });
      for (const [n, { grantId }] of [one, other].slice(0, says.length).entries()) {
        const error = await thrown(vault.getAccessToken(grantId));
        assert.equal(error.code, code);
        assert.match(error.message, says[n] ?? /never/);
        assert.match(error.hint, hints[n] ?? /never/);
        assert.equal(problemOf(error).headers["retry-after"], retryAfter);
        if (error.code !== "provider_unavailable") continue;
        assert.equal(String(Math.ceil(error.details.retryAfterMs / 1_000)), retryAfter);
      }
    });
  }

  test("without a new token the caller is told: a provider that is not reached: look at the network; and from the fifth time on, nobody asks", async (t) => {
    const { clock, open, code } = await testVault(t);
    let isDown = false;
    const vault = await open({
      random: () => 0,
      fetch: async (input, init) => {
        if (isDown) throw down;
        return fetch(input, init);
      },
    });
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    const other = await vault.exchangeCode({ code: code("carl@example.com") });
    clock.advance(3_700_000);
    isDown = true;
    const unreached = await thrown(vault.getAccessToken(grantId));
    assert.match(unreached.message, /^google gave no new token: this server could not reach it \(econnrefused\)$/);
    assert.match(unreached.hint, /^try again in 1 s; the grant is as it was; if this lasts, check .*network/i);
    for (let n = 0; n < 4; n++) await thrown(vault.getAccessToken(grantId));
    const blocked = await thrown(vault.getAccessToken(other.grantId));
    assert.match(blocked.message, /several times in a row.+\(provider_down\)$/);
    assert.match(blocked.hint, /^try again in 1 s; the grant is as it was$/);
  });

  const ways: readonly (readonly [string, RegExp, RegExp])[] = [
    [
      "CONNECT_TIMEOUT",
      /no connection to it came about in time \(connect_timeout\)$/,
      /network, DNS and firewall.*HTTPS_PROXY/,
    ],
    ["UND_ERR_CONNECT_TIMEOUT", /no connection .+ \(und_err_connect_timeout\)$/, /HTTPS_PROXY/],
    ["ETIMEDOUT", /no connection .+ \(etimedout\)$/, /HTTPS_PROXY/],
    ["ENOTFOUND", /could not reach it \(enotfound\)$/, /HTTPS_PROXY/],
    [
      "PROXY_UNREACHABLE",
      /the proxy that HTTPS_PROXY names cannot be reached \(proxy_unreachable\)$/,
      /credentials.*NO_PROXY/,
    ],
    ["PROXY_REFUSED", /the proxy that HTTPS_PROXY names did not let .+ \(proxy_refused\)$/, /credentials.*NO_PROXY/],
    ["PROXY_UNUSABLE", /names no proxy that can be used \(proxy_unusable\)$/, /HTTPS_PROXY.*SOCKS/],
    ["SELF_SIGNED_CERT_IN_CHAIN", /certificate is not trusted \(self_signed_cert_in_chain\)$/, /NODE_EXTRA_CA_CERTS/],
  ];
  for (const [failure, says, hint] of ways) {
    test(`without a new token the caller is told: ${failure}: which way to look`, async (t) => {
      const { clock, open, code } = await testVault(t);
      let isDown = false;
      const vault = await open({
        random: () => 0,
        fetch: async (input, init) => {
          if (isDown) throw Object.assign(new Error("planted"), { code: failure, syscall: "connect" });
          return fetch(input, init);
        },
      });
      const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
      clock.advance(3_700_000);
      isDown = true;
      const error = await thrown(vault.getAccessToken(grantId));
      assert.match(error.message, says);
      assert.match(error.hint, hint);
    });
  }

  test("without a new token the caller is told: a grant that is left alone: why, and for how long still", async (t) => {
    const { standin, clock, open, code } = await testVault(t);
    const vault = await open({ random: () => 0 });
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    standin.fault("POST", "/token", {
      times: 1,
      status: 503,
      retryAfter: 90,
      body: { error: "temporarily_unavailable" },
    });
    await thrown(vault.getAccessToken(grantId));
    clock.advance(20_500);
    const error = await thrown(vault.getAccessToken(grantId));
    assert.match(error.message, /\(temporarily_unavailable\)$/, "the provider's word, not ours");
    assert.match(error.hint, /^try again in 70 s; /);
    assert.equal(problemOf(error).headers["retry-after"], "70");
  });
});

describe("callers who wait for one refresh that fails", () => {
  test("callers who wait for one refresh that fails each get an error of their own, at once, and a new try follows", async (t) => {
    const { standin, clock, open, code, newRequests } = await testVault(t);
    const vault = await open({ random: () => 0 });
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    newRequests();
    standin.fault("POST", "/token", { times: 1, status: 500, body: { error: "server_error" } });
    const errors = await Promise.all(Array.from({ length: 50 }, () => thrown(vault.getAccessToken(grantId))));
    assert.equal(new Set(errors).size, 50);
    for (const { message } of errors) assert.equal(message, "google gave no new token (server_error)");
    assert.deepEqual(outcomes(newRequests()), { fault: 1 });
    assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./, "a back-off of nothing is over at once");
  });
});

describe("a provider that says that we ask too often", () => {
  test("a provider that says that we ask too often: tokens that live are served meanwhile, from memory and from the store", async (t) => {
    const { standin, clock, open, code, newRequests } = await testVault(t);
    const vault = await open({ random: () => 0 });
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(1_800_000);
    const fresh = await vault.exchangeCode({ code: code("carl@example.com") });
    const before = await vault.getAccessToken(fresh.grantId);
    clock.advance(1_900_000);
    standin.fault("POST", "/token", { times: 1, status: 429, retryAfter: 120 });
    newRequests();
    assert.equal((await thrown(vault.getAccessToken(grantId))).code, "provider_unavailable");
    for (const each of [vault, await open()]) {
      assert.equal((await each.getAccessToken(fresh.grantId)).token, before.token);
      const short = await each.getAccessToken(fresh.grantId, { minTtlSeconds: 60 });
      assert.equal(short.token, before.token);
    }
    const shorter = await vault.getAccessToken(fresh.grantId, { minTtlSeconds: 3_000 });
    assert.equal(shorter.token, before.token, "better one that ends soon than none");
    assert.deepEqual(outcomes(newRequests()), { fault: 1 });
  });

  test("a provider that says that we ask too often: codes are held back, too, and work afterwards", async (t) => {
    const { standin, clock, open, code, newRequests } = await testVault(t);
    const vault = await open({ random: () => 0 });
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    standin.fault("POST", "/token", { times: 1, status: 429, retryAfter: 120 });
    await thrown(vault.getAccessToken(grantId));
    const carls = code("carl@example.com");
    newRequests();
    const error = await thrown(vault.exchangeCode({ code: carls }));
    assert.ok(error.code === "provider_unavailable");
    assert.equal(error.details.retryAfterMs, 120_000);
    assert.match(error.message, /^google did not exchange the code: .+\(rate_limited\)$/);
    assert.match(error.hint, /^try again in 120 s; .*same code/);
    assert.equal(newRequests().length, 0, "the code was not spent");
    clock.advance(120_000);
    assert.equal((await vault.exchangeCode({ code: carls })).profile.email, "carl@example.com");
    assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
  });
});

test("a code that meets a client which is being refused: our fault, and not the provider's", async (t) => {
  const { standin, clock, open, code } = await testVault(t);
  const vault = await open({ random: () => 0 });
  const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
  const carls = code("carl@example.com");
  clock.advance(500_000);
  standin.fault("POST", "/token", { times: 5, status: 401, body: { error: "invalid_client" } });
  for (let n = 0; n < 5; n++) await vault.getAccessToken(grantId, { minTtlSeconds: 3_500 });
  const error = await thrown(vault.exchangeCode({ code: carls }));
  assert.ok(error.code === "client_misconfigured", error.message);
  assert.equal(error.details.providerError, "invalid_client");
});
