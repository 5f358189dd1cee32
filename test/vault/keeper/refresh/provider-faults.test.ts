import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import type { ErrorCode, Provider } from "../../../../src/index.ts";
import type { Fault } from "../../../../src/standin/index.ts";
import { testVault, outcomes, sharedStandin } from "../../../support/test-vault.ts";
import type { SharedStandin } from "../../../support/test-vault.ts";

/** Short, so that a test of a provider that hangs ends soon; long enough for a provider that answers. */
const exchangeTimeoutMs = 400;

interface FaultCase {
  readonly fault: Fault;
  readonly code: ErrorCode;
  /** The provider's error code, or our own word, in the message. */
  readonly says: string;
}

const refusal = (status: number, error: string, more: object = {}): Fault => ({
  status,
  body: { error, error_description: "as the provider has it", ...more },
});

/** Everything a token endpoint may say that is not about the grant. */
const faultCases: Readonly<Record<string, FaultCase>> = {
  "429": { fault: { status: 429 }, code: "provider_unavailable", says: "" },
  "429 with Retry-After": { fault: { status: 429, retryAfter: 1 }, code: "provider_unavailable", says: "" },
  "500": { fault: { status: 500 }, code: "provider_unavailable", says: "" },
  "503 with an HTTP date to retry after": {
    fault: { status: 503, retryAfter: "Sun, 22 Nov 2026 01:01:41 GMT" },
    code: "provider_unavailable",
    says: "",
  },
  "500 that says invalid_grant": {
    fault: refusal(500, "invalid_grant"),
    code: "provider_unavailable",
    says: "invalid_grant",
  },
  "429 that says invalid_grant": {
    fault: refusal(429, "invalid_grant"),
    code: "provider_unavailable",
    says: "invalid_grant",
  },
  "a proxy's page": { fault: { html: true }, code: "provider_unavailable", says: "not_json" },
  "a proxy's page with status 200": {
    fault: { html: true, status: 200 },
    code: "provider_unavailable",
    says: "not_json",
  },
  "a captive portal's redirect": {
    fault: { location: "http://portal.example/" },
    code: "provider_unavailable",
    says: "not_json",
  },
  "JSON that breaks off": { fault: { invalidJson: true }, code: "provider_unavailable", says: "not_json" },
  "JSON that is no object": { fault: { body: [1, 2] }, code: "provider_unavailable", says: "not_json" },
  "200 without a token": { fault: { noToken: true }, code: "provider_unavailable", says: "no_access_token" },
  "200 with a token that would break out of a header": {
    fault: { body: { access_token: "a\r\nx: y", token_type: "Bearer" } },
    code: "provider_unavailable",
    says: "no_access_token",
  },
  "200 with a token that is no bearer": {
    fault: { body: { access_token: "a", token_type: "mac" } },
    code: "provider_unavailable",
    says: "no_access_token",
  },
  "a body without end": { fault: { hugeBytes: 5_000_000 }, code: "provider_unavailable", says: "body_too_large" },
  "a body that drips": { fault: { dripMs: 500, noToken: true }, code: "provider_unavailable", says: "timeout" },
  "an answer that is late": { fault: { delayMs: 5_000 }, code: "provider_unavailable", says: "timeout" },
  "a cut connection": { fault: { drop: true }, code: "provider_unavailable", says: "" },
  "a connection cut in mid-answer": {
    fault: { drop: "midway", noToken: true },
    code: "provider_unavailable",
    says: "",
  },
  "an error nobody knows": {
    fault: refusal(400, "unheard_of"),
    code: "provider_unavailable",
    says: "unheard_of",
  },
  "an error that is no word": {
    fault: refusal(400, "<script>"),
    code: "provider_unavailable",
    says: "unreadable_error",
  },
  temporarily_unavailable: {
    fault: refusal(400, "temporarily_unavailable"),
    code: "provider_unavailable",
    says: "temporarily_unavailable",
  },
  invalid_client: { fault: refusal(401, "invalid_client"), code: "client_misconfigured", says: "invalid_client" },
  "invalid_client as 400": {
    fault: refusal(400, "invalid_client"),
    code: "client_misconfigured",
    says: "invalid_client",
  },
  deleted_client: { fault: refusal(401, "deleted_client"), code: "client_misconfigured", says: "deleted_client" },
  disabled_client: { fault: refusal(401, "disabled_client"), code: "client_misconfigured", says: "disabled_client" },
  unauthorized_client: {
    fault: refusal(401, "unauthorized_client"),
    code: "client_misconfigured",
    says: "unauthorized_client",
  },
  invalid_request: { fault: refusal(400, "invalid_request"), code: "client_misconfigured", says: "invalid_request" },
  invalid_scope: { fault: refusal(400, "invalid_scope"), code: "client_misconfigured", says: "invalid_scope" },
  unsupported_grant_type: {
    fault: refusal(400, "unsupported_grant_type"),
    code: "client_misconfigured",
    says: "unsupported_grant_type",
  },
};

