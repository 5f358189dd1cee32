import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { challengeOf } from "../../../../src/crypto/code-challenge.ts";
import { codeHash } from "../../../../src/crypto/keyring.ts";
import type { CodeRequest, ErrorCode, HeldCode, Keeper, Vault } from "../../../../src/index.ts";
import { Secret, isOnbehalfError, keyringFromKeys, openKeeper } from "../../../../src/index.ts";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import { processOn } from "../../../support/key-process.ts";
import { outcomes, sharedStandin, testVault, until, usualScope } from "../../../support/test-vault.ts";
import type { TestVault } from "../../../support/test-vault.ts";

const lifeMs = 900_000;

interface Held {
  readonly fixture: TestVault;
  readonly keeper: Keeper;
  readonly vault: Vault;
  readonly request: CodeRequest;
  readonly held: HeldCode;
  readonly codeVerifier: Secret;
  readonly open: () => Promise<Keeper>;
}

/** A keeper, and a code that is to be held for a link. */
async function setup(t: TestContext, quirks: Parameters<typeof testVault>[1] = {}): Promise<Held> {
  const fixture = await testVault(t, quirks);
  const { clock, key, path, provider, events } = fixture;
  const open = async (): Promise<Keeper> => {
    const keeper = await openKeeper({
      provider,
      store: sqlite(path),
      keyring: keyringFromKeys(key),
      clock,
      onEvent: (event) => events.push(event),
    });
    t.after(() => keeper.close());
    return keeper;
  };
  const keeper = await open();
  const vault = await fixture.open({ keeper });
  const { keyring } = await processOn(t, fixture);
  const codeVerifier = new Secret(randomBytes(32).toString("base64url"));
  const connect = randomBytes(32).toString("hex");
  const code = fixture.code("ada@example.com");
  const request: CodeRequest = {
    code: new Secret(code),
    redirectUri: "",
    codeVerifier: undefined,
    nonce: undefined,
    externalId: "user-42",
    moveExternalId: false,
    scopes: usualScope.split(" "),
    isPublic: false,
    hold: { connect, challenge: challengeOf(codeVerifier), until: clock.now() + lifeMs },
  };
  const held = { codeHash: codeHash(keyring, fixture.standin.clientId, code), connect };
  return { fixture, keeper, vault, request, held, codeVerifier, open };
}

/** What stands in the file of the only intake. */
function intakeIn({ path }: TestVault): Record<string, unknown> {
  const file = new DatabaseSync(path, { readOnly: true });
  try {
    return { ...file.prepare("SELECT state, held_until, answer_sealed IS NULL AS erased FROM intakes").get() };
  } finally {
    file.close();
  }
}

function refusal(code: ErrorCode): (error: unknown) => boolean {
  return (error) => isOnbehalfError(error, code);
}

