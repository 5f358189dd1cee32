import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../src/index.ts";
import type { Refusals } from "../../src/core/refresh.ts";
import { bentProvider } from "../support/bent-provider.ts";
import type { BentAnswer, BentProvider } from "../support/bent-provider.ts";

const expiredMs = 3_700_000;
const page: BentAnswer = {
  status: 403,
  text: "<html>Attention Required!</html>",
  headers: { "content-type": "text/html" },
};

/** What an error says, in short: its code, and the reason or the provider's word. */
function saidBy(error: unknown): string {
  if (!isOnbehalfError(error)) throw error;
  const { details, code } = error;
  return "reason" in details ? `${code} ${details.reason}` : code;
}

async function tokenOf({ vault }: BentProvider, grantId: string): Promise<string> {
  return vault.getAccessToken(grantId).then(({ token }) => token, saidBy);
}

/** Connects people whose refreshes are answered as given, and one whose are not; all access tokens have expired. */
async function withPatients(
  provider: BentProvider,
  answer: BentAnswer,
  count = 6,
): Promise<{ readonly patients: string[]; readonly healthy: string }> {
  const patients: string[] = [];
  for (let n = 0; n < count; n++) patients.push((await provider.connect(`patient-${n}/1`)).grantId);
  const { grantId: healthy } = await provider.connect("healthy/1");
  provider.bend = {
    token: (_, { form }) => {
      const { refresh_token: sent } = form;
      // A refused token is not replaced, so theirs are the first ones for ever.
      return sent !== undefined && Number(sent.slice(3)) <= count ? answer : undefined;
    },
  };
  provider.clock.advance(expiredMs);
  return { patients, healthy };
}

/** A refusal of one grant, and what its callers are told. */
const aboutOneGrant: Readonly<Record<string, readonly [BentAnswer, string]>> = {
  ...Object.fromEntries(
    (
      [
        ["interaction_required", "reauthentication_required"],
        ["login_required", "reauthentication_required"],
        ["consent_required", "consent_required"],
        ["account_selection_required", "reauthentication_required"],
        ["mfa_required", "second_factor_required"],
        ["mfa_enrollment_required", "second_factor_required"],
      ] as const
    ).map(([error, reason]) => [error, [{ status: 403, body: { error } }, `reauthorization_required ${reason}`]]),
  ),
  "interaction_required with 400": [
    { status: 400, body: { error: "interaction_required", suberror: "basic_action" } },
    "reauthorization_required reauthentication_required",
  ],
  "invalid_grant that asks for consent": [
    { status: 400, body: { error: "invalid_grant", suberror: "consent_required" } },
    "reauthorization_required consent_required",
  ],
  invalid_grant: [{ status: 400, body: { error: "invalid_grant" } }, "reauthorization_required invalid_grant"],
  "a word nobody knows": [{ status: 400, body: { error: "not_today" } }, "provider_unavailable"],
  "a word nobody knows, with 200": [{ body: { ok: false, error: "invalid_refresh" } }, "provider_unavailable"],
  "that it cannot answer now": [{ status: 400, body: { error: "temporarily_unavailable" } }, "provider_unavailable"],
  "an error of its own, in capitals": [{ status: 403, body: { error: "SERVER_ERROR" } }, "provider_unavailable"],
  "a word in an object": [
    { status: 401, body: { error: { type: "OAuthException", code: 190 } } },
    "provider_unavailable",
  ],
  "a word in a list": [{ status: 401, body: { errors: [{ errorType: "expired" }] } }, "provider_unavailable"],
  "our request": [{ status: 400, body: { error: "invalid_request" } }, "client_misconfigured"],
  "a token of another client": [{ status: 401, body: { error: "unauthorized_client" } }, "client_misconfigured"],
};