const rotations: readonly (readonly [string, Provider["rotation"]])[] = [
  ["that does not rotate", "none"],
  ["with a grace period", { graceSeconds: 30 }],
  ["that rotates strictly", "strict"],
];

for (const [kind, rotation] of rotations) {
  describe(`a provider ${kind}`, () => {
    let shared: SharedStandin;
    before(async () => {
      shared = await sharedStandin({ rotation: typeof rotation === "object" ? "grace" : rotation });
    });
    after(() => shared.standin.close());

    for (const [name, { fault, code, says }] of Object.entries(faultCases)) {
      test(`a provider ${kind}: ${name}: the grant is not blamed, and works again afterwards`, async (t) => {
        const { standin, clock, open, events, code: newCode } = await testVault(t, { shared, provider: { rotation } });
        const vault = await open({ exchangeTimeoutMs, random: () => 0 });
        const { grantId } = await vault.exchangeCode({ code: newCode(`${encodeURIComponent(name)}@example.com`) });
        clock.advance(3_700_000);
        standin.fault("POST", "/token", { times: 1, ...fault });

        await assert.rejects(vault.getAccessToken(grantId), (error) => {
          assert.ok(isOnbehalfError(error));
          assert.equal(error.code, code);
          assert.match(error.message, new RegExp(says.replaceAll("<", "\\<")));
          if (error.code === "client_misconfigured") assert.equal(error.details.clientId, standin.clientId);
          if (error.code === "provider_unavailable") assert.ok(error.details.retryAfterMs >= 1_000);
          return true;
        });

        const after = await vault.grant(grantId);
        // The grant is suspect only where the provider may have used up the refresh token without our seeing the answer.
        const ambiguous = events.some((event) => event.type === "refresh_failed" && event.ambiguous);
        assert.equal(after.state, ambiguous && rotation === "strict" ? "suspect" : "active");
        assert.equal(after.offline, true);
        assert.equal(after.lastError?.error.includes(says), true);
        assert.equal(
          events.some(({ type }) => type === (code === "client_misconfigured" ? "client_refused" : "refresh_failed")),
          true,
        );

        clock.advance(60_000);
        const { token, expiresAt } = await vault.getAccessToken(grantId);
        assert.match(token, /^ya29\./);
        assert.ok(Number(expiresAt) > clock.now());
        const healed = await vault.grant(grantId);
        assert.deepEqual([healed.state, healed.generation, healed.lastError], ["active", 2, undefined]);
      });
    }
  });
}