describe("an answer that is held", () => {
  test("an answer that is held is no grant before its verifier comes, and is the grant then, each time", async (t) => {
    const { fixture, keeper, vault, request, held, codeVerifier } = await setup(t);
    await keeper.holdCode("google", request);
    await assert.rejects(vault.grant({ externalId: "user-42" }), refusal("grant_not_found"));
    assert.equal((await vault.grants()).grants.length, 0);
    assert.deepEqual(
      fixture.events.map(({ type }) => type),
      ["sign_in_held"],
    );
    const grantId = await keeper.finishHeld("google", { ...held, codeVerifier });
    assert.equal((await vault.grant({ externalId: "user-42" })).grantId, grantId);
    assert.equal(await keeper.finishHeld("google", { ...held, codeVerifier }), grantId);
    const { token } = await vault.getAccessToken({ externalId: "user-42" });
    assert.match(token, /^ya29\./);
    assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
  });

  test("the code of a held answer is not sent again by the same request, and is used for any other", async (t) => {
    const { fixture, keeper, request } = await setup(t);
    await Promise.all([keeper.holdCode("google", request), keeper.holdCode("google", request)]);
    await keeper.holdCode("google", request);
    const { hold: _without, ...plain } = request;
    await assert.rejects(keeper.exchangeCode("google", plain), refusal("code_rejected"));
    const other = { ...request, hold: { ...request.hold!, connect: "another" } };
    await assert.rejects(keeper.holdCode("google", other), refusal("code_rejected"));
    assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
  });

  test("a wrong verifier, or that of another link, releases nothing", async (t) => {
    const { fixture, keeper, vault, request, held, codeVerifier } = await setup(t);
    await keeper.holdCode("google", request);
    const wrong = new Secret(randomBytes(32).toString("base64url"));
    await assert.rejects(keeper.finishHeld("google", { ...held, codeVerifier: wrong }), refusal("verifier_mismatch"));
    const other = { ...held, connect: randomBytes(32).toString("hex"), codeVerifier };
    await assert.rejects(keeper.finishHeld("google", other), refusal("connect_not_found"));
    assert.equal((await vault.grants()).grants.length, 0);
    assert.equal(intakeIn(fixture)["held_until"], fixture.clock.now() + lifeMs);
  });

  test("where a return code is needed, the verifier alone releases nothing, nor with another's code", async (t) => {
    const { keeper, vault, request, held, codeVerifier } = await setup(t);
    const returnCode = new Secret(randomBytes(32).toString("base64url"));
    const hold = { ...request.hold!, returnChallenge: challengeOf(returnCode) };
    await keeper.holdCode("google", { ...request, hold });
    const wrong = new Secret(randomBytes(32).toString("base64url"));
    for (const proof of [
      { codeVerifier },
      { codeVerifier, returnCode: wrong },
      { codeVerifier: wrong, returnCode },
      { codeVerifier, returnCode: codeVerifier },
    ])
      await assert.rejects(keeper.finishHeld("google", { ...held, ...proof }), refusal("verifier_mismatch"));
    assert.equal((await vault.grants()).grants.length, 0);
    // Those who come at the same time with less get less.
    const [full, less] = await Promise.allSettled([
      keeper.finishHeld("google", { ...held, codeVerifier, returnCode }),
      keeper.finishHeld("google", { ...held, codeVerifier }),
    ]);
    assert.deepEqual([full.status, less.status], ["fulfilled", "rejected"]);
  });

  test("of many who finish one held answer at once, all get the one grant", async (t) => {
    const { keeper, vault, request, held, codeVerifier, open } = await setup(t);
    await keeper.holdCode("google", request);
    const other = await open();
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? keeper : other).finishHeld("google", { ...held, codeVerifier }),
      ),
    );
    assert.equal(new Set(ids).size, 1);
    const { grants } = await vault.grants();
    assert.deepEqual(
      grants.map(({ grantId, generation }) => [grantId, generation]),
      [[ids[0], 1]],
    );
  });

  test("a held answer outlives its keeper", async (t) => {
    const { fixture, keeper, request, held, codeVerifier, open } = await setup(t);
    await keeper.holdCode("google", request);
    await keeper.close();
    const next = await open();
    const grantId = await next.finishHeld("google", { ...held, codeVerifier });
    assert.match(grantId, /^g_/);
    assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
  });

  test("an answer whose person could not be found out yet is held by itself later, and finished only with its verifier", async (t) => {
    const { fixture, keeper, vault, request, held, codeVerifier } = await setup(t);
    fixture.standin.fault("GET", "/oauth2/v3/certs", { times: "always", drop: true });
    await assert.rejects(keeper.holdCode("google", request), refusal("provider_unavailable"));
    await assert.rejects(keeper.finishHeld("google", { ...held, codeVerifier }), refusal("provider_unavailable"));
    fixture.standin.clearFaults();
    await until(() => intakeIn(fixture)["held_until"] !== null);
    assert.equal((await vault.grants()).grants.length, 0);
    const wrong = new Secret(randomBytes(32).toString("base64url"));
    await assert.rejects(keeper.finishHeld("google", { ...held, codeVerifier: wrong }), refusal("verifier_mismatch"));
    await keeper.finishHeld("google", { ...held, codeVerifier });
    assert.equal((await vault.grants()).grants.length, 1);
  });
});

describe("a held answer that nobody finishes", () => {
  test("a held answer is not finished after its time, and what was issued is revoked", async (t) => {
    const { fixture, keeper, vault, request, held, codeVerifier } = await setup(t);
    await keeper.holdCode("google", request);
    fixture.clock.advance(lifeMs);
    await assert.rejects(keeper.finishHeld("google", { ...held, codeVerifier }), refusal("connect_expired"));
    fixture.clock.advance(61_000);
    await keeper.close();
    await (await openUpkeep(fixture)).discarded();
    assert.deepEqual(intakeIn(fixture), { state: "rejected", held_until: null, erased: 1 });
    assert.deepEqual(outcomes(fixture.newRequests("/revoke")), { revoked: 1 });
    assert.equal((await vault.grants()).grants.length, 0);
    assert.deepEqual(fixture.events.at(-1), { type: "sign_in_discarded", provider: "google", revoked: true });
  });

  test("a held answer that is discarded is finished by nobody, also where the provider has not confirmed yet", async (t) => {
    const { fixture, keeper, request, held, codeVerifier } = await setup(t);
    await keeper.holdCode("google", request);
    fixture.standin.fault("POST", "/revoke", { times: 1, status: 503 });
    await keeper.discardHeld("google", held);
    assert.deepEqual(intakeIn(fixture), { state: "answered", held_until: null, erased: 0 });
    await assert.rejects(keeper.finishHeld("google", { ...held, codeVerifier }), refusal("connect_expired"));
    // The upkeep tries it again.
    await until(() => intakeIn(fixture)["state"] === "rejected");
    assert.deepEqual(outcomes(fixture.newRequests("/revoke")), { fault: 1, revoked: 1 });
    await assert.rejects(keeper.finishHeld("google", { ...held, codeVerifier }), refusal("code_rejected"));
  });

  test("what a held answer has brought is not revoked where that would end a grant that the person has", async (t) => {
    const { fixture, keeper, vault, request, held } = await setup(t);
    await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
    await keeper.holdCode("google", request);
    await keeper.discardHeld("google", held);
    assert.equal(stateOf(fixture, held), "rejected");
    assert.deepEqual(outcomes(fixture.newRequests("/revoke")), {});
    fixture.clock.advance(3_600_000);
    await vault.getAccessToken({ externalId: "user-1" });
    assert.deepEqual(
      fixture.events.find(({ type }) => type === "sign_in_discarded"),
      {
        type: "sign_in_discarded",
        provider: "google",
        revoked: false,
      },
    );
  });

  test("of finishing and discarding at once, one wins: there is a usable grant, or none and a revocation", async (t) => {
    for (let round = 0; round < 5; round++) {
      const { fixture, keeper, vault, request, held, codeVerifier, open } = await setup(t);
      await keeper.holdCode("google", request);
      const other = await open();
      const [finished] = await Promise.allSettled([
        keeper.finishHeld("google", { ...held, codeVerifier }),
        other.discardHeld("google", held),
      ]);
      await until(() => intakeIn(fixture)["state"] !== "answered");
      const revoked = outcomes(fixture.newRequests("/revoke"))["revoked"] ?? 0;
      assert.equal((await vault.grants()).grants.length, finished.status === "fulfilled" ? 1 : 0);
      assert.equal(revoked, finished.status === "fulfilled" ? 0 : 1);
    }
  });
});