describe("a refusal is about the grant that it was given to", () => {
  for (const [name, [answer, expected]] of Object.entries(aboutOneGrant)) {
    test(`${name}, for six people in a row: each is told so, and the seventh is served`, async (t) => {
      const provider = await bentProvider(t);
      const { patients, healthy } = await withPatients(provider, answer);
      for (const grantId of patients) assert.equal(await tokenOf(provider, grantId), expected);
      assert.match(await tokenOf(provider, healthy), /^at-/);
      // And they go on being refused for hours, whenever they are asked for, and nobody else feels it.
      for (let hour = 0; hour < 6; hour++) {
        provider.clock.advance(expiredMs);
        for (const grantId of patients) assert.equal(await tokenOf(provider, grantId), expected);
        assert.match((await provider.connect(`newcomer/${hour}`)).grantId, /^g_/);
      }
    });
  }

  test("a refusal in a code that nobody knows backs off that grant, ever longer, and is told once", async (t) => {
    const provider = await bentProvider(t, {}, { vault: { random: () => 0.5 } });
    const { patients } = await withPatients(provider, { status: 400, body: { error: "not_today" } }, 1);
    const [grantId = ""] = patients;
    const waits: number[] = [];
    for (let n = 0; n < 9; n++) {
      const asked = provider.count("/token");
      const error = await provider.vault.getAccessToken(grantId).catch((thrown: unknown) => thrown);
      assert.ok(isOnbehalfError(error, "provider_unavailable"));
      assert.match(error.message, /not_today/);
      waits.push(error.details.retryAfterMs);
      await assert.rejects(provider.vault.getAccessToken(grantId));
      assert.equal(provider.count("/token"), asked + 1, "not asked again before the time is over");
      provider.clock.advance(error.details.retryAfterMs);
    }
    assert.deepEqual(
      waits,
      [...waits].sort((a, b) => a - b),
    );
    assert.ok((waits[0] ?? 0) >= 15_000 && (waits.at(-1) ?? 0) >= 1_800_000 && (waits.at(-1) ?? 0) <= 3_600_000);
    const told = provider.events.filter(({ type }) => type === "unknown_refusal");
    assert.deepEqual(told, [{ type: "unknown_refusal", grantId, provider: "bent", error: "not_today" }]);
    provider.bend = {};
    assert.match(await tokenOf(provider, grantId), /^at-/);
    assert.equal((await provider.vault.grant(grantId)).state, "active");
  });

  test("a provider's own words mean what its record says", async (t) => {
    const refusals: Refusals = { bad_refresh_token: "dead", step_up: "reauthenticate", closed_for_lunch: "transient" };
    const provider = await bentProvider(t, {}, { provider: { refusals } });
    const said: string[] = [];
    for (const error of Object.keys(refusals)) {
      provider.bend = {};
      const { grantId } = await provider.connect(`${error}/1`);
      provider.clock.advance(expiredMs);
      provider.bend = { token: () => ({ body: { error } }) };
      said.push(await tokenOf(provider, grantId));
    }
    assert.deepEqual(said, [
      "reauthorization_required invalid_grant",
      "reauthorization_required reauthentication_required",
      "provider_unavailable",
    ]);
  });

  test("a refusal that proves that the provider is back ends the outage for everybody", async (t) => {
    const provider = await bentProvider(t);
    const { patients, healthy } = await withPatients(provider, { status: 503, body: {} });
    for (const grantId of patients) assert.equal(await tokenOf(provider, grantId), "provider_unavailable");
    assert.equal(await tokenOf(provider, healthy), "provider_unavailable", "the breaker is open");
    provider.bend = {
      token: (_, { form }) =>
        form["refresh_token"] === "rt-1" ? { status: 400, body: { error: "not_today" } } : undefined,
    };
    provider.clock.advance(120_000);
    assert.equal(await tokenOf(provider, patients[0] ?? ""), "provider_unavailable", "the probe");
    assert.match(await tokenOf(provider, healthy), /^at-/);
  });
});