describe("while the provider is away", () => {
  test("while the provider is away: a token that still lives is served, though it is shorter-lived than asked", async (t) => {
    const { standin, clock, open, code } = await testVault(t);
    const vault = await open({ random: () => 0 });
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    const { token } = await vault.getAccessToken(grantId);
    clock.advance(3_000_000);
    standin.fault("POST", "/token", { times: "always", status: 503 });
    for (let turn = 0; turn < 20; turn++) {
      assert.equal((await vault.getAccessToken(grantId, { minTtlSeconds: 1_800 })).token, token);
    }
    assert.equal((await vault.grant(grantId)).state, "active");
  });

  test("while the provider is away: nobody hammers it: after some failures callers are told to come back, and one probe goes out", async (t) => {
    const { standin, clock, open, code, newRequests } = await testVault(t);
    const vault = await open({ random: () => 0 });
    const grants = await Promise.all(
      Array.from({ length: 40 }, (_, index) => vault.exchangeCode({ code: code(`person${index}@example.com`) })),
    );
    clock.advance(3_700_000);
    standin.fault("POST", "/token", { times: "always", status: 503 });
    newRequests();
    for (const { grantId } of grants) {
      await assert.rejects(vault.getAccessToken(grantId), (error) => isOnbehalfError(error, "provider_unavailable"));
    }
    assert.ok(newRequests().length < 10, "not forty requests for forty grants");
    standin.clearFaults();
    clock.advance(120_000);
    assert.match((await vault.getAccessToken(grants[0]?.grantId ?? "")).token, /^ya29\./);
    const tokens = await Promise.all(grants.map(({ grantId }) => vault.getAccessToken(grantId)));
    assert.equal(tokens.length, 40);
    assert.deepEqual(outcomes(newRequests()), { refreshed: 40 });
  });

  test("our own misconfiguration is told once, not once per grant", async (t) => {
    const { standin, clock, open, code, events } = await testVault(t);
    const vault = await open({ random: () => 0 });
    const grants = await Promise.all(
      Array.from({ length: 10 }, (_, index) => vault.exchangeCode({ code: code(`person${index}@example.com`) })),
    );
    clock.advance(3_700_000);
    standin.client({ clientId: standin.clientId, clientSecret: "GOCSPX-rotated" });
    for (const { grantId } of grants) {
      await assert.rejects(vault.getAccessToken(grantId), (error) => isOnbehalfError(error, "client_misconfigured"));
    }
    assert.equal(events.filter(({ type }) => type === "client_refused").length, 1);
    for (const { grantId } of grants) assert.equal((await vault.grant(grantId)).state, "active");

    standin.client({ clientId: standin.clientId, clientSecret: standin.clientSecret });
    clock.advance(120_000);
    for (const { grantId } of grants) assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
  });

  test("while the provider is away: nobody asks before Retry-After is over", async (t) => {
    const { standin, clock, open, code, newRequests } = await testVault(t);
    const vault = await open({ random: () => 0 });
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    newRequests();
    standin.fault("POST", "/token", { times: 1, status: 429, retryAfter: 30 });
    const later = (ms: number) => (error: unknown) =>
      isOnbehalfError(error, "provider_unavailable") && error.details.retryAfterMs === ms;
    await assert.rejects(vault.getAccessToken(grantId), later(30_000));
    clock.advance(10_000);
    await assert.rejects(vault.getAccessToken(grantId), later(20_000));
    assert.deepEqual(outcomes(newRequests()), { fault: 1 });
    clock.advance(20_000);
    assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
  });
});