describe("an answer of another account than was meant", () => {
  /** A sign-in of ada's that was meant for somebody else. */
  async function astray(
    t: TestContext,
    quirks: Parameters<typeof testVault>[1] = {},
  ): Promise<Held & { readonly end: () => Promise<unknown> }> {
    const set = await setup(t, quirks);
    const { hold: _without, ...plain } = set.request;
    const asked = { ...plain, subject: "108" };
    return { ...set, end: () => assert.rejects(set.keeper.exchangeCode("google", asked), refusal("code_rejected")) };
  }
  const identity = { userinfo: "", subject: "sub", email: "email" };

  test("is not revoked at a provider that gives a person the same tokens twice, where they have a grant", async (t) => {
    const { fixture, vault, end } = await astray(t, { provider: { revocationEndsSiblings: false } });
    await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
    await end();
    assert.deepEqual(outcomes(fixture.newRequests("/revoke")), {});
    assert.deepEqual(fixture.events.at(-1)?.type, "code_rejected");
  });

  test("is revoked also where the provider says by its API who has consented", async (t) => {
    const shared = await sharedStandin();
    t.after(() => shared.standin.close());
    const userinfo = `${shared.standin.url}/v1/userinfo`;
    const { fixture, vault, end } = await astray(t, { shared, provider: { identity: { ...identity, userinfo } } });
    await end();
    assert.deepEqual(outcomes(fixture.newRequests("/revoke")), { revoked: 1 });
    assert.equal((await vault.grants()).grants.length, 0);
  });

  test("becomes no grant either where it is finished later, from the journal", async (t) => {
    const { fixture, keeper, vault, request } = await setup(t);
    const { hold: _without, ...plain } = request;
    fixture.standin.fault("GET", "/oauth2/v3/certs", { times: "always", drop: true });
    const exchanging = keeper.exchangeCode("google", { ...plain, subject: "108" });
    await assert.rejects(exchanging, refusal("provider_unavailable"));
    assert.equal(intakeIn(fixture)["state"], "answered");
    fixture.standin.clearFaults();
    await until(() => intakeIn(fixture)["state"] !== "answered");
    assert.equal(intakeIn(fixture)["state"], "rejected");
    assert.equal((await vault.grants()).grants.length, 0);
    assert.deepEqual(outcomes(fixture.newRequests("/revoke")), { revoked: 1 });
  });

  test("leaves a grant in doubt that was stored while it was revoked: the revocation may have ended it", async (t) => {
    const { fixture, keeper, vault, request } = await setup(t);
    const { hold: _without, ...plain } = request;
    const code = fixture.standin.code({ email: "ada@example.com", scope: usualScope, prompt: "consent" });
    fixture.standin.fault("POST", "/revoke", { delayMs: 1_000 });
    const ended = assert.rejects(keeper.exchangeCode("google", { ...plain, subject: "108" }), refusal("code_rejected"));
    await until(() => intakeIn(fixture)["state"] === "answered");
    const { grantId } = await vault.exchangeCode({ code, externalId: "user-1" });
    await ended;
    assert.equal((await vault.grant({ grantId })).state, "suspect");
  });
});

function stateOf({ path }: TestVault, { codeHash: hash }: HeldCode): unknown {
  const file = new DatabaseSync(path, { readOnly: true });
  try {
    return file.prepare("SELECT state FROM intakes WHERE code_hash = ?").get(hash)?.["state"];
  } finally {
    file.close();
  }
}

/** A keeper whose upkeep is new: it looks for what is overdue at once. */
async function openUpkeep(fixture: TestVault): Promise<{ discarded(): Promise<void> }> {
  await fixture.open();
  return {
    discarded: () => until(() => fixture.events.some(({ type }) => type === "sign_in_discarded")),
  };
}