describe("a firewall's page", () => {
  test("a firewall's page for the same six people, again and again, does not keep the seventh from being served", async (t) => {
    const provider = await bentProvider(t, {}, { vault: { random: () => 0.5 } });
    const { patients, healthy } = await withPatients(provider, page);
    // The first pages may be those of an outage, so they hold everybody back for a while.
    for (let round = 0; round < 3; round++) {
      for (const grantId of patients) assert.equal(await tokenOf(provider, grantId), "provider_unavailable");
      provider.clock.advance(expiredMs);
    }
    for (let round = 0; round < 5; round++) {
      provider.clock.advance(expiredMs);
      for (const grantId of patients) assert.equal(await tokenOf(provider, grantId), "provider_unavailable");
      // At most a second passes between a blocked probe and the next one.
      provider.clock.advance(1_000);
      assert.match(await tokenOf(provider, healthy), /^at-/);
      for (const grantId of patients) assert.equal(await tokenOf(provider, grantId), "provider_unavailable");
    }
  });

  test("a firewall's page for everybody is an outage, and nobody hammers it", async (t) => {
    const provider = await bentProvider(t);
    const { patients } = await withPatients(provider, page, 20);
    const before = provider.count("/token");
    for (const grantId of patients) assert.equal(await tokenOf(provider, grantId), "provider_unavailable");
    assert.ok(provider.count("/token") - before < 10, "not twenty requests for twenty grants");
  });

  test("a firewall's page for codes that look like an attack keeps nobody from being served", async (t) => {
    const provider = await bentProvider(t);
    const { grantId } = await provider.connect("ada/1");
    provider.bend = { token: (_, { form }) => (form["code"]?.includes("OR/**/1=1") === true ? page : undefined) };
    for (let n = 0; n < 8; n++) {
      await assert.rejects(provider.connect(`'OR/**/1=1--${n}`), (error) => saidBy(error) === "provider_unavailable");
    }
    provider.clock.advance(expiredMs);
    assert.match(await tokenOf(provider, grantId), /^at-/);
    assert.match((await provider.connect("eve/1")).grantId, /^g_/);
  });
});

describe("a refused code", () => {
  const words: readonly BentAnswer[] = [
    { body: { ok: false, error: "invalid_code" } },
    { status: 400, body: { error: "bad_verification_code" } },
    { status: 401, body: { error: "interaction_required" } },
    { status: 403, body: { error: "mfa_required" } },
    { status: 400, body: { error: "unsupported_response" } },
    { status: 422, body: { errors: [{ code: "invalid" }] } },
    { status: 400, body: { error: { code: 100, type: "OAuthException" } } },
    { status: 400, body: { status: "BAD_AUTH_CODE", message: "missing or unknown" } },
  ];
  for (const answer of words) {
    test(`a code that is refused with ${JSON.stringify(answer)} is rejected, for good, and six of them stop nobody`, async (t) => {
      const provider = await bentProvider(t, { token: () => answer });
      for (let n = 0; n < 6; n++) {
        await assert.rejects(provider.connect(`c${n}`), (error) => isOnbehalfError(error, "code_rejected"));
      }
      const asked = provider.count("/token");
      await assert.rejects(provider.connect("c0"), (error) => isOnbehalfError(error, "code_rejected"));
      assert.equal(provider.count("/token"), asked, "the same code is not sent again");
      provider.bend = {};
      assert.match((await provider.connect("good")).grantId, /^g_/);
    });
  }

  test("six codes that the provider cannot answer now, in OAuth's form, stop nobody, and work later", async (t) => {
    const answer = { status: 400, body: { error: "temporarily_unavailable" } };
    const provider = await bentProvider(t, { token: () => answer });
    for (let n = 0; n < 6; n++) {
      await assert.rejects(provider.connect(`c${n}`), (error) => isOnbehalfError(error, "provider_unavailable"));
    }
    provider.bend = {};
    for (const code of ["good", "c0", "c5"]) assert.match((await provider.connect(code)).grantId, /^g_/);
  });

  test("a code that meets an outage or a limit is not rejected: the same one works when that is over", async (t) => {
    const provider = await bentProvider(t);
    for (const status of [408, 425, 429, 500, 503]) {
      provider.bend = { token: () => ({ status, body: { error: "not_today" } }) };
      await assert.rejects(provider.connect(`c${status}`), (error) => isOnbehalfError(error, "provider_unavailable"));
      provider.bend = {};
      provider.clock.advance(120_000);
      assert.match((await provider.connect(`c${status}`)).grantId, /^g_/);
    }
  });
});