describe("an answer to a refresh", () => {
  test("an answer to a refresh without a refresh token leaves the old one in place, many times over", async (t) => {
    const { clock, open, code, newRequests } = await testVault(t);
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    const [first] = newRequests();
    for (let turn = 0; turn < 3; turn++) {
      clock.advance(3_700_000);
      await vault.getAccessToken(grantId);
      assert.equal(newRequests()[0]?.refresh_token_fingerprint, first?.issued_fingerprint);
    }
  });

  test("an answer to a refresh without expires_in or scope has no known end, and is good for what was granted", async (t) => {
    const { standin, clock, open, code } = await testVault(t);
    const vault = await open();
    const { grantId, scopes } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    standin.fault("POST", "/token", { times: 1, body: { access_token: "ya29.short", token_type: "bearer" } });
    const token = await vault.getAccessToken(grantId);
    assert.equal(token.token, "ya29.short");
    assert.equal(token.expiresAt, undefined);
    assert.deepEqual(token.scopes, scopes);
  });

  test("an answer to a refresh that the person is gone is looked at twice before anybody believes it", async (t) => {
    const { standin, clock, open, code, events } = await testVault(t);
    const vault = await open({ random: () => 0 });
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    standin.fault("POST", "/token", { times: 1, ...refusal(400, "invalid_grant") });
    assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
    assert.equal((await vault.grant(grantId)).state, "active");
    assert.ok(!events.some(({ type }) => type === "lapsed"));
  });

  test("an answer to a refresh for a stale copy of the token is evidence about that copy: the newer one is used", async (t) => {
    const { clock, open, code, events, path } = await testVault(t, {
      rotation: "strict",
      provider: { rotation: "strict" },
    });
    const answer = Promise.withResolvers<Response>();
    const sent = Promise.withResolvers<void>();
    const late = async (...[input, init]: Parameters<typeof fetch>): Promise<Response> => {
      if (!(init?.body instanceof URLSearchParams) || !init.body.has("refresh_token")) return fetch(input, init);
      sent.resolve();
      return answer.promise;
    };
    const paused = await open({ fetch: late });
    const { grantId } = await paused.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    const stale = paused.getAccessToken(grantId);
    await sent.promise;
    // What a process that was paused for minutes finds when it goes on: its attempt was taken over and committed.
    withFile(path, (file) => file.exec("DELETE FROM attempts"));
    const other = await open();
    const { token } = await other.getAccessToken(grantId);
    answer.resolve(Response.json({ error: "invalid_grant" }, { status: 400 }));
    assert.equal((await stale).token, token);
    assert.equal((await other.grant(grantId)).state, "active");
    assert.ok(!events.some(({ type }) => type === "lapsed"));
  });

  test("an answer to a refresh that comes after the grant has moved on is kept, and revives it when the newer token turns out dead", async (t) => {
    const { standin, clock, open, code, events, path, newRequests } = await testVault(t);
    const answer = Promise.withResolvers<void>();
    const sent = Promise.withResolvers<void>();
    const late = async (...[input, init]: Parameters<typeof fetch>): Promise<Response> => {
      if (!(init?.body instanceof URLSearchParams) || !init.body.has("refresh_token")) return fetch(input, init);
      sent.resolve();
      await answer.promise;
      return Response.json({ access_token: "ya29.late", refresh_token: "1//late", token_type: "Bearer" });
    };
    const paused = await open({ fetch: late });
    const { grantId } = await paused.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    const slow = paused.getAccessToken(grantId);
    await sent.promise;
    withFile(path, (file) => file.exec("DELETE FROM attempts"));
    const other = await open();
    const { token } = await other.getAccessToken(grantId);
    answer.resolve();
    assert.equal((await slow).token, token, "the stored one counts");
    assert.deepEqual(events.at(-1), { type: "answer_kept", grantId, provider: "google", as: "orphan" });
    await paused.close();

    clock.advance(3_700_000);
    newRequests();
    standin.fault("POST", "/token", { times: 1, ...refusal(400, "invalid_grant") });
    standin.fault("POST", "/token", {
      times: 1,
      body: { access_token: "ya29.revived", token_type: "Bearer", expires_in: 3_600 },
    });
    assert.equal((await other.getAccessToken(grantId)).token, "ya29.revived");
    const [first, second] = newRequests();
    assert.notEqual(second?.refresh_token_fingerprint, first?.refresh_token_fingerprint, "the late one was tried");
    assert.equal((await other.grant(grantId)).state, "active");
    assert.equal(
      withFile(path, (file) => file.prepare("SELECT count(*) AS n FROM orphans").get()?.["n"]),
      0,
    );
  });
});

function withFile<T>(path: string, use: (file: DatabaseSync) => T): T {
  const file = new DatabaseSync(path, { timeout: 1_000 });
  try {
    return use(file);
  } finally {
    file.close();
  }
}
